@testable import PromptFunction
import Testing

/// Who may ask.
@Suite struct `API keys` {
    @Test func `a file has one key per line, blank lines and comments aside`() throws {
        let keys = try APIKeys(lines: "\u{FEFF}alpha\n\n  # beta\n#gamma\r\n\tdelta#1 \r\nepsilon")
        for key in ["alpha", "delta#1", "epsilon"] { #expect(keys.admits(key.bytes)) }
        for key in ["", "beta", "gamma", "# beta", "delta", "alph", "alphaa", "Alpha", "alpha\nepsilon"] {
            #expect(!keys.admits(key.bytes))
        }
    }

    @Test func `the environment has a comma list`() throws {
        let keys = try APIKeys(list: " a1 ,,b2,")
        #expect(
            keys.admits("a1".bytes) && keys.admits("b2".bytes) && !keys.admits("".bytes)
                && !keys.admits("a1,b2".bytes))
    }

    @Test func `a repeated key, or a key followed by zeros, is another`() throws {
        let keys = try APIKeys(list: "abab")
        for key in ["ab", "abababab", "abab\0", "\0", "a", "b"] { #expect(!keys.admits(key.bytes)) }
    }

    static let wrong: [(String, ProtectionError)] = [
        ("", .noKeys), ("\n\n", .noKeys), ("# only a comment\n", .noKeys), ("good\nwith space", .key(number: 2)),
        ("schlüssel", .key(number: 1)),
    ]

    @Test(arguments: wrong)
    func `a file without a usable key is refused, without repeating it`(text: String, error: ProtectionError) {
        #expect(throws: error) { try APIKeys(lines: text) }
        #expect(!"\(error)".contains("schl"))
    }

    static let fields: [(authorization: String?, apiKey: String?, key: String?)] = [
        (nil, nil, nil), ("Bearer one", nil, "one"), ("bearer  one ", nil, "one"), ("BEARER two", nil, "two"),
        (nil, "two", "two"), (nil, " two ", "two"), ("Bearer nope", "two", nil), ("Basic b25l", "two", "two"),
        ("Bearer", nil, nil), ("Bearer ", nil, nil), ("one", nil, nil), ("Bearerone", nil, nil), (nil, "", nil),
        (nil, "Bearer one", nil), ("Bearer one two", nil, nil),
    ]

    @Test(arguments: fields)
    func `a key comes as a bearer's or in a field of its own`(authorization: String?, apiKey: String?, key: String?)
        throws
    {
        let offered = APIKeys.offered(
            authorization: authorization.map { Array($0.utf8) }, apiKey: apiKey.map { Array($0.utf8) })
        let keys = try APIKeys(list: "one,two")
        #expect(offered.flatMap { keys.admits($0) ? String(decoding: $0, as: UTF8.self) : nil } == key)
    }
}

extension String {
    fileprivate var bytes: ArraySlice<UInt8> { Array(utf8)[...] }
}
