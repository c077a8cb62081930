internal import EventLoop

/// Records which models a host has and which are loaded, from its listings and from the chats sent to it.
///
/// Belongs to one thread. Holds at most `capacity` models. If there are more, models known only from chats are
/// forgotten, the oldest first.
struct ModelInventory {
    /// Whether a host has a model, the best case last.
    enum Availability: Int, Comparable, Sendable {
        /// The host has said that it does not have the model.
        case absent
        /// It is unknown whether the host has the model.
        case unknown
        /// The host has the model.
        case local
        /// The model is loaded, or is being loaded because of a chat.
        case running

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// How a chat ended, as far as this says something about models.
    enum ChatEnd: Sendable {
        /// The chat was answered.
        case answered
        /// 404: the host does not have the model.
        case missing
        /// The chat ended in another way.
        case failed
    }

    private struct Entry {
        /// Whether the last listing, or a chat since then, showed the model.
        var isListed = false
        var isListedAsRunning = false
        /// The number of chats that have not ended.
        var waiting = 0
        /// When the last chat was sent.
        var sentAt: LoopInstant?
        /// When the last chat was answered; `nil` after a 404.
        var answeredAt: LoopInstant?
        /// When the last chat got a 404; `nil` if a chat was answered since.
        var missingAt: LoopInstant?
        var times = ServiceTimes()
    }

    /// How long a model counts as being loaded after a chat was sent, as long as no chat has ended and no listing shows
    /// it.
    static let loading = Duration.seconds(600)
    /// How long a 404 is remembered, for a host that does not list its models.
    static let absence = Duration.seconds(60)
    static let capacity = 256

    private var entries: [ModelName: Entry] = [:]
    /// The models in the last list of /api/tags.
    private var listed: Set<ModelName> = []
    /// Whether /api/tags was answered.
    private var knowsLocal = false
    /// Whether /api/ps was answered.
    private var knowsRunning = false

    /// The number of models about which something is known.
    var count: Int { entries.count }

    /// Whether the host lists the model. Some hosts answer for any name, so an answer says nothing.
    func lists(_ model: ModelName) -> Bool { listed.contains(model) }

    /// Whether the host has said that it has the model, by a list or by an answer.
    private func has(_ model: ModelName) -> Bool {
        entries[model].map { $0.isListed || $0.isListedAsRunning || $0.answeredAt != nil } ?? false
    }

    /// The models that it has, and those of them that are loaded.
    var models: [(name: ModelName, isRunning: Bool)] {
        entries.filter { has($0.key) }.map { ($0.key, isRunning($0.value)) }
    }

    // MARK: Asking

    func availability(of model: ModelName, at now: LoopInstant) -> Availability {
        guard let entry = entries[model] else { return knowsLocal ? .absent : .unknown }
        if isRunning(entry) || isLoading(entry, at: now) { return .running }
        if entry.isListed { return .local }
        if knowsLocal { return .absent }
        return entry.missingAt.map { now - $0 < Self.absence } ?? false ? .absent : .unknown
    }

    /// Whether the host has the model loaded; `false` while it is being loaded.
    func isRunning(_ model: ModelName) -> Bool { entries[model].map(isRunning) ?? false }

    private func isRunning(_ entry: Entry) -> Bool {
        entry.isListedAsRunning || (entry.answeredAt != nil && !knowsRunning)
    }

    private func isLoading(_ entry: Entry, at now: LoopInstant) -> Bool {
        guard entry.waiting > 0, let sentAt = entry.sentAt else { return false }
        return now - sentAt < Self.loading
    }

    /// How long the host takes for the model.
    func times(of model: ModelName) -> ServiceTimes? { entries[model]?.times }

    // MARK: Chats

    /// Records that a chat is sent to the host; `chatEnded` must follow.
    mutating func chatSent(_ model: ModelName, at now: LoopInstant) {
        if entries[model] == nil, entries.count >= Self.capacity { forgetOne() }
        var entry = entries[model] ?? Entry()
        if entry.waiting == 0 && !isRunning(entry) { entry.times.loadBegan(at: now) }
        entry.waiting += 1
        entry.sentAt = now
        entries[model] = entry
    }

    /// - Parameter began: when the chat was sent.
    mutating func chatEnded(_ model: ModelName, _ end: ChatEnd, began: LoopInstant, at now: LoopInstant) {
        guard var entry = entries[model] else { return }
        entry.waiting = max(entry.waiting - 1, 0)
        defer { if entry.waiting == 0 { entries[model]?.times.loadEnded() } }
        switch end {
        case .answered:
            entry.times.answered(began: began, at: now)
            entry.isListedAsRunning = true
            entry.isListed = true
            entry.answeredAt = now
            entry.missingAt = nil
        case .missing:
            entry.isListedAsRunning = false
            entry.isListed = false
            entry.answeredAt = nil
            entry.missingAt = now
        case .failed: break
        }
        keep(entry, as: model)
    }

    // MARK: Listings

    /// Records the models that /api/tags lists.
    ///
    /// - Parameter asked: when the listing was requested. The listing does not override what chats have shown since
    ///   then.
    mutating func list(local models: [ModelName], asked: LoopInstant) {
        knowsLocal = true
        let models = Set(models)
        listed = models
        for (model, var entry) in entries where !models.contains(model) && !isLater(entry.answeredAt, asked) {
            entry.isListed = false
            entry.answeredAt = nil
            keep(entry, as: model)
        }
        for model in models where !isLater(entries[model]?.missingAt, asked) {
            entries[model, default: Entry()].isListed = true
            entries[model]?.missingAt = nil
        }
    }

    /// Records the models that /api/ps lists; see `list(local:asked:)`.
    mutating func list(running models: [ModelName], asked: LoopInstant) {
        knowsRunning = true
        let models = Set(models)
        for (model, var entry) in entries where !models.contains(model) && !isLater(entry.answeredAt, asked) {
            entry.isListedAsRunning = false
            keep(entry, as: model)
        }
        for model in models where !isLater(entries[model]?.missingAt, asked) {
            entries[model, default: Entry()].isListedAsRunning = true
        }
    }

    /// Records that the host does not answer /api/tags: then only chats show which models it has.
    mutating func cannotListLocal() { knowsLocal = false }

    /// Records that the host does not answer /api/ps: then only chats show which models are loaded.
    mutating func cannotListRunning() { knowsRunning = false }

    /// Records that the host was unreachable: as far as is known, it has no model loaded now.
    mutating func hostWasUnreachable() {
        for (model, var entry) in entries {
            entry.isListedAsRunning = false
            entry.answeredAt = nil
            keep(entry, as: model)
        }
    }

    private func isLater(_ time: LoopInstant?, _ asked: LoopInstant) -> Bool { time.map { $0 >= asked } ?? false }

    // MARK: Bounds

    /// Stores an entry, or removes it if it says nothing.
    private mutating func keep(_ entry: Entry, as model: ModelName) {
        let saysNothing = !entry.isListed && !entry.isListedAsRunning && entry.waiting == 0 && entry.answeredAt == nil
        entries[model] = saysNothing && entry.missingAt == nil ? nil : entry
    }

    /// Removes the oldest entry that is neither listed nor in use, since clients can ask for models of any name.
    private mutating func forgetOne() {
        let oldest = entries.lazy.filter { !$0.value.isListed && !$0.value.isListedAsRunning && $0.value.waiting == 0 }
            .min { ($0.value.sentAt?.nanoseconds ?? 0) < ($1.value.sentAt?.nanoseconds ?? 0) }
        if let oldest { entries[oldest.key] = nil }
    }
}
