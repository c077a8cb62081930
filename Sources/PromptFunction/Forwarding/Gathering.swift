internal import EventLoop

/// Collects the results of several tasks, some of which may have none. Belongs to the loop's thread.
final class Gathering<Element> {
    private var elements: [Element?]
    private var missing: Int
    private let isComplete: Latch

    init(count: Int, on loop: EventLoop) {
        elements = Array(repeating: nil, count: count)
        missing = count
        isComplete = Latch(on: loop)
        if count == 0 { isComplete.open() }
    }

    /// Records the result of the task `index`; must be called once for each.
    func put(_ element: Element?, at index: Int) {
        elements[index] = element
        missing -= 1
        if missing == 0 { isComplete.open() }
    }

    /// Returns the results in the order of the tasks: all of them, or those so far if this task is cancelled.
    func wait() async -> [Element] {
        await isComplete.waitUnlessCancelled()
        return elements.compactMap { $0 }
    }
}
