internal import EventLoop

/// The places of prompts that wait: first come first served for one client, in turns for several.
///
/// Each client has a line; the clients that have someone waiting are served one prompt each, round and round, so that
/// 5,000 prompts of one do not make another's single prompt wait behind all of them. Entering, serving and leaving are
/// O(1), and O(log n) for places with a deadline; nothing is allocated but the growth of arrays, about 130 bytes a
/// place beyond `Value`. The memory of the fullest moment is kept. Belongs to one thread.
final class FairQueue<Value> {
    /// A place in the queue. Once it was served, left or expired it is void, and using it does nothing.
    struct Waiter: Hashable, Sendable {
        fileprivate let slot: Int32
        fileprivate let generation: UInt32
    }

    /// Why nobody may enter.
    enum Full: Error, Equatable {
        /// As many wait as may.
        case places(limit: Int)
        /// Those who wait, and this one, have more bytes than may wait.
        case bytes(limit: Int)
    }

    let maxCount: Int
    let maxBytes: Int
    /// How many wait.
    private(set) var count = 0
    /// Their bytes.
    private(set) var bytes = 0
    private var places = Slots<Place>()
    private var lines = Slots<Line>()
    private var lineOf: [ClientIdentity: Int32] = [:]
    private var deadlines = DeadlineHeap()
    /// Prompts that are tried again, before all others.
    private let front: Int32
    /// The line whose turn is next. The ring's end is before it.
    private var turn: Int32 = none

    /// - Parameters:
    ///   - maxCount: how many may wait.
    ///   - maxBytes: how many bytes of theirs may wait.
    init(maxCount: Int = 16_384, maxBytes: Int = 256 << 20) {
        self.maxCount = min(max(maxCount, 0), Int(Int32.max) / 2)
        self.maxBytes = maxBytes
        front = lines.add(Line(client: nil))
    }

    // MARK: Entering

    /// Takes the last place of `client`'s line.
    func enter(_ value: Value, client: ClientIdentity, bytes: Int, deadline: LoopInstant?) throws(Full) -> Waiter {
        guard count < maxCount else { throw .places(limit: maxCount) }
        guard bytes <= maxBytes - self.bytes else { throw .bytes(limit: maxBytes) }
        return add(value, to: line(of: client), bytes: bytes, deadline: deadline)
    }

    /// Takes a place before all who entered otherwise, behind those who entered like this: for a prompt that was served
    /// once and has to be tried again. Never refused, but it counts.
    func enterFirst(_ value: Value, bytes: Int, deadline: LoopInstant?) -> Waiter {
        add(value, to: front, bytes: bytes, deadline: deadline)
    }

    private func add(_ value: Value, to line: Int32, bytes: Int, deadline: LoopInstant?) -> Waiter {
        let ticket = lines[line].nextTicket
        lines[line].nextTicket &+= 1
        let slot = places.add(
            Place(
                value: value, line: line, previous: lines[line].last, ticket: ticket, deadline: deadline, bytes: bytes))
        let last = lines[line].last
        if last == none { lines[line].first = slot } else { places[last].next = slot }
        lines[line].last = slot
        lines[line].count += 1
        count += 1
        self.bytes += bytes
        if let deadline { deadlines.insert(slot, deadline, &places) }
        return Waiter(slot: slot, generation: places.generation(of: slot))
    }

    /// The line of a client; a new one gets its turn after all others.
    private func line(of client: ClientIdentity) -> Int32 {
        if let line = lineOf[client] { return line }
        let line = lines.add(Line(client: client))
        lineOf[client] = line
        if turn == none {
            lines[line].next = line
            lines[line].previous = line
            turn = line
        } else {
            let last = lines[turn].previous
            lines[line].next = turn
            lines[line].previous = last
            lines[last].next = line
            lines[turn].previous = line
        }
        return line
    }

    // MARK: Leaving

    /// The first of those who wait before all others.
    var inFront: Value? { lines[front].count > 0 ? places[lines[front].first].value : nil }

    /// Serves the one whose turn it is.
    ///
    /// - Parameter skippingFront: whether those who wait before all others are passed over.
    func next(skippingFront: Bool = false) -> Value? {
        if !skippingFront, lines[front].count > 0 { return remove(lines[front].first) }
        guard turn != none else { return nil }
        let line = turn
        turn = lines[line].next
        return remove(lines[line].first)
    }

    /// Gives a place up, because its client left.
    ///
    /// - Returns: what waited there; `nil` if the place is void.
    @discardableResult
    func leave(_ waiter: Waiter) -> Value? { isValid(waiter) ? remove(waiter.slot) : nil }

