package import Glibc

/// An IPv4 or IPv6 address with a port.
public struct SocketAddress: Sendable, CustomStringConvertible {
    /// The address in the system's format; its first `length` bytes are used.
    package let storage: sockaddr_storage
    /// In bytes.
    package let length: socklen_t

    package init(storage: sockaddr_storage, length: socklen_t) {
        self.storage = storage
        self.length = length
    }

    /// Looks up the addresses of `host`, in the order in which they should be tried.
    ///
    /// Blocks while the system asks a name server: call it off the loop's thread, unless the host is numeric.
    ///
    /// - Parameter host: a name or a numeric address, without brackets.
    /// - Throws: `ResolveError` when there is no such host. Source: getaddrinfo(3).
    public static func resolve(host: String, port: UInt16, numericOnly: Bool = false) throws(ResolveError) -> [Self] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV | (numericOnly ? AI_NUMERICHOST : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else { throw ResolveError(host: host, code: code) }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [Self] = []
        var next = unsafe list
        while let entry = unsafe next?.pointee {
            unsafe next = unsafe entry.ai_next
            var storage = sockaddr_storage()
            unsafe withUnsafeMutableBytes(of: &storage) { target in
                unsafe target.copyMemory(
                    from: UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen)))
            }
            unsafe addresses.append(Self(storage: storage, length: entry.ai_addrlen))
        }
        return addresses
    }

    /// Whether it is an IPv6 address; otherwise it is an IPv4 address.
    public var isIPv6: Bool { storage.ss_family == sa_family_t(AF_INET6) }

    /// The port number.
    public var port: UInt16 {
        unsafe withUnsafeBytes(of: storage) { bytes in  // the same offset in sockaddr_in and sockaddr_in6
            unsafe UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }

    /// The numeric address, without port and brackets.
    public var host: String {
        var storage = storage
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = unsafe withUnsafePointer(to: &storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getnameinfo($0, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
            }
        }
        return code == 0 ? String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : "?"
    }

    /// The address as in a URL: `127.0.0.1:8080`, `[::1]:8080`.
    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Calls `body` with the address as the `sockaddr` that system functions take.
    package func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }
}

/// Why a host has no address.
public struct ResolveError: Error, Equatable, CustomStringConvertible {
    /// The name that was looked up.
    public let host: String
    /// An `EAI_` value of getaddrinfo(3).
    public let code: CInt

    public var description: String { unsafe "\(host): \(String(cString: gai_strerror(code)))" }
}
