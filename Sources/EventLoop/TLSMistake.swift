/// A file of certificates or keys is not what it should be. The description says which, and why.
public struct TLSMistake: Error, CustomStringConvertible {
    public let description: String

    /// Returns what `make` returns.
    ///
    /// - Parameter make: returns `nil` if it fails, and writes why to the buffer that it gets, with its size.
    /// - Throws: why it failed.
    package static func check(
        _ make: (UnsafeMutablePointer<CChar>, Int) -> OpaquePointer?
    ) throws(TLSMistake) -> OpaquePointer {
        var error = [CChar](repeating: 0, count: 512)
        let made = unsafe error.withUnsafeMutableBufferPointer { unsafe make($0.baseAddress!, $0.count) }
        if let made = unsafe made { return unsafe made }
        throw TLSMistake(description: String(decoding: error.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
    }
}
