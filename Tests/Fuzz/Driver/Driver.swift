import CFuzzChecks
import Glibc

/// Has libFuzzer generate inputs for the target that PROMPTD_FUZZ_TARGET names. Built by scripts/fuzz.
@main enum Driver {
    static let target = unsafe getenv("PROMPTD_FUZZ_TARGET").flatMap {
        unsafe FuzzTarget(rawValue: String(cString: $0))
    }

    static func main() {
        guard target != nil else {
            print("PROMPTD_FUZZ_TARGET does not name a target.")
            exit(64)
        }
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = unsafe CommandLine.unsafeArgv
        let status = unsafe LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
            unsafe Driver.check(UnsafeBufferPointer(start: bytes, count: count))
            return 0
        }
        exit(status)
    }

    private static func check(_ bytes: UnsafeBufferPointer<UInt8>) {
        do throws(Finding) {
            try target?.check(unsafe Array(bytes))
        } catch {
            let line = Array("finding: \(error.text)\n".utf8)
            _ = unsafe write(STDERR_FILENO, line, line.count)
            abort()
        }
    }
}
