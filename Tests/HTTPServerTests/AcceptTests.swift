@testable import HTTPServer
import Testing

/// Which form of an answer a client gets.
@Suite struct `Accept fields` {
    private static let offered: [MediaType] = [.text, .eventStream, .ndjson, .json]

    @Test(
        arguments: [
            (nil, MediaType.text), ("*/*", .text), ("", .text), ("image/png", .text), ("nonsense", .text),
            ("application/json", .json), ("application/json; charset=utf-8", .json), ("APPLICATION/JSON", .json),
            ("text/event-stream", .eventStream), ("application/x-ndjson", .ndjson), ("text/plain", .text),
            ("application/json, text/plain, */*", .text),  // axios's default
            ("application/json, */*", .json), ("text/event-stream, */*", .eventStream),
            ("application/json, text/javascript, */*; q=0.01", .json),
            ("text/*", .text), ("application/*", .ndjson), ("text/plain;q=0.5, application/json", .json),
            ("text/plain;q=0, application/json;q=0.1", .json), ("text/*;q=0.9, text/event-stream;q=0.1", .text),
            ("application/json;q=x", .json), ("application/json;q=2, text/plain", .text),
            ("*/*;q=0.1, text/event-stream", .eventStream),
            ("application/json;q=0", .text), (" application/json ;q=0.8 ,text/plain; q=0.7", .json),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", .text),  // a browser's
        ] as [(String?, MediaType)])
    func `the best of what is offered is chosen`(field: String?, choice: MediaType) {
        #expect(Accept(field).choice(of: Self.offered) == choice)
    }
}
