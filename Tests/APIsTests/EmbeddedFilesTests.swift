import APIs
import JSON
import Testing

/// What of a request is no text.
@Suite struct `Embedded files` {
    private static let file = String(repeating: "A", count: 50_000)

    static let bodies: [(String, excess: Int)] = [
        (#"{"messages":[{"role":"user","content":"hi","images":["\#(file)"]}]}"#, 50_004 - 4000),
        (#"{"messages":[{"images" : [ "\#(file)" ]}]}"#, 50_007 - 4001),
        (
            #"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:,\#(file)"}}]}]}"#,
            50_000 + "{\"url\":\"data:,\"}".utf8.count - 4000
        ),
        (#"{"input":[{"content":[{"type":"input_image","image_url":"\#(file)"}]}]}"#, 50_002 - 4000),
        (
            #"{"messages":[{"content":[{"source":{"type":"base64","data":"\#(file)"}},{"x":{"data":"\#(file)"}}]}]}"#,
            2 * (50_002 - 4000)
        ),
        // Files within files count once.
        (#"{"images":[{"data":"\#(file)"}]}"#, 50_013 - 4000),
        // Texts are no files, whatever they say.
        (#"{"prompt":"\"images\":\"\#(file)\""}"#, 0), (#"{"prompt":"images","content":"\#(file)"}"#, 0),
        (#"{"prompt":"\\\"images","content":"\#(file)","more":"images"}"#, 0),
        (#"{"images":null,"content":"\#(file)"}"#, 0), (#"{"images":["short"],"x":"\#(file)"}"#, 0),
        // A short body is not searched.
        (#"{"images":["\#(String(repeating: "A", count: 8000))"]}"#, 0), ("", 0),
    ]

    @Test(arguments: bodies) func `are taken for a short text`(body: String, excess: Int) {
        #expect(EmbeddedFiles.excess(in: Array(body.utf8)[...]) == excess)
        #expect(EmbeddedFiles.excess(in: Array(("  " + body).utf8)[2...]) == excess)
    }
}
