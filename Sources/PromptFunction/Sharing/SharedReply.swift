internal import APIs
internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Ollama

/// A reply that can be one of several that share a generation. Belongs to the loop's thread.
protocol SharingReply: ClientReply {
    /// Asks a host, and gives the answer to all members of a shared reply.
    static func ask(
        _ client: any EngineClient, _ prompt: Prompt, for shared: SharedReply<Self>, options: RequestOptions?
    ) async throws(OllamaError) -> TokenUsage

    /// Resumes the answer after a pause.
    func take(_ flow: BodyFlow)
    /// Called after all of one read was given, so that the reply can send it. Returns whether it can take more now.
    func endRead() -> Bool
    /// How many bytes wait for the client to take them.
    var backlog: Int { get }
    /// Whether it may hold `count` bytes beside its request from now on.
    func mayHold(_ count: Int) -> Bool
    /// Forgets what it was given since the last read, and has not sent.
    func discardNews()
}

/// One generation for several clients, each of which gets its own reply. Belongs to the loop's thread.
///
/// A client that comes while the generation is under way gets first what has come of it. Each may leave; the last one
/// ends the generation. One that does not read does not slow the others: it is cut off when 1 MiB waits for it, or
/// when the budget has no room for that.
final class SharedReply<Member: SharingReply>: ClientReply, AnswerMemory {
    /// A client's place at the generation.
    final class Seat {
        let member: Member
        /// Opens when there is an outcome.
        let latch: Latch
        fileprivate(set) var outcome: Result<Void, PromptFailure>?

        fileprivate init(_ member: Member, on loop: EventLoop) {
            self.member = member
            latch = Latch(on: loop)
        }

        fileprivate func end(_ outcome: Result<Void, PromptFailure>) {
            self.outcome = outcome
            latch.open()
        }
    }

    /// Something that has come, to be given to a client.
    typealias Event = (Member) throws(OllamaError) -> Void

    /// Maximum bytes of an answer that are kept for clients that come later. Then none can join any more.
    private static var historyLimit: Int { PromptFunction.Settings.sharedHistory }
    /// Maximum bytes that wait for one client while others read: it must not use up the budget, which is everybody's.
    private static var backlogLimit: Int { 1 << 20 }
    /// What an event takes in memory besides its bytes.
    private static var eventCost: Int { 320 }

    private(set) var seats: [Seat] = []
    /// `nil` if it was too long to be kept.
    private var history: [Event]? = []
    private var historyBytes = 0
    /// What has come in this read. It is given to one client after the other, since all use the same scratch buffer.
    private var news: [Event] = []
    private var flow: BodyFlow?
    /// The tokens of a streamed answer.
    var usage = TokenUsage()
    private var isOver = false
    private let loop: EventLoop
    /// What a client that comes now must be told before anything else.
    var introduction: ((Member) -> Void)?
    /// Called when the last client has gone, so that nobody needs the generation.
    var onDeserted: (() -> Void)?

    private(set) var hasBegun = false {
        didSet { if !oldValue && hasBegun { onBegin?() } }
    }
    var onBegin: (() -> Void)?
    var prompt: Prompt? {
        didSet { forEachRecord { $0.note(prompt) } }
    }
    var modelField: String? {
        didSet { for seat in seats { seat.member.modelField = modelField } }
    }
    func forEachRecord(_ body: (PromptRecord) -> Void) {
        for seat in seats { seat.member.forEachRecord(body) }
    }

    /// The backend that is asked, for clients that come later.
    private var backend: EngineBackend?

    func noteAsking(_ backend: EngineBackend) {
        self.backend = backend
        for seat in seats { seat.member.noteAsking(backend) }
    }

    var positionInQueue: (() -> Int)? {
        didSet { for seat in seats { seat.member.positionInQueue = positionInQueue } }
    }

    /// Whose prompt was the first.
    let tenant: Tenant?

