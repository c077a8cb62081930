internal import EventLoop

/// What is said to a request for a list.
typealias ListingResult = Result<PassedOnReply, PromptFailure>

/// One request for a list, whose answer several clients wait for. Belongs to the loop's thread.
final class SharedListing {
    private let loop: EventLoop
    private var answer: ListingResult?
    private var waiting: [Latch] = []

    init(on loop: EventLoop) { self.loop = loop }

    /// Asks for the list. It goes on even if all clients leave: its time is limited.
    func start(_ ask: @escaping () async -> ListingResult) {
        loop.startTask { [self] in
            answer = await ask()
            for latch in waiting { latch.open() }
            waiting = []
        }
    }

    /// Waits for the answer. `nil` if this task is cancelled before.
    func result() async -> ListingResult? {
        if answer == nil {
            let latch = Latch(on: loop)
            waiting.append(latch)
            await latch.waitUnlessCancelled()
        }
        return answer
    }
}
