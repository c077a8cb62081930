/// What the stand-in says: always the same to the same question.
struct Answer: Sendable {
    /// Pieces, each with the space before it, as models make them.
    let tokens: [String]

    var text: String { tokens.joined() }

    /// - Parameter count: how many tokens to say; 0 for as many as it takes.
    init(to question: String, tokens count: Int) {
        let words = Self.pieces("No model is behind this answer: it comes from promptd's stand-in for Ollama. You asked: ")
        let all = words + Self.pieces(question)
        tokens = count == 0 ? all : (0..<count).map { all[$0 % all.count] }
    }

    /// The text cut before each space that follows something else.
    private static func pieces(_ text: String) -> [String] {
        var pieces: [String] = []
        var piece = ""
        for character in text {
            if character == " ", let last = piece.last, last != " " {
                pieces.append(piece)
                piece = ""
            }
            piece.append(character)
        }
        if !piece.isEmpty { pieces.append(piece) }
        return pieces
    }
}
