import Foundation
import TestSupport

/// One exchange with a genuine Ollama, byte for byte: the request, and what each read of the response brought.
///
/// The files have the bytes as characters of Latin-1, so that each character is one byte.
struct WireCapture: Sendable, CustomStringConvertible {
    let name: String
    let request: [UInt8]
    let reads: [[UInt8]]

    var description: String { name }

    private struct File: Decodable {
        var request: String
        var reads: [String]
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Captures")

    static let all: [WireCapture] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (names ?? []).filter { $0.hasSuffix(".json") }.sorted().compactMap { try? WireCapture(file: $0) }
    }()

    private init(file: String) throws {
        let data = try Data(contentsOf: Self.folder.appending(path: file))
        let content = try JSONDecoder().decode(File.self, from: data)
        func bytes(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }
        name = String(file.dropLast(5))
        request = bytes(content.request)
        reads = content.reads.map(bytes)
    }

    /// The body of the request.
    var requestBody: [UInt8] {
        request.firstRange(of: Array("\r\n\r\n".utf8)).map { Array(request[$0.upperBound...]) } ?? []
    }

    /// The lines of the request's head.
    var requestLines: [String] {
        String(decoding: request, as: UTF8.self).components(separatedBy: "\r\n\r\n")[0].components(separatedBy: "\r\n")
    }
}
