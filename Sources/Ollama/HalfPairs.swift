/// The halves of surrogate pairs at the end of what has come of an answer: some models have a token for each half.
package struct HalfPairs: Sendable, Equatable {
    /// Of the text.
    var content: UInt16?
    /// Of the thinking.
    var thinking: UInt16?

    package init() {}

    package var hasContent: Bool { content != nil }
    package var hasThinking: Bool { thinking != nil }

    /// Whether there is none.
    package var isEmpty: Bool { content == nil && thinking == nil }
}
