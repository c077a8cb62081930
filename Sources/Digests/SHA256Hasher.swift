internal import COpenSSL

/// Makes digests, one after the other: cheaper than each one by itself. Belongs to one thread.
///
/// `@safe`: it alone owns OpenSSL's objects.
@safe package final class SHA256Hasher {
    private let context: OpaquePointer
    private let algorithm: OpaquePointer

    package init() {
        guard let context = unsafe EVP_MD_CTX_new(), let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil) else {
            fatalError("no memory for a digest, or OpenSSL has no SHA-256")
        }
        unsafe (self.context, self.algorithm) = unsafe (context, algorithm)
    }

    deinit {
        unsafe EVP_MD_CTX_free(context)
        unsafe EVP_MD_free(algorithm)
    }

    /// The digest of some bytes.
    package func digest(of bytes: ArraySlice<UInt8>) -> SHA256Digest {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        unsafe bytes.withUnsafeBufferPointer { bytes in
            let isDone = unsafe withUnsafeMutableBytes(of: &words) { words in
                unsafe EVP_DigestInit_ex(context, algorithm, nil) == 1
                    && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
                    && EVP_DigestFinal_ex(context, words.baseAddress?.assumingMemoryBound(to: UInt8.self), nil) == 1
            }
            precondition(isDone, "OpenSSL made no digest")
        }
        return SHA256Digest((words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian))
    }
}
