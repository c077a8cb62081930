/// The stand-in's answer, which is always the same for the same question.
struct Answer: Sendable {
    /// The pieces of the answer, each with the space before it, as models produce them.
    let tokens: [String]
    /// The thinking before the answer; empty unless the request asks for it.
    let thinking: [String]
    /// The tool that is called instead of an answer: the first one that the request offers.
    let tool: String?
    /// Whether the answer was cut to the length that the request allows.
    let isCut: Bool

    var text: String { tokens.joined() }

    /// - Parameter count: the number of tokens in the answer; 0 for as many as it has.
    init(to body: ChatBody, tokens count: Int) {
        let words = Self.pieces(
            "No model is behind this answer: it comes from promptd's stand-in for Ollama. You asked: ")
        let all = words + Self.pieces(body.question)
        let wanted = count == 0 ? all.count : count
        let allowed = body.tokenLimit.flatMap { $0 >= 0 ? $0 : nil } ?? .max
        tool = body.tools?.first.flatMap { $0.function?.name ?? $0.name }
        tokens = tool != nil ? [] : (0..<min(wanted, allowed)).map { all[$0 % all.count] }
        isCut = tool == nil && wanted > allowed
        thinking = body.thinks ? Self.pieces("No model thinks here.") : []
    }

    /// An answer of exactly these pieces.
    init(_ tokens: [String]) {
        (self.tokens, thinking, tool, isCut) = (tokens, [], nil, false)
    }

    /// The text, split before each space that follows another character.
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
