/// Text in which `{n}` stands for the number of a request.
struct NumberedText: Sendable {
    /// The parts of the text before, between and after the numbers.
    private let pieces: [[UInt8]]

    init(_ text: some Collection<UInt8>) {
        let text = Array(text), mark = Array("{n}".utf8)
        var pieces: [[UInt8]] = []
        var start = 0, position = 0
        while position <= text.count - mark.count {
            if text[position..<(position + mark.count)].elementsEqual(mark) {
                pieces.append(Array(text[start..<position]))
                position += mark.count
                start = position
            } else {
                position += 1
            }
        }
        self.pieces = pieces + [Array(text[start...])]
    }

    /// Whether the text is the same for every request.
    var isConstant: Bool { pieces.count == 1 }

    /// The text of one request.
    func bytes(_ number: Int) -> [UInt8] {
        if isConstant { return pieces[0] }
        let digits = Array(String(number).utf8)
        var bytes = pieces[0]
        for piece in pieces.dropFirst() {
            bytes.append(contentsOf: digits)
            bytes.append(contentsOf: piece)
        }
        return bytes
    }
}
