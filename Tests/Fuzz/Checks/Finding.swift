/// What a check has found: a fault of promptd, or of the check.
struct Finding: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

/// Ends a check with a finding unless `condition` holds.
func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(Finding) {
    if !condition { throw Finding(text()) }
}
