import Digests
@testable import PromptFunction
import TestSupport
import Testing

/// The file of tenants.
@Suite struct `Tenants' settings` {
    static let hash = "sha256:" + SHA256Digest(of: "k").hexadecimal

    private static func read(_ text: String) throws -> TenantSettings {
        try TenantSettings(json: Array(text.replacing("HASH", with: hash).utf8))
    }

    @Test func `a digest is what sha256sum says`() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(SHA256Digest(of: "").hexadecimal == empty && SHA256Digest(of: "abc").hexadecimal == abc)
        #expect(SHA256Digest(hexadecimal: abc.uppercased()) == SHA256Digest(of: "abc"))
        for wrong in [
            "", String(abc.dropLast()), abc + "0", String(repeating: "g", count: 64), String(repeating: "é", count: 32),
        ] {
            #expect(SHA256Digest(hexadecimal: wrong) == nil)
        }
    }

    @Test func `are read`() throws {
        let settings = try Self.read(
            #"""
            {"weights": {"interactive": 20, "batch": 2},
             "tenants": {
                "acme": {"keys": ["HASH"], "models": ["llama3.2:1b", "qwen3"], "requests-per-minute": 60,
                         "tokens-per-minute": 100000, "max-in-flight": 4, "class": "batch"},
                "b.e-e@x": {"keys": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]}}}
            """#)
        #expect(settings.entries.map(\.name) == ["acme", "b.e-e@x"])
        let acme = settings.entries[0]
        #expect(acme.keys == [SHA256Digest(of: "k")] && acme.priority == .batch && acme.maxInFlight == 4)
        #expect((acme.requestsPerMinute, acme.tokensPerMinute) == (60, 100_000))
        #expect(acme.models.allows("qwen3") && !acme.models.allows("other"))
        #expect(settings.entries[1].priority == .interactive && settings.entries[1].models.allows("any"))
        #expect((settings.weights.interactive, settings.weights.batch) == (20, 2))
    }

    static let mistakes: [(text: String, words: String)] = [
        ("", "Write a JSON object."), ("[]", "Write a JSON object."), ("{}", "There is no tenant"),
        (#"{"tenants":{}}"#, "There is no tenant"), (#"{"tenant":{}}"#, "There is no 'tenant' here"),
        (#"{"tenants":{"a":{}}}"#, "'a' has no keys: make one with 'promptd key'."),
        (#"{"tenants":{"a":{"keys":["secret"]}}}"#, "Give 'keys' of 'a' as hashes"),
        (#"{"tenants":{"a":{"keys":"HASH"}}}"#, "Give 'keys' of 'a' as a list of texts."),
        (#"{"tenants":{"a":{"keys":["HASH"],"quota":1}}}"#, "'a' has 'quota', which is no setting"),
        (#"{"tenants":{"a":{"keys":["HASH"],"class":"gold"}}}"#, "Give 'class' of 'a' as interactive or batch."),
        (#"{"tenants":{"a":{"keys":["HASH"],"class":1}}}"#, "Give 'class' of 'a' as interactive or batch."),
        (#"{"tenants":{"a":{"keys":["HASH"],"max-in-flight":-1}}}"#, "Give 'max-in-flight' of 'a' a number from 0"),
        (#"{"tenants":{"a":{"keys":["HASH"],"max-in-flight":"4"}}}"#, "Give 'max-in-flight' of 'a' a number from 0"),
        (#"{"tenants":{"a":{"keys":["HASH"],"models":[]}}}"#, "Give 'models' of 'a' at least one model"),
        (#"{"tenants":{"a":{"keys":["HASH"],"models":["a b"]}}}"#, "'a b' is not a model name"),
        (#"{"tenants":{"a b":{"keys":["HASH"]}}}"#, "'a b' is no name of a tenant"),
        (#"{"tenants":{"a":{"keys":["HASH"]},"a":{"keys":["HASH"]}}}"#, "Give the tenant 'a' once."),
        (#"{"tenants":{"a":{"keys":["HASH"]},"b":{"keys":["HASH"]}}}"#, "'a' and 'b' have the same key"),
        (#"{"tenants":{"a":{"keys":["HASH"],"models":[""]}}}"#, "Give 'models' of 'a' as names of models, one in each"),
        (
            #"{"tenants":{"a":{"keys":["HASH"],"models":["m,n"]}}}"#,
            "Give 'models' of 'a' as names of models, one in each"
        ),
        (#"{"tenants":{"a":{"keys":["HASH","HASH"]}}}"#, "Give each hash in 'keys' of 'a' once."),
        (
            #"{"tenants":{"a":{"keys":["HASH"],"max-in-flight":1,"max-in-flight":0}}}"#,
            "Give 'max-in-flight' of 'a' once."
        ),
        (
            #"{"tenants":{"a":{"keys":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}}"#,
            "that of an empty key"
        ),
        (#"{"tenants":{"_other":{"keys":["HASH"]}}}"#, "'_other' is no name of a tenant"),
        (#"{"weights":{},"weights":{},"tenants":{}}"#, "Give 'weights' once."),
        (#"{"weights":{"interactive":1,"batch":2},"tenants":{}}"#, "Give 'interactive' at least the weight of 'batch'"),
        (#"{"weights":{"gold":1},"tenants":{}}"#, "There is no class 'gold'"),
        (#"{"weights":{"batch":0},"tenants":{}}"#, "Give the weight of 'batch' a number from 1 to 1000."),
        (#"{"tenants":{"a":{"keys":["HASH"]}}"#, "ends too early"),
        (#"{"tenants":{"a":{"keys":["HASH"]}}} x"#, "Write a JSON object."),
    ]

    @Test(arguments: mistakes) func `say what is wrong with them`(text: String, words: String) throws {
        let error = #expect(throws: TenantMistake.self) { try Self.read(text) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("secret") == false)
    }
}