    init(of prompt: Prompt, for tenant: Tenant?, on loop: EventLoop) {
        self.prompt = prompt
        self.tenant = tenant
        self.loop = loop
    }

    // MARK: Clients

    /// Whether a client may join.
    var isOpen: Bool { !isOver && history != nil }

    /// Gives a client what has come, and all that is to come. `isOpen` must be true.
    func join(_ member: Member) -> Seat {
        let seat = Seat(member, on: loop)
        seats.append(seat)
        member.positionInQueue = positionInQueue
        if let modelField { member.modelField = modelField }
        if let backend { member.noteAsking(backend) }
        if let flow { member.take(flow) }
        introduction?(member)
        if let history, !history.isEmpty { _ = give(history, to: seat) }
        flow?.resume()  // it may have paused for a client that was alone
        return seat
    }

    /// A client has left.
    func leave(_ seat: Seat) {
        seats.removeAll { $0 === seat }
        guard seats.isEmpty, !isOver else { return }
        isOver = true
        onDeserted?()
    }

    /// Tells all clients how the generation ended.
    func end(_ outcome: Result<Void, PromptFailure>) {
        isOver = true
        for seat in seats { seat.end(outcome) }
        seats = []
    }

    private func end(_ seat: Seat, _ error: OllamaError) {
        leave(seat)
        let isNoRoom = error == .transport(.noRoom)
        seat.end(.failure(isNoRoom ? .noRoom : .ollama(error, model: prompt?.modelText ?? "", host: .unknown)))
    }

    // MARK: From the host

    func take(_ flow: BodyFlow?) {
        guard let flow else { return }
        self.flow = flow
        for seat in seats { seat.member.take(flow) }
    }

    /// Gives something to all clients, after the read in which it came.
    ///
    /// - Parameter bytes: what it holds.
    func give(_ bytes: Int, _ event: @escaping Event) {
        news.append(event)
        historyBytes += bytes + Self.eventCost
        if historyBytes > Self.historyLimit { history = nil }
        history?.append(event)
    }

    /// Gives a client what has come. Returns whether it can take more now.
    private func give(_ events: [Event], to seat: Seat) -> Bool {
        do throws(OllamaError) {
            for event in events { try event(seat.member) }
            if seat.member.hasBegun { hasBegun = true }
            return seat.member.endRead()
        } catch {
            seat.member.discardNews()  // or the next client would get it
            end(seat, error)
            return true
        }
    }

    func endRead() -> Bool {
        let events = news
        news = []
        // As if it had a generation of its own: it resumes the answer itself.
        if seats.count == 1, let seat = seats.first { return give(events, to: seat) }
        for seat in seats where !give(events, to: seat) && !mayWait(seat.member) { end(seat, .transport(.noRoom)) }
        return true
    }

    /// Whether more may wait for a client. What waits already is counted in the budget.
    private func mayWait(_ member: Member) -> Bool {
        if member.backlog > Self.backlogLimit { return false }
        defer { _ = member.mayHold(0) }
        return member.mayHold(Body.backlogLimit)
    }

    // MARK: A client's reply

    func ask(_ client: any EngineClient, _ prompt: Prompt, options: RequestOptions?) async throws(OllamaError)
        -> TokenUsage
    {
        // Nothing of an earlier attempt counts.
        (history, historyBytes, news, introduction) = ([], 0, [], nil)
        return try await Member.ask(client, prompt, for: self, options: options)
    }

    /// Each client accounts for the request: any of them may be the one that stays.
    func hold(_ count: Int) throws(PromptFailure) {
        for seat in seats {
            do throws(PromptFailure) {
                try seat.member.hold(count)
            } catch {
                leave(seat)
                seat.end(.failure(error))
            }
        }
        if seats.isEmpty { throw .noRoom }
    }

    func mayHold(_ count: Int) -> Bool {
        for seat in seats where !seat.member.mayHold(count) { end(seat, .transport(.noRoom)) }
        return !seats.isEmpty
    }

    func fail(_ failure: PromptFailure) { end(.failure(failure)) }
}
