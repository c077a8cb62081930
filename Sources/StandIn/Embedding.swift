/// An embedding of a text: not that of any model, but the same for the same text.
struct Embedding {
    /// Unit length.
    let values: [Double]

    init(of text: String, dimensions: Int) {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
        for byte in text.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var values: [Double] = []
        for _ in 0..<max(1, dimensions) {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            values.append(Double(Int64(bitPattern: state)) / Double(Int64.max))
        }
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        self.values = values.map { length > 0 ? $0 / length : $0 }
    }

    var json: String { "[\(values.map { "\($0)" }.joined(separator: ","))]" }
}
