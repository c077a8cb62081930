import APIs
import EventLoop
import Foundation
import HTTPServer
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Requests whose bodies are compressed.
@Suite(.timeLimit(.minutes(1))) struct `Compressed requests` {
    /// `{"prompt":"hi"}`, as Python's gzip and zlib and as libzstd encode it.
    static let prompts = [
        ("gzip", "H4sIAAAAAAACA6tWKijKzy0oUbJSyshUqgUAVgUoGA8AAAA="),
        ("x-gzip, identity", "H4sIAAAAAAACA6tWKijKzy0oUbJSyshUqgUAVgUoGA8AAAA="),
        ("deflate", "eJyrViooys8tKFGyUsrIVKoFACtPBS4="), ("Zstd", "KLUv/SAPeQAAeyJwcm9tcHQiOiJoaSJ9"),
    ]

    private func request(_ body: [UInt8], _ coding: String, to path: String = "/") -> [UInt8] {
        let head =
            "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Encoding: \(coding)\r\nContent-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }

    private func ask(
        _ fixture: MultiBackendFixture, _ body: [UInt8], _ coding: String, to path: String = "/"
    ) async throws -> RawResponse {
        let socket = try await fixture.open(request(body, coding, to: path))
        defer { socket.close() }
        return try await response(on: socket)
    }

    @Test(arguments: prompts)
    func `are understood`(coding: String, base64: String) async throws {
        let body = [UInt8](try #require(Data(base64Encoded: base64)))
        try await withBackends { loop, fixture in
            let answered = try await ask(fixture, body, coding)
            #expect(answered.status == 200 && answered.text == answer(to: "hi"))
            let cut = try await ask(fixture, Array(body.dropLast()), coding)
            #expect(cut.status == 400 && cut.text.hasPrefix("Send a body in the coding that Content-Encoding names"))
            let plain = try await ask(fixture, Array("{}".utf8), coding)
            #expect(plain.status == 400)
        }
    }

    @Test func `are passed on as they are meant, without their coding`() async throws {
        let server = try RawServer()
        let chat = #"{"model":"m","messages":[]}"#
        let compressed = [UInt8](
            try #require(Data(base64Encoded: "H4sIAAAAAAACA6tWys1PSc1RslLKVdJRyk0tLk5MTy1WsoqOrQUAtiIpWhsAAAA=")))
        async let peers = server.play([
            { peer in
                let (head, body) = try peer.receiveRequest()
                #expect(String(decoding: body, as: UTF8.self) == chat)
                #expect(!head.lowercased().contains("content-encoding"))
                try peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                peer.close()
            }
        ])
        try await withBackends([], hosts: ["127.0.0.1:\(server.port)"], settings: { $0.apis = [.ollama] }) {
            loop, fixture in
            let answered = try await ask(fixture, compressed, "gzip", to: "/api/chat")
            #expect(answered.status == 200 && answered.text == "{}")
        }
        _ = try await peers
    }

    @Test func `may not be too long when they are decoded`() async throws {
        let body = [UInt8](try #require(Data(base64Encoded: Self.prompts[0].1)))
        try await withBackends(settings: { $0.maxDecodedBytes = 14 }) { loop, fixture in
            let refused = try await ask(fixture, body, "gzip")
            #expect(refused.status == 413)
            #expect(refused.text == "The decoded body is longer than the 14 bytes that are allowed: send less.\n")
        }
        try await withBackends(settings: { $0.maxDecodedBytes = 15 }) { loop, fixture in
            let answered = try await ask(fixture, body, "gzip")
            #expect(answered.status == 200)
        }
    }
}
