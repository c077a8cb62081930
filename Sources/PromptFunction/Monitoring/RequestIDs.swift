/// Names for requests: numbers that differ from each other, and from those of other processes.
struct RequestIDs {
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> UInt64 {
        // SplitMix64: a new number each time, without asking the system.
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// As 16 hexadecimal digits.
    static func text(_ number: UInt64) -> String {
        var text = ASCIIText()
        text.put(hexadecimal: number)
        return text.string
    }

    /// A client's own name for its request, if it can be shown in a log.
    static func usable(_ id: String) -> String? {
        let isPlain = id.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        return !id.isEmpty && id.utf8.count <= 128 && isPlain ? id : nil
    }
}
