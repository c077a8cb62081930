/// Which prompts go first while they have to wait.
package enum PriorityClass: Int, Sendable, CaseIterable {
    /// Somebody waits for the answer. The class of all who are no tenants.
    case interactive
    /// Nobody does.
    case batch

    package var name: String {
        switch self {
        case .interactive: "interactive"
        case .batch: "batch"
        }
    }

    /// There are two.
    var other: Self { self == .interactive ? .batch : .interactive }

    package init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// How many prompts of each class are served in turn while prompts of all classes wait.
    package struct Weights: Sendable, Equatable {
        package var interactive = 8
        package var batch = 1

        package init() {}

        package subscript(class: PriorityClass) -> Int {
            get {
                switch `class` {
                case .interactive: interactive
                case .batch: batch
                }
            }
            set {
                switch `class` {
                case .interactive: interactive = newValue
                case .batch: batch = newValue
                }
            }
        }
    }
}
