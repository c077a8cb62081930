internal import CLibevent
internal import EventLoop

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

    /// Calls `body` with the head. `nil` after the reply was sent or the client has left.
    public func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result? {
        guard let handle = unsafe exchange.handle else { return nil }
        let head = unsafe RequestHead(handle: handle)
        return body(head)
    }

    /// All fields of this name, in any case, joined by commas in their order. Source: RFC 9110, 5.3.
    public func list(_ name: StaticString) -> String? {
        unsafe exchange.handle.flatMap { unsafe Fields.list($0, name) }
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

    /// Says how many bytes the service holds for this request from now on, in place of what it said before, and of the
    /// body that it has taken. They count against the server's `bufferedBytes` until the reply has been sent.
    ///
    /// - Returns: false, and counts nothing, if there is no room for them: then the service must not hold them. True
    ///   after the client has left.
    public func hold(_ count: Int) -> Bool { exchange.hold(count) }

    /// The size of the body in bytes; 0 after `takeBody`.
    public var bodyCount: Int { unsafe exchange.handle.map { unsafe shim_exchange_body_count($0) } ?? 0 }

    /// Moves the body out of the request, without copying it. Returns `nil` when the body is empty or was already
    /// taken.
    public func takeBody() -> RequestBody? {
        unsafe exchange.handle.flatMap { unsafe shim_exchange_take_body($0) }.map { unsafe RequestBody($0) }
    }
}
