import EventLoop

// A timer, and slow work on a Dispatch thread, while the loop's own thread stays free.
let loop = try EventLoop()
let sum = loop.run { loop in
    let work = WorkQueue(on: loop)
    await loop.sleep(for: .milliseconds(10))
    return await work.run(weight: 0) { (1...1000).reduce(0, +) }
}
print("the sum is \(sum)")
precondition(sum == 500_500)
