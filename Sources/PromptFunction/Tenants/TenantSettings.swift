package import Digests

/// What the operator says of those who may send prompts, as in the file of `--tenants`.
package struct TenantSettings: Sendable {
    /// One of them.
    package struct Entry: Sendable {
        package var name: String
        /// The digests of its keys.
        package var keys: [SHA256Digest] = []
        /// The models that it may ask.
        package var models = ModelPolicy.any
        /// 0: no limit.
        package var requestsPerMinute = 0
        /// The tokens of its prompts and of their answers; 0: no limit.
        package var tokensPerMinute = 0
        /// The most prompts that backends handle at the same time; 0: no limit.
        package var maxInFlight = 0
        package var priority = PriorityClass.interactive
    }

    package var entries: [Entry]
    package var weights = PriorityClass.Weights()

    /// The most tenants. Each costs about 2 KB.
    static let most = 1000
}

/// Why a file of tenants is not used. The description says what to write.
package struct TenantMistake: Error, Equatable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
