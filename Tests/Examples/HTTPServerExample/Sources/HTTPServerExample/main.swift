import EventLoop
import HTTPServer
import Logging

/// Answers GET with the path, and POST with the body, piece by piece. `POST /stop` ends the program.
final class Echo: Service {
    let stop: Latch

    init(on loop: EventLoop) { stop = Latch(on: loop) }

    func respond(to request: borrowing RequestHead) -> Response? {
        request.method == .get ? .text("path \(request.path)") : nil
    }

    func handle(_ request: Request, _ reply: consuming Reply) async {
        if request.path == "/stop" {
            reply.send(.text("stopping"))
            stop.open()
            return
        }
        let body = reply.start(.ok, .text)
        await body.send(Array("you sent ".utf8))
        await body.send(request.takeBody()?.copy() ?? [])
        body.end()
    }
}

let loop = try EventLoop()
let unanswered = loop.run { loop in
    let echo = Echo(on: loop)
    let server = Server(echo, on: loop, log: Logger(label: "echo"))
    let address = try! server.listen(on: SocketAddress.resolve(host: "127.0.0.1", port: 0)[0])
    print("listening on \(address)")
    await echo.stop.wait()
    return await server.drain(within: .seconds(5))
}
precondition(unanswered == 0)
