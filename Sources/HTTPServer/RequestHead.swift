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

    /// The first field of this name, in any case.
    public func field(_ name: StaticString) -> String? { unsafe Fields.field(handle, name) }

    /// All fields of this name, in any case, joined by commas in their order. Source: RFC 9110, 5.3.
    public func list(_ name: StaticString) -> String? { unsafe Fields.list(handle, name) }

    /// Returns the type in `offered` that the client's Accept field prefers, or the first if it prefers none.
    public func preferred(of offered: [MediaType]) -> MediaType { Accept(field("Accept")).choice(of: offered) }

    /// The client's address, numeric, without port.
    public var peer: String { unsafe Fields.peer(handle) }
}
