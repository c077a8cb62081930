import Foundation
package import Testing

/// The number that all random tests of this run follow from.
///
/// `PROMPTD_TEST_SEED` sets it. It is 1 in CI (`CI` is set), and random otherwise. Printed once.
package enum TestSeed {
    package static let value: UInt64 = {
        let environment = ProcessInfo.processInfo.environment
        let given = environment["PROMPTD_TEST_SEED"].flatMap { UInt64($0) }
        let seed = given ?? (environment["CI"] == nil ? UInt64.random(in: 0...999_999_999) : 1)
        unsafe setenv("PROMPTD_TEST_SEED", "\(seed)", 1)  // for tests that run in a process of their own
        print("The random tests' seed: PROMPTD_TEST_SEED=\(seed)")
        return seed
    }()
}

extension Trait where Self == IssueHandlingTrait {
    /// Names the seed in each failure of a random test.
    package static var seeded: Self {
        .compactMapIssues { issue in
            var issue = issue
            issue.comments.append("PROMPTD_TEST_SEED=\(TestSeed.value)")
            return issue
        }
    }
}

/// Numbers that look random and follow from a seed. Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators".
package struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    /// Numbers that are the same in every run: for a simulation whose outcome is known.
    package init(fixed seed: UInt64) { state = seed }

    /// Numbers that follow from the run's seed; `number` tells apart those who ask.
    package init(_ number: UInt64) {
        state = TestSeed.value
        state = next() ^ number
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `count` bytes that follow from the run's seed and `number`.
    package static func bytes(_ count: Int, _ number: UInt64) -> [UInt8] {
        var random = SeededRandom(number)
        return random.bytes(count)
    }

    /// `count` bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in stride(from: 0, to: count, by: 8) {
                let number = next()
                for byte in index..<min(index + 8, count) {
                    unsafe buffer[byte] = UInt8(truncatingIfNeeded: number >> UInt64(8 * (byte - index)))
                }
            }
            initialized = count
        }
    }
}

extension [UInt8] {
    /// Changes one to three bytes: another value, one more, one less, a piece of syntax, or a piece of it twice.
    package mutating func mutate(with syntax: [UInt8], using random: inout SeededRandom) {
        for _ in 0..<Int.random(in: 1...3, using: &random) where !isEmpty {
            let index = Int.random(in: indices, using: &random)
            let byte = syntax.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<6, using: &random) {
            case 0: self[index] = UInt8.random(in: 0...255, using: &random)
            case 1: self[index] = byte
            case 2: insert(byte, at: index)
            case 3: remove(at: index)
            case 4: self[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            default:
                let end = Int.random(in: index..<count, using: &random)
                insert(contentsOf: self[index...end], at: end + 1)
            }
        }
    }
}