    /// The earliest deadline.
    var nextDeadline: LoopInstant? { deadlines.first.flatMap { places[$0].deadline } }

    /// Takes out the one whose deadline passed first, if there is any; call until `nil`.
    func takeExpired(at now: LoopInstant) -> Value? {
        guard let slot = deadlines.first, let deadline = places[slot].deadline, deadline <= now else { return nil }
        return remove(slot)
    }

    private func remove(_ slot: Int32) -> Value {
        if places[slot].heapIndex >= 0 { deadlines.remove(slot, &places) }
        let place = places.remove(slot)
        let line = place.line
        if place.previous == none { lines[line].first = place.next } else { places[place.previous].next = place.next }
        if place.next == none {
            lines[line].last = place.previous
        } else {
            places[place.next].previous = place.previous
        }
        lines[line].count -= 1
        count -= 1
        bytes -= place.bytes
        if lines[line].count == 0 {
            if line != front { removeLine(line) }
        } else if place.next == none {
            lines[line].nextTicket = place.ticket
        } else if place.previous != none {
            noteGap(in: line)
        }
        return place.value
    }

    private func removeLine(_ line: Int32) {
        let gone = lines.remove(line)
        if let client = gone.client { lineOf[client] = nil }
        if gone.next == line {
            turn = none
            return
        }
        lines[gone.next].previous = gone.previous
        lines[gone.previous].next = gone.next
        if turn == line { turn = gone.next }
    }

    private func isValid(_ waiter: Waiter) -> Bool { places.generation(of: waiter.slot) == waiter.generation }
}

// MARK: Who is how far

extension FairQueue {
    /// How many will be served before this one, if nobody enters or leaves. 0 if the place is void.
    ///
    /// O(number of clients that wait). Exact, except that for a client with more than 64 prompts waiting those of its
    /// own that left from the middle of its line still count in part: it is then too high by at most an eighth of that
    /// line, a turn of each other client for each of them.
    func place(of waiter: Waiter) -> Int {
        guard isValid(waiter) else { return 0 }
        let place = places[waiter.slot]
        let own = Int(place.ticket &- places[lines[place.line].first].ticket)
        if place.line == front { return own }
        var before = Int(lines[front].count) + own
        var isAhead = true  // whether a line's turn is before that of the waiter's, in each round
        var line = turn
        repeat {
            if line == place.line {
                isAhead = false
            } else {
                before += min(Int(lines[line].count), own + (isAhead ? 1 : 0))
            }
            line = lines[line].next
        } while line != turn
        return before
    }

    /// One left from the middle of a line: from time to time its tickets are made consecutive again, at O(1) for each
    /// that left.
    private func noteGap(in line: Int32) {
        lines[line].gaps += 1
        guard lines[line].count <= 64 || lines[line].gaps > lines[line].count / 8 else { return }
        lines[line].gaps = 0
        var slot = lines[line].first
        var ticket: UInt32 = 0
        while slot != none {
            places[slot].ticket = ticket
            ticket &+= 1
            slot = places[slot].next
        }
        lines[line].nextTicket = ticket
    }

    /// Where one prompt waits.
    fileprivate struct Place: DeadlinePlace {
        let value: Value
        let line: Int32
        var previous: Int32
        var next: Int32 = none
        var heapIndex: Int32 = -1
        /// Counts up along the line.
        var ticket: UInt32
        let deadline: LoopInstant?
        let bytes: Int
    }
}

extension FairQueue {
    /// What a place costs beyond `Value` when each client has one: itself, its line, both lists' entries.
    static var bytesPerPlace: Int {
        let line = MemoryLayout<Line>.stride + 8 + MemoryLayout<(ClientIdentity, Int32)>.stride * 4 / 3
        return MemoryLayout<Place>.stride + 8 - MemoryLayout<Value>.size + line + MemoryLayout<(Int64, Int32)>.stride
    }
}

/// The prompts of one client.
private struct Line {
    /// `nil` for prompts that are tried again.
    let client: ClientIdentity?
    var first: Int32 = none
    var last: Int32 = none
    var count: Int32 = 0
    var nextTicket: UInt32 = 0
    /// Tickets that are missing since the tickets were consecutive, at most.
    var gaps: Int32 = 0
    // Neighbours in the ring.
    var next: Int32 = none
    var previous: Int32 = none
}

/// No slot.
private let none: Int32 = -1
