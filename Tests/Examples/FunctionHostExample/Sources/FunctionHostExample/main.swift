import EventLoop
import FunctionHost
import Glibc
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
    let function = Shout()
    await function.start()
    let server = Server(function, on: loop, log: Logger(label: "shout"))
    let address = try! server.listen(on: SocketAddress.resolve(host: "127.0.0.1", port: 0)[0])
    let stop = Latch(on: loop)
    let signal = try! LoopSignal(SIGTERM, on: loop) { stop.open() }
    print("listening on \(address)")
    await stop.wait()
    withExtendedLifetime(signal) {}
    let unanswered = await server.drain(within: .seconds(5))
    await function.stop()
    return unanswered
}
precondition(unanswered == 0)
