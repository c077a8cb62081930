import Ollama
@testable import PromptFunction
import Testing

/// The scanner against Foundation's decoder, which is its oracle.
@Suite struct `Prompt scanner` {
    static let bodies = [
        "{}", " { } ", #"{"prompt":"x"}"#, #"{"model":"m","prompt":"x"}"#, #"{"prompt":"","model":""}"#,
        #"{"prompt":"\u00e9\ud83d\ude00\\\"\/\b\f\n\r\t é 😀"}"#, #"{"a":[1,-0.5e+3,true,null,{"prompt":"inner"}],"prompt":"x"}"#,
        #"{"prompt":null,"model":"m"}"#, #"{"prompt":"a","prompt":"b"}"#, #"{"pr\u006fmpt":"x"}"#,
        #"{"message":"Hello World"}"#,
    ]
    static let wrong = [
        "", " ", "[]", "null", "1", "\"x\"", "{", "}", "{}{}", "{}x", #"{"prompt"}"#, #"{"prompt":}"#, #"{"prompt":1}"#,
        #"{"prompt":["x"]}"#, #"{"prompt":{}}"#, #"{"model":false}"#, #"{"prompt":"x""#, #"{"prompt":"x",}"#,
        #"{"prompt":"\ud800"}"#, #"{"prompt":"\x"}"#, "{\"prompt\":\"\n\"}", #"{prompt:"x"}"#, #"{'prompt':'x'}"#,
        #"{"a":01}"#, #"{"a":tru}"#,
    ]

    @Test(arguments: bodies)
    func `what it reads, Foundation reads alike`(body: String) throws {
        let decoded = try PromptRequest(decoding: Array(body.utf8))
        if let scanned = PromptRequest(scanning: Array(body.utf8)) {
            #expect(scanned.prompt?.string == decoded.prompt?.string)
            #expect(scanned.model?.string == decoded.model?.string)
        }
        let read = try PromptRequest(body: Array(body.utf8))
        #expect(read.prompt?.string == decoded.prompt?.string)
    }

    @Test(arguments: wrong)
    func `what is wrong, it leaves to Foundation, which refuses it`(body: String) {
        #expect(PromptRequest(scanning: Array(body.utf8)) == nil)
        #expect(throws: PromptFailure.self) { try PromptRequest(body: Array(body.utf8)) }
    }

    @Test func `an ordinary body needs no help`() {
        #expect(PromptRequest(scanning: Array(#"{"prompt":"Why is the sky blue?","model":"llama3.2:1b"}"#.utf8)) != nil)
    }

    @Test(arguments: bodies)
    func `mutations are read as Foundation reads them, or refused by both`(body: String) {
        for index in body.utf8.indices {
            for replacement: UInt8 in [0, 0x22, 0x5C, 0x7B, 0x7D, 0x2C, 0x3A, 0x80, 0xC3, 0xFF] {
                var bytes = Array(body.utf8)
                bytes[body.utf8.distance(from: body.utf8.startIndex, to: index)] = replacement
                guard let scanned = PromptRequest(scanning: bytes) else { continue }
                let decoded = try? PromptRequest(decoding: bytes)
                #expect(scanned.prompt?.string == decoded?.prompt?.string)
                #expect(scanned.model?.string == decoded?.model?.string)
            }
        }
    }

    @Test func `a chat is written as Ollama wants it`() {
        let chat = ChatRequest(model: JSONText("m\""), prompt: JSONText("a\n\u{1}é"), stream: false)
        #expect(
            String(decoding: chat.json, as: UTF8.self)
                == #"{"model":"m\"","messages":[{"role":"user","content":"a\n\u0001é"}],"stream":false}"#)
    }
}
