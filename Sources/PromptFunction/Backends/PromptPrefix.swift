/// Computes hashes that are the same in every process, so that several promptds choose the same host. Not for values
/// that an attacker must not guess.
enum PromptPrefix {
    /// How many bytes of a prompt are hashed: enough to tell system prompts apart, and few enough to contain only the
    /// system prompt.
    static let length = 256

    /// The FNV-1a hash of the first `length` bytes, mixed.
    static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes.prefix(length) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mix(hash)
    }

    /// The finalizer of SplitMix64: each bit of the result depends on each bit of `value`.
    static func mix(_ value: UInt64) -> UInt64 {
        let first = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        let second = (first ^ (first >> 27)) &* 0x94D0_49BB_1331_11EB
        return second ^ (second >> 31)
    }
}
