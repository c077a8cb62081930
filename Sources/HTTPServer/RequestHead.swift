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

    /// The client's address, numeric, without port.
    public var peer: String { unsafe Fields.peer(handle) }
}
