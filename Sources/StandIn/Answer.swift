/// What the stand-in says: always the same to the same question.
struct Answer: Sendable {
    /// Pieces, each with the space before it, as models make them.
    let tokens: [String]
    /// What is thought before; empty unless the request wants it.
    let thinking: [String]
    /// The tool that is called in place of an answer: the first that is offered.
    let tool: String?
    /// Whether the answer was cut to the length that the request allows.
    let isCut: Bool

    var text: String { tokens.joined() }

    /// - Parameter count: how many tokens to say; 0 for as many as it takes.
    init(to body: ChatBody, tokens count: Int) {
        let words = Self.pieces(
            "No model is behind this answer: it comes from promptd's stand-in for Ollama. You asked: ")
        let all = words + Self.pieces(body.question)
        let wanted = count == 0 ? all.count : count
        let allowed = body.options?.numPredict.flatMap { $0 >= 0 ? $0 : nil } ?? .max
        tool = body.tools?.first?.function.name
        tokens = tool != nil ? [] : (0..<min(wanted, allowed)).map { all[$0 % all.count] }
        isCut = tool == nil && wanted > allowed
        thinking = body.think?.isOn == true ? Self.pieces("No model thinks here.") : []
    }

    /// Just these.
    init(_ tokens: [String]) {
        (self.tokens, thinking, tool, isCut) = (tokens, [], nil, false)
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
