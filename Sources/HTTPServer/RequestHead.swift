internal import CLibevent

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

    /// Whether its connection has a slot that is reserved for requests that are answered at once, because all others are
    /// taken.
    package var isOnReservedSlot: Bool { unsafe shim_exchange_is_reserved(handle) }

    /// A number that the service notes about the request, and finds again with its body; 0 as long as there is none.
    package var mark: UInt32 {
        get { unsafe shim_exchange_mark(handle) }
        nonmutating set { unsafe shim_exchange_set_mark(handle, newValue) }
    }

    /// Notes a number about the connection, other than 0, which counts as long as its requests have the same credential.
    package func note(_ number: UInt64, for credential: ArraySlice<UInt8>) {
        unsafe credential.withUnsafeBytes {
            unsafe shim_exchange_note_credential(handle, $0.baseAddress, $0.count, number)
        }
    }

    /// The number that was noted with the same credential; 0: none.
    package func number(for credential: ArraySlice<UInt8>) -> UInt64 {
        unsafe credential.withUnsafeBytes { unsafe shim_exchange_credential(handle, $0.baseAddress, $0.count) }
    }

    /// The first field of this name, in any case.
    public func field(_ name: StaticString) -> String? { unsafe Fields.field(handle, name) }

    /// The same, as bytes: cheaper than a text.
    package func fieldBytes(_ name: StaticString) -> [UInt8]? { unsafe Fields.bytes(handle, name) }

    /// All fields of this name, in any case, joined by commas in their order. Source: RFC 9110, 5.3.
    public func list(_ name: StaticString) -> String? { unsafe Fields.list(handle, name) }

    /// The fields that a proxy passes on, as lines: each with its CRLF, in their order.
    ///
    /// Those are left out that concern this connection, or that the next request has for itself: its host, framing and
    /// content codings. Source: RFC 9110, 7.6.1.
    ///
    /// - Parameter others: further fields that are left out, by their names in lower case.
    package func linesToPassOn(leavingOut others: [StaticString]) -> [UInt8] {
        let named = unsafe Fields.list(handle, "Connection").map(Self.names) ?? []
        var lines: [UInt8] = []
        lines.reserveCapacity(512)
        unsafe Fields.forEach(handle) { name, value in
            for own in Self.ownFields where unsafe Fields.isName(name, own) { return }
            for other in others where unsafe Fields.isName(name, other) { return }
            if !named.isEmpty, unsafe named.contains(String(decoding: name, as: UTF8.self).lowercased()) { return }
            unsafe lines.append(contentsOf: name)
            lines.append(0x3A)
            lines.append(0x20)
            unsafe lines.append(contentsOf: value)
            lines.append(0x0D)
            lines.append(0x0A)
        }
        return lines
    }

    private static func names(in options: String) -> [String] {
        options.lowercased().split(separator: ",").map { String($0.trimmingSpaces()) }
    }

    /// The fields that every request has for itself.
    private static let ownFields: [StaticString] = [
        "accept-encoding", "connection", "content-encoding", "content-length", "expect", "host", "keep-alive",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// Returns the type in `offered` that the client's Accept field prefers, or the first if it prefers none.
    public func preferred(of offered: [MediaType]) -> MediaType { Accept(field("Accept")).choice(of: offered) }

    /// The client's address, numeric, without port.
    public var peer: String { unsafe Fields.peer(handle) }
}
