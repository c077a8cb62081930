internal import CLibevent
internal import EventLoop

/// The methods that the server accepts.
public enum Method: Sendable {
    case get, head, post
}

/// The head of a request, for a service that may answer it at once. It cannot be stored.
///
/// `@safe`: it is only borrowed for one call, during which the shim's exchange exists, and it cannot be copied.
@safe public struct RequestHead: ~Copyable {
    let handle: OpaquePointer

    /// The method.
    public var method: Method { unsafe Fields.method(handle) }

    /// Whether the path, without query, is exactly this.
    public func isPath(_ path: StaticString) -> Bool { unsafe Fields.isPath(handle, path) }

    /// The path as it was sent, without query.
    public var path: String { unsafe Fields.path(handle) }

    /// The query as it was sent, percent-encoded, without its question mark; `nil` when there is none.
    public var query: String? { unsafe Fields.query(handle) }

    /// The first field of this name, in any case.
    public func field(_ name: StaticString) -> String? { unsafe Fields.field(handle, name) }

    /// The client's address, numeric, without port.
    public var peer: String { unsafe Fields.peer(handle) }
}

/// A request, with its body complete. Belongs to the loop's thread.
///
/// Its fields can be read until the reply is sent or the client leaves; after that they are empty.
public struct Request {
    let exchange: Exchange

    /// The method; `get` after the reply was sent or the client has left.
    public var method: Method { unsafe exchange.handle.map(Fields.method) ?? .get }

    /// The path as it was sent, without query.
    public var path: String { unsafe exchange.handle.map(Fields.path) ?? "" }

    /// The query as it was sent, percent-encoded, without its question mark; `nil` when there is none.
    public var query: String? { unsafe exchange.handle.flatMap(Fields.query) }

    /// The first field of this name, in any case.
    public func field(_ name: StaticString) -> String? {
        unsafe exchange.handle.flatMap { unsafe Fields.field($0, name) }
    }

    /// All fields of this name, in any case, joined by commas in their order. Source: RFC 9110, 5.3.
    public func list(_ name: StaticString) -> String? {
        guard let handle = unsafe exchange.handle, var list = unsafe Fields.field(handle, name) else { return nil }
        var index = 1
        while let next = unsafe Fields.field(handle, name, at: index) {
            list += "," + next
            index += 1
        }
        return list
    }

    /// Returns the type in `offered` that the client's Accept field prefers, or the first if it prefers none.
    public func preferred(of offered: [MediaType]) -> MediaType { Accept(field("Accept")).choice(of: offered) }

    /// The client's address, numeric, without port: `127.0.0.1`, `::1`. IPv4 addresses are always written as IPv4, even
    /// on an IPv6 socket.
    public var peer: String { unsafe exchange.handle.map(Fields.peer) ?? "" }

    /// Lowers the server's `writeTimeout` for the reply to this request. Use it when the reply holds a scarce resource
    /// until the client has read it. Zero, or a value above the server's, restores the server's timeout.
    public func lowerWriteTimeout(to interval: Duration) {
        guard let handle = unsafe exchange.handle else { return }
        unsafe shim_exchange_set_write_timeout(handle, interval.inNanoseconds)
    }

    /// The size of the body in bytes; 0 after `takeBody`.
    public var bodyCount: Int { unsafe exchange.handle.map { unsafe shim_exchange_body_count($0) } ?? 0 }

    /// Moves the body out of the request, without copying it. Returns `nil` when the body is empty or was already
    /// taken.
    public func takeBody() -> RequestBody? {
        unsafe exchange.handle.flatMap { unsafe shim_exchange_take_body($0) }.map { unsafe RequestBody($0) }
    }
}

/// A request's body. It may be used on any thread. Its memory counts against the server's limit until the last
/// reference is released.
///
/// `@unchecked Sendable`: the bytes are never written after `init`, and the shim frees them on any thread.
/// `@safe`: the object owns one reference to the shim's body, and releases it in `deinit`.
@safe public final class RequestBody: @unchecked Sendable {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

    deinit { unsafe shim_body_free(handle) }

    public var count: Int { unsafe shim_body_count(handle) }

    /// Copies the body. The time is proportional to its size: call it off the loop's thread if the body is large.
    public func copy() -> [UInt8] {
        let count = count
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let start = buffer.baseAddress { unsafe shim_body_copy(handle, start) }
            initialized = count
        }
    }
}

/// Reads the fields of a request from the shim.
enum Fields {
    static func method(_ handle: OpaquePointer) -> Method {
        switch unsafe shim_exchange_method(handle) {
        case .SHIM_METHOD_POST: .post
        case .SHIM_METHOD_HEAD: .head
        default: .get
        }
    }

    private static func pathBytes(_ handle: OpaquePointer) -> UnsafeRawBufferPointer {
        var count = 0
        let start = unsafe shim_exchange_path(handle, &count)
        return unsafe UnsafeRawBufferPointer(start: start, count: count)
    }

    static func isPath(_ handle: OpaquePointer, _ path: StaticString) -> Bool {
        let bytes = unsafe pathBytes(handle)
        return unsafe bytes.elementsEqual(UnsafeRawBufferPointer(start: path.utf8Start, count: path.utf8CodeUnitCount))
    }

    static func path(_ handle: OpaquePointer) -> String { unsafe String(decoding: pathBytes(handle), as: UTF8.self) }

    static func query(_ handle: OpaquePointer) -> String? {
        var count = 0
        guard let start = unsafe shim_exchange_query(handle, &count) else { return nil }
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    static func peer(_ handle: OpaquePointer) -> String { unsafe String(cString: shim_exchange_peer(handle)) }

    static func field(_ handle: OpaquePointer, _ name: StaticString) -> String? {
        unsafe withName(name) { unsafe shim_exchange_header(handle, $0).map { unsafe String(cString: $0) } }
    }

    static func field(_ handle: OpaquePointer, _ name: StaticString, at index: Int) -> String? {
        unsafe withName(name) { unsafe shim_exchange_header_at(handle, $0, index).map { unsafe String(cString: $0) } }
    }

    private static func withName<Result>(_ name: StaticString, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        // A static string ends with a zero byte.
        name.withUTF8Buffer { unsafe body(UnsafeRawPointer($0.baseAddress!).assumingMemoryBound(to: CChar.self)) }
    }
}
