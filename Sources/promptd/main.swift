import EventLoop
import HTTPServer
import Logging
final class F: Function {
  func handle(_ request: Request, _ reply: consuming Reply) async {
    let body = request.takeBody()
    reply.send(.text("body \(body?.count ?? 0)\n"))
  }
}
let loop = try EventLoop()
let code = loop.run { loop in
  let server = Server(F(), on: loop, log: Logger(label: "x"))
  let a = try! SocketAddress.resolve(host: "127.0.0.1", port: 8080)[0]
  print(try! server.listen(on: a))
  await loop.sleep(for: .seconds(60))
  return 0
}
