/// A closure that C calls on the loop's thread, by way of a context pointer.
final class LoopCallback {
    private let executor: LoopExecutor
    private let call: () -> Void

    init(_ executor: LoopExecutor, _ call: @escaping () -> Void) { (self.executor, self.call) = (executor, call) }

    /// The pointer for C, valid as long as this object.
    var context: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(self).toOpaque() }

    /// Makes the call that belongs to the pointer.
    static func call(_ context: UnsafeMutableRawPointer?) {
        let callback = unsafe Unmanaged<LoopCallback>.fromOpaque(context!).takeUnretainedValue()
        callback.executor.checkThread()
        callback.call()
    }
}
