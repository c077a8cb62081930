extension Array<UInt8> {
    /// Appends a copy of `bytes`.
    package mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }

    /// A copy of `bytes`.
    package init(copying bytes: Span<UInt8>) { self = unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
}
