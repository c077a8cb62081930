import APIs
import Testing

@Suite struct `Reading along with a stream` {
    struct Row: Sendable, CustomStringConvertible {
        let format: StreamScanner.Format
        let text: String
        var isComplete = true
        var endsWithError = false
        var tokens: Int?

        var description: String { text }
    }

    private static let token = #"{"model":"m","message":{"content":"a"},"done":false}"# + "\n"
    private static let chunk = #"data: {"choices":[{"delta":{"content":"a"}}]}"# + "\n\n"

    static let rows: [Row] = [
        // Ollama
        Row(format: .objects, text: token, isComplete: false),
        Row(format: .objects, text: token + #"{"done":true,"eval_count":7}"# + "\n", tokens: 7),
        Row(format: .objects, text: token + #"{"done": true ,"eval_count": 7}"#, tokens: 7),
        Row(format: .objects, text: token + #"{"done":true,"done_reason":"stop","eval_count":7}"# + "\r\n", tokens: 7),
        Row(format: .objects, text: token + #"{"done_reason":"stop"}"# + "\n"),
        Row(format: .objects, text: token + #"{"done_reason":"","done":false}"# + "\n", isComplete: false),
        Row(format: .objects, text: token + #"{"error":"unexpected EOF"}"# + "\n", endsWithError: true),
        Row(format: .objects, text: token + #"{"error":null,"done":false }"# + "\n", isComplete: false),
        Row(
            format: .objects, text: #"{"message":{"tool_calls":[{"arguments":{"done":true}}]},"done":false}"# + "\n",
            isComplete: false),
        Row(format: .objects, text: #"{"message":{"content":"{\"done\":true}"}}"# + "\n", isComplete: false),
        Row(format: .objects, text: token + #"{"done":tr"#, isComplete: false),
        Row(format: .objects, text: "", isComplete: false),
        Row(format: .objects, text: "\n\n" + #"{"done":true}"# + "\n\n"),
        // OpenAI
        Row(format: .events, text: chunk, isComplete: false),
        Row(format: .events, text: chunk + "data: [DONE]\n\n"),
        Row(format: .events, text: chunk + "data:[DONE]\r\n\r\n"),
        Row(format: .events, text: chunk + "data: [DONE]"),
        Row(format: .events, text: chunk + "data: [DON", isComplete: false),
        Row(format: .events, text: #"data: {"content":"data: [DONE]"}"# + "\n\n", isComplete: false),
        Row(
            format: .events,
            text: #"data: {"usage":{"prompt_tokens":1,"completion_tokens":4}}"# + "\n\ndata: [DONE]\n\n", tokens: 4),
        Row(format: .events, text: #"data: {"usage": {"completion_tokens": 4}}"# + "\n\ndata: [DONE]\n\n", tokens: 4),
        Row(format: .events, text: #"data: {"usage":null}"# + "\n\ndata: [DONE]\n\n"),
        // Anthropic and responses
        Row(
            format: .events,
            text:
                "event: message_delta\ndata: {\"usage\":{\"input_tokens\":13,\"output_tokens\":3}}\n\nevent: message_stop\ndata: {}\n\n",
            tokens: 3),
        Row(format: .events, text: "event: message_stop\n", isComplete: false),
        Row(format: .events, text: "event: error\ndata: {}\n\n", endsWithError: true),
        Row(
            format: .events,
            text: "event: response.completed\ndata: {\"response\":{\"usage\":{\"output_tokens\":3}}}\n\n", tokens: 3),
        Row(
            format: .events,
            text: #"data: {"type":"message_delta","usage":{"output_tokens":3}}"# + "\n\n"
                + #"data: {"type": "message_stop"}"# + "\n\n", tokens: 3),
        Row(format: .events, text: #"data: {"type":"response.completed","response":{}}"# + "\n\n"),
        Row(format: .events, text: #"data: {"type":"error","error":{}}"# + "\n\n", endsWithError: true),
        Row(format: .events, text: #"data: {"type":"response.failed"}"# + "\n\n", endsWithError: true),
        Row(
            format: .events,
            text: #"data: {"type":"response.output_text.delta","delta":"response.completed"}"# + "\n\n",
            isComplete: false),
        Row(format: .events, text: #"data: {"type":"#, isComplete: false),
        Row(format: .events, text: #"data: {"type":5}"# + "\n\n", isComplete: false),
        Row(format: .events, text: "event: message_stop\n\ndata: {}\n\n", isComplete: false),
        // The type is not the first member.
        Row(format: .events, text: #"data: {"sequence_number":9,"type":"response.completed"}"# + "\n\n"),
        Row(
            format: .events, text: #"data: {"sequence_number":9, "type": "response.failed"}"# + "\n\n",
            endsWithError: true),
        Row(
            format: .events, text: #"data: {"sequence_number":9,"item":{"type":"error"},"type":"x"}"# + "\n\n",
            isComplete: false),
        Row(
            format: .events, text: #"data: {"delta":"\"type\":\"response.completed\"","type":"x"}"# + "\n\n",
            isComplete: false),
        // The last event repeats the answer, and is too long to be kept.
        Row(
            format: .events,
            text: "event: response.completed\ndata: {\"x\":\"" + String(repeating: "x", count: 300_000) + "\"}\n\n"),
        Row(
            format: .events,
            text: "data: {\"type\":\"response.completed\",\"x\":\"" + String(repeating: "x", count: 300_000) + "\"}\n\n"
        ),
        Row(
            format: .events,
            text: "event: x\ndata: {\"x\":\"" + String(repeating: "x", count: 300_000) + "\"}\n\n", isComplete: false),
        // An error that is none.
        Row(format: .events, text: #"data: {"error":null,"choices":[]}"# + "\n\n", isComplete: false),
        Row(format: .events, text: #"data: {"error": null,"choices":[]}"# + "\n\n", isComplete: false),
        Row(format: .events, text: #"data: {"error": {"message":"x"}}"# + "\n\n", endsWithError: true),
        Row(format: .events, text: "event: response.failed\ndata: {}\n\n", endsWithError: true),
        Row(format: .events, text: "event: response.incomplete\ndata: {}\n\n"),
        Row(format: .events, text: "event: response.output_text.delta\ndata: {}\n\n", isComplete: false),
        // Whole bodies
        Row(format: .whole, text: #"{"response":"a","done":true,"eval_count":7}"#, tokens: 7),
        Row(format: .whole, text: #"{"usage":{"prompt_tokens":1,"completion_tokens":4}}"#, tokens: 4),
        Row(format: .whole, text: #"{"embeddings":[[1,2]]}"#),
        Row(
            format: .whole, text: #"{"response":""# + String(repeating: "x", count: 20_000) + #"","eval_count":7}"#,
            tokens: 7),
        Row(
            format: .whole, text: #"{"eval_count":7,"response":""# + String(repeating: "x", count: 20_000) + #""}"#,
            tokens: 7),
        Row(
            format: .whole,
            text: "{" + String(repeating: " ", count: 8_180) + #""eval_count":7,"logprobs":["#
                + String(repeating: "1,", count: 20_000) + "1]}", tokens: 7),
    ]

    @Test(arguments: rows, [1, 7, 5000, 1 << 20])
    func `tells whether the answer is complete`(row: Row, piece: Int) {
        var scanner = StreamScanner(row.format)
        let bytes = Array(row.text.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let isRead = scanner.read(Array(bytes[start..<min(start + piece, bytes.count)]).span)
            #expect(isRead)
        }
        scanner.end()
        #expect(scanner.isComplete == row.isComplete)
        #expect(scanner.endsWithError == row.endsWithError)
        #expect(scanner.usage.output == row.tokens)
        #expect(scanner.heldBytes == 0)
    }

    @Test(
        arguments: [
            (.objects, "{\"done\":false}\n{\"a\":1,\"done\":false}\r\n{\"done\":true}\n{", 3),
            (.events, "event: x\ndata: {}\n\n: comment\n\ndata: {}\r\n\r\ndata:[DONE]\n\nid: 5\n\n", 3),
            (.events, "data: " + String(repeating: "x", count: 300_000) + "\n\ndata: {}\n\n", 2),
            (.whole, "{\"done\":true}\n", 0),
        ] as [(StreamScanner.Format, String, Int)], [1, 7, 1 << 20])
    func `counts what models send for each token`(row: (StreamScanner.Format, String, Int), piece: Int) {
        var scanner = StreamScanner(row.0)
        let bytes = Array(row.1.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let isRead = scanner.read(Array(bytes[start..<min(start + piece, bytes.count)]).span)
            #expect(isRead)
        }
        #expect(scanner.parts == row.2)
    }

    @Test func `a line that is too long ends a stream of objects, and not one of events`() {
        let piece = [UInt8](repeating: 0x61, count: 1 << 20)
        var objects = StreamScanner(.objects)
        var isRead = true
        for _ in 0..<9 { isRead = objects.read(piece.span) && isRead }
        #expect(!isRead)
        var events = StreamScanner(.events)
        isRead = true
        for _ in 0..<9 { isRead = events.read(piece.span) && isRead }
        #expect(isRead && events.heldBytes <= 1024)
        isRead = events.read(Array("\ndata: [DONE]\n".utf8).span)
        #expect(isRead && events.isComplete)
    }
}
