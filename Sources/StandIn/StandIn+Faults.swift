import EventLoop
@_spi(RawReply) import HTTPServer

extension StandIn {
    /// Answers as the fault requires.
    func play(
        _ fault: Fault, _ model: String, _ wire: any AnswerFormat, _ isStream: Bool, _ reply: consuming Reply
    ) async {
        switch fault {
        case .missing: reply.send(Self.missing(model, wire))
        case .busy: reply.send(Self.busy(wire))
        case .broken:
            reply.send(wire.response(.internalServerError, "an error was encountered while running the model"))
        case .failing where !isStream:
            reply.send(
                wire.response(
                    .internalServerError, "an error was encountered while running the model: unexpected EOF"))
        case .failing: await endStream(wire, reply, with: wire.failure("unexpected EOF"))
        case .unfinished where !isStream: reply.send(Response(.ok, wire.wholeType, body: wire.unfinished(" a a a a")))
        case .unfinished: await endStream(wire, reply, with: [])
        case .garbling where isStream:
            await endStream(wire, reply, with: Array("{\"model\":\"x\",\"message\":{\"content\":\"cut\n".utf8))
        case .stalling where isStream:
            let body = await begin(wire, reply)
            await loop.sleep(for: .seconds(3600))  // or until the client leaves
            body.end()
        case .garbling, .garbage:
            reply.send(Response(.ok, .json, body: Array("{\"model\":\"x\",\"message\":{\"content\":\"cut".utf8)))
        default: await playRaw(fault, wire, isStream, reply)
        }
    }

    private static let answer = Answer([" one", " two", " three"])

    /// Sends some tokens.
    private func begin(_ wire: any AnswerFormat, _ reply: consuming Reply) async -> Body {
        let body = reply.start(.ok, wire.streamType)
        let start = wire.opening()
        if !start.isEmpty { await body.send(start) }
        for token in Self.answer.tokens { await body.send(wire.token(token)) }
        return body
    }

    /// Sends some tokens, then `last`, then the proper end of the response.
    private func endStream(_ wire: any AnswerFormat, _ reply: consuming Reply, with last: [UInt8]) async {
        let body = await begin(wire, reply)
        if !last.isEmpty { await body.send(last) }
        body.end()
    }

    /// Answers with a fault that no real server produces by itself.
    private func playRaw(_ fault: Fault, _ wire: any AnswerFormat, _ isStream: Bool, _ reply: consuming Reply) async {
        let raw = reply.raw()
        let response = Self.rawResponse(wire, isStream)
        switch fault {
        case .cut, .reset:
            raw.send(Array(response[..<(response.count - 40)]))
            if fault == .reset { await loop.sleep(for: .milliseconds(20)) }  // so that the client reads it first
            raw.cut(reset: fault == .reset)
        case .close: raw.cut(reset: false)
        case .noise:
            raw.send(Array("SSH-2.0-OpenSSH_9.2\r\n\0\u{1}\u{2}\r\n\r\n".utf8))
            raw.close()
        case .drip:
            for byte in response {
                raw.send([byte])
                await loop.turn()
                if Task.isCancelled { return }
            }
            raw.finish()
        case .stale:
            raw.send(response)
            raw.close()
        case .endless where isStream:
            let start = Array(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"message\":{\"content\":\"xxxxxxxxx\r\n"
                    .utf8)
            raw.send(start)
            let chunk = Array("10000\r\n\(String(repeating: "x", count: 0x10000))\r\n".utf8)
            for _ in 0..<200 where !Task.isCancelled {  // 12.5 MiB
                raw.send(chunk)
                await loop.turn()
            }
            await raw.stall()
        case .flood:
            raw.send(Array("HTTP/1.1 200 OK\r\n".utf8))
            let field = Array("X-Flood: \(String(repeating: "x", count: 1000))\r\n".utf8)
            for _ in 0..<1000 where !Task.isCancelled {
                raw.send(field)
                await loop.turn()
            }
            raw.cut(reset: false)
        default: await raw.stall()
        }
    }

    /// A correct response with three tokens.
    private static func rawResponse(_ wire: any AnswerFormat, _ isStream: Bool) -> [UInt8] {
        let started = ContinuousClock.now
        var response: [UInt8]
        if isStream {
            response = Array(
                "HTTP/1.1 200 OK\r\nContent-Type: \(wire.streamType.value)\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
            let start = wire.opening()
            let pieces = (start.isEmpty ? [] : [start]) + answer.tokens.map(wire.token)
            for line in pieces + [wire.end(answer, started: started)] {
                response += Array("\(String(line.count, radix: 16))\r\n".utf8) + line + [0x0D, 0x0A]
            }
            response += Array("0\r\n\r\n".utf8)
        } else {
            let body = wire.whole(answer, started: started)
            response = Array(
                "HTTP/1.1 200 OK\r\nContent-Type: \(wire.wholeType.value)\r\nContent-Length: \(body.count)\r\n\r\n"
                    .utf8)
            response += body
        }
        return response
    }
}
