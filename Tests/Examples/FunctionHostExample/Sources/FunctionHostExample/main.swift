import EventLoop
import FunctionHost
import HTTPServer
import Logging

/// A function: GET and the health checks are answered for it.
final class Shout: Function {
    private var isReady = false

    func start() async { isReady = true }
    func ready() -> Health { isReady ? .healthy : .unhealthy("Starting") }

    func handle(_ request: Request, _ reply: consuming Reply) async {
        let text = String(decoding: request.takeBody()?.copy() ?? [], as: UTF8.self)
        reply.send(.text(text.uppercased()))
    }
}

let loop = try EventLoop()
let unanswered = loop.run { loop in
    let server = FunctionServer(Shout(), on: loop, log: Logger(label: "shout"))
    let address = try! SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
    return try! await server.run(on: [address]) { print("listening on \($0)") }
}
precondition(unanswered == 0)
