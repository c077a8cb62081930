internal import EventLoop
internal import HTTPServer
internal import Ollama

/// A host's whole response that is passed on, or one that is made of several.
struct PassedOnReply {
    private let head: PassedOnHead
    private let body: [UInt8]

    init(_ reply: (head: ForwardedHead, body: [UInt8])) {
        head = PassedOnHead(
            status: reply.head.status, fieldLines: reply.head.fieldLines, length: reply.body.count)
        body = reply.body
    }

    init(json: [UInt8]) {
        let type = "Content-Type: application/json; charset=utf-8\r\n"
        head = PassedOnHead(status: 200, fieldLines: Array(type.utf8), length: json.count)
        body = json
    }

    /// The bytes that it holds.
    var count: Int { body.count + head.fieldLines.count }

    /// - Parameter fields: further fields of the response.
    func send(on reply: consuming Reply, _ fields: ReplyFields, at now: LoopInstant) {
        var head = head
        head.fields = fields.fields
        head.fieldLines = fields.lines(at: now, after: head.fieldLines)
        reply.start(passingOn: head).end(body)
    }
}
