import TestSupport
import Testing

/// Bytes that a client sends, what an RFC says about them, and what the server must make of them.
struct WireRow: CustomTestStringConvertible, Sendable {
    /// The section that says so, such as "9112 3.2"; or the name of an attack.
    let section: String
    let requirement: String
    /// What is sent: each character is one byte.
    let text: String
    let outcome: Outcome
    var testDescription: String { "\(section), \(requirement): \(text.prefix(200).debugDescription)" }

    init(_ section: String, _ requirement: String, _ text: String, _ outcome: Outcome) {
        (self.section, self.requirement, self.text, self.outcome) = (section, requirement, text, outcome)
    }

    var bytes: [UInt8] { text.unicodeScalars.map { UInt8($0.value) } }
}

/// The replies to what a row sends, and how the connection goes on.
struct Outcome: Sendable {
    var replies: [ExpectedReply]
    /// Whether the server closes after the last reply. If not, it answers the request that follows.
    var closes = false
    /// Whether `100 Continue` comes if the body has not begun to arrive.
    var continues = false

    /// 200 with this body.
    static func ok(_ body: String = "OK") -> Self { Self(replies: [.ok(body)]) }

    /// 200 with this body, and the end.
    static func closing(_ body: String = "OK") -> Self { Self(replies: [.ok(body)], closes: true) }

    /// An error, and the end.
    static func refused(_ status: Int, _ fields: [String: String] = [:]) -> Self {
        Self(replies: [ExpectedReply(status: status, fields: fields)], closes: true)
    }

    /// An error without a body, as it answers HEAD, and the end.
    static func refusedHead(_ status: Int) -> Self {
        Self(replies: [ExpectedReply(status: status, isToHead: true)], closes: true)
    }

    static func all(_ replies: ExpectedReply..., closes: Bool = false) -> Self {
        Self(replies: replies, closes: closes)
    }

    /// 200 with this body, after `100 Continue` if the body has not begun to arrive.
    static func continuing(_ body: String) -> Self { Self(replies: [.ok(body)], continues: true) }
}

struct ExpectedReply: Sendable {
    let status: Int
    /// `nil`: any body that is not empty.
    var body: String?
    var fields: [String: String] = [:]
    var isToHead = false

    static func ok(_ body: String = "OK") -> Self { Self(status: 200, body: body) }

    /// The answer to HEAD where that to GET has `count` bytes.
    static func head(_ count: Int) -> Self { Self(status: 200, fields: ["Content-Length": "\(count)"], isToHead: true) }

    /// The answer to OPTIONS.
    static let options = Self(status: 204, body: "", fields: ["Allow": "GET, HEAD, OPTIONS, POST"])
}

/// A head: `lines`, and an empty one.
func head(_ lines: String...) -> String { lines.map { $0 + "\r\n" }.joined() + "\r\n" }

/// A POST with `fields` beside Host.
func posted(_ fields: String..., body: String = "") -> String { request("POST", "/", fields) + body }

/// A chunked POST.
func chunked(_ body: String) -> String { request("POST", "/", ["Transfer-Encoding: chunked"]) + body }

/// The request that must be read as what it is, or not at all. Its answer is "POST /smuggled" and its body.
let smuggled = "POST /smuggled HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"
