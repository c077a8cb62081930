internal import EventLoop
internal import HTTPClient
internal import Ollama

/// What prompts must have in common to share a generation.
struct SharingKey: Hashable {
    /// A hash of the request to the host.
    let hash: Int
    /// Where the request was posted; empty for promptd's own form.
    let path: String
    /// Whose prompts they are: what one tenant may ask, and how soon, says nothing about another. `nil`: of none.
    let tenant: ClientIdentity?
    /// The form of a whole answer in promptd's own form; `nil` if it makes no difference.
    let form: WholeForm?
}

/// The generations that are under way and may be shared. Belongs to the loop's thread.
final class SharedReplies<Member: SharingReply> {
    private var generations: [SharingKey: Generation] = [:]

    /// A generation, and the task that runs it.
    final class Generation {
        let shared: SharedReply<Member>
        /// The request to the host.
        let payload: Payload
        var task: Task<Void, Never>?

        init(_ shared: SharedReply<Member>, _ payload: Payload) {
            self.shared = shared
            self.payload = payload
        }
    }

    /// A generation for the same request that may be joined.
    func find(_ key: SharingKey, _ payload: Payload) -> Generation? {
        guard let found = generations[key], found.shared.isOpen, found.payload.isEqual(to: payload) else { return nil }
        return found
    }

    /// Adds a generation. One with the same key is no longer found.
    func add(_ generation: Generation, as key: SharingKey) { generations[key] = generation }

    func remove(_ generation: Generation, _ key: SharingKey) {
        if generations[key] === generation { generations[key] = nil }
    }
}
