import EventLoop
import FunctionHost
@_spi(RawReply) import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Prompts that wait for another Ollama than the one that failed them.
@Suite(.timeLimit(.minutes(1))) struct `Retries` {
    /// An Ollama that has every model loaded, and closes the connection of every prompt. Belongs to the loop.
    private final class Closing: Service {
        var chats = 0
        var listings = 0

        func respond(to request: borrowing RequestHead) -> Response? {
            listings += 1
            let models = (0..<20).map { #"{"name":"model\#($0)"}"# }.joined(separator: ",")
            return Response(.ok, .json, body: Array("{\"models\":[\(models)]}".utf8))
        }

        func handle(_ request: Request, _ reply: consuming Reply) async {
            chats += 1
            reply.raw().cut(reset: false)
        }
    }

    /// An Ollama that has a model, and is busy for the first two prompts. Belongs to the loop.
    private final class Busy: Service {
        var chats = 0
        var listings = 0

        func respond(to request: borrowing RequestHead) -> Response? {
            guard request.method == .get else { return nil }
            listings += 1
            return Response(.ok, .json, body: Array(#"{"models":[{"name":"model0"}]}"#.utf8))
        }

        func handle(_ request: Request, _ reply: consuming Reply) async {
            chats += 1
            let (busy, answer) = (#"{"error":"server busy"}"#, #"{"message":{"content":"hi"},"done":true}"#)
            reply.send(
                Response(chats <= 2 ? .serviceUnavailable : .ok, .json, body: Array((chats <= 2 ? busy : answer).utf8)))
        }
    }

    @Test func `a prompt waits for a busy Ollama that has its model, rather than ask one that lacks it`() async throws {
        try await onLoop { loop in
            var other = StandInSettings()
            other.models = ["other"]
            let busy = Busy()
            let fixture = try MultiBackendFixture([other], services: [busy], on: loop) { _ in }
            try await fixture.function.start()
            try await until("both were checked", on: loop) { fixture.listings == 2 && busy.listings == 2 }
            let answered = try await fixture.post(#"{"model":"model0"}"#)
            #expect(answered.status == 200 && answered.text == "hi")
            #expect(busy.chats == 3 && fixture.requests == [0])
            await fixture.function.stop()
        }
    }

    @Test func `a prompt waits for another Ollama, and those behind it do not wait for it`() async throws {
        try await onLoop { loop in
            let closing = Closing()
            let fixture = try MultiBackendFixture([StandInSettings()], services: [closing], on: loop) {
                $0.maxInFlight = 1
                ($0.model, $0.readiness) = ("model0", .loaded)
            }
            let standIn = fixture.standIn
            standIn.hold()
            try await fixture.function.start()
            try await until("both were checked", on: loop) { fixture.listings == 2 && closing.listings == 2 }
            // The closing host comes first for each prompt, once it is known that it has the model loaded.
            try await until("what was listed is known", on: loop) { fixture.function.ready() == .healthy }
            // The closing host fails each of them at once. The next one comes when it is free again: it takes one at a
            // time, and while it has one, the next would go to the stand-in.
            var sockets: [RawSocket] = []
            for number in 0..<5 {
                sockets += try await fixture.begin([#"{"prompt":"\#(number)","model":"model\#(number)"}"#], on: loop)
                try await until("it was tried", on: loop) {
                    fixture.log.lines(with: "retrying after a failure").count == number + 1
                }
                try await until("it is with the stand-in, or waits for it", on: loop) {
                    fixture.function.inFlight == 1 && fixture.function.waiting == number
                }
            }
            try await until("one is with the stand-in", on: loop) { standIn.counts.active == 1 }
            // The connection that the checks left open was closed by the first: that one was sent again.
            #expect(closing.chats == fixture.retries)
            standIn.release()
            for (index, socket) in sockets.enumerated() {
                let text = try await response(on: socket).text
                #expect(text == answer(to: "\(index)"))
            }
            #expect(closing.chats == fixture.retries && standIn.counts.requests == 5)
            #expect(fixture.function.waiting == 0 && fixture.function.inFlight == 0)
            await fixture.function.stop()
        }
    }

    @Test func `where the only other Ollama fails too, its failure is told`() async throws {
        try await onLoop { loop in
            let closing = [Closing(), Closing()]
            let fixture = try MultiBackendFixture([], services: closing, on: loop) { _ in }
            for count in 1...3 {
                let response = try await fixture.post("{}")
                #expect(response.status == 502 && response.text == "Ollama closed the connection without an answer.\n")
                #expect(closing.map(\.chats) == [count, count] && fixture.retries == count)
            }
            await fixture.function.stop()
        }
    }
}
