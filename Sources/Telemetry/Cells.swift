internal import CoreMetrics
internal import Synchronization

/// The value of a counter. An addition is one atomic instruction; reading takes no lock. Usable on any thread.
final class CounterCell: CounterHandler {
    private let count = Atomic<Int64>(0)

    var value: Int64 { count.load(ordering: .relaxed) }

    func increment(by amount: Int64) { count.add(amount, ordering: .relaxed) }

    func reset() { count.store(0, ordering: .relaxed) }
}

/// The last value of a gauge. Usable on any thread.
final class GaugeCell: RecorderHandler, MeterHandler {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func set(_ value: Int64) { set(Double(value)) }

    func record(_ value: Double) { set(value) }

    func record(_ value: Int64) { set(Double(value)) }

    func increment(by amount: Double) { add(amount) }

    func decrement(by amount: Double) { add(-amount) }

    private func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, original) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }
}

/// How often values came that are in each bucket, and their sum. Recording takes two atomic additions; reading takes no
/// lock. Usable on any thread.
///
/// `@unchecked Sendable`: `counts` is set once, and its elements are atomic.
/// `@safe`: the memory lives as long as the object.
@safe final class HistogramCell: RecorderHandler, TimerHandler, @unchecked Sendable {
    /// The upper bounds, in the stored unit.
    private let bounds: [Int64]
    private let scale: Double
    /// One for each bound, and one for greater values.
    private let counts: UnsafeMutablePointer<Atomic<Int64>>
    private let total = Atomic<Int64>(0)

    /// - Parameters:
    ///   - bounds: in the unit of the metric, growing.
    ///   - scale: see `Instrument.Unit.scale`.
    init(_ bounds: [Double], scale: Double) {
        self.bounds = bounds.map { Int64(($0 * scale).rounded()) }
        self.scale = scale
        unsafe counts = .allocate(capacity: bounds.count + 1)
        for index in 0...bounds.count { unsafe (counts + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe counts.deinitialize(count: bounds.count + 1)
        unsafe counts.deallocate()
    }

    /// The number of values in each bucket, those above all bounds last.
    var buckets: [Int64] { (0...bounds.count).map { unsafe counts[$0].load(ordering: .relaxed) } }

    /// In the unit of the metric.
    var sum: Double { Double(total.load(ordering: .relaxed)) / scale }

    func recordNanoseconds(_ duration: Int64) { add(scale == 1 ? duration / 1_000_000_000 : duration) }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite, abs(value * scale) < 0x1p62 else { return }
        add(Int64((value * scale).rounded()))
    }

    private func add(_ value: Int64) {
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        unsafe counts[index].add(1, ordering: .relaxed)
        total.add(value, ordering: .relaxed)
    }
}
