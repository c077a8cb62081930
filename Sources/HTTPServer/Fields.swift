internal import CLibevent
import Glibc

/// Reads the fields of a request from the shim.
enum Fields {
    static func method(_ handle: OpaquePointer) -> Method {
        switch unsafe shim_exchange_method(handle) {
        case .SHIM_METHOD_POST: .post
        case .SHIM_METHOD_DELETE: .delete
        case .SHIM_METHOD_HEAD: .head
        default: .get
        }
    }

    private static func pathBytes(_ handle: OpaquePointer) -> UnsafeRawBufferPointer {
        var count = 0
        let start = unsafe shim_exchange_path(handle, &count)
        return unsafe UnsafeRawBufferPointer(start: start, count: count)
    }

    static func isPath(_ handle: OpaquePointer, _ path: StaticString) -> Bool {
        let bytes = unsafe pathBytes(handle)
        return unsafe bytes.elementsEqual(UnsafeRawBufferPointer(start: path.utf8Start, count: path.utf8CodeUnitCount))
    }

    static func path(_ handle: OpaquePointer) -> String { unsafe String(decoding: pathBytes(handle), as: UTF8.self) }

    static func query(_ handle: OpaquePointer) -> String? {
        var count = 0
        guard let start = unsafe shim_exchange_query(handle, &count) else { return nil }
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }

    static func peer(_ handle: OpaquePointer) -> String { unsafe String(cString: shim_exchange_peer(handle)) }

    /// The field of this name that comes after `index` others of the same name.
    static func field(_ handle: OpaquePointer, _ name: StaticString, at index: Int = 0) -> String? {
        unsafe withName(name) { unsafe shim_exchange_header(handle, $0, index).map { unsafe String(cString: $0) } }
    }

    static func bytes(_ handle: OpaquePointer, _ name: StaticString) -> [UInt8]? {
        guard let value = unsafe withName(name, { unsafe shim_exchange_header(handle, $0, 0) }) else { return nil }
        return unsafe Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
    }

    static func list(_ handle: OpaquePointer, _ name: StaticString) -> String? {
        guard var list = unsafe field(handle, name) else { return nil }
        var index = 1
        while let next = unsafe field(handle, name, at: index) {
            list += "," + next
            index += 1
        }
        return list
    }

    /// Calls `use` with the name and the value of each field, in their order.
    static func forEach(
        _ handle: OpaquePointer, _ use: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        var cursor: UnsafeRawPointer?
        var name: UnsafePointer<CChar>?
        var value: UnsafePointer<CChar>?
        while unsafe shim_exchange_next_field(handle, &cursor, &name, &value), let name = unsafe name,
            let value = unsafe value
        {
            unsafe use(
                UnsafeRawBufferPointer(start: name, count: strlen(name)),
                UnsafeRawBufferPointer(start: value, count: strlen(value)))
        }
    }

    /// Whether a field has this name, which must be in lower case.
    static func isName(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        guard bytes.count == name.utf8CodeUnitCount else { return false }
        for index in bytes.indices {
            let byte = unsafe bytes[index]
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if unsafe lower != name.utf8Start[index] { return false }
        }
        return true
    }

    private static func withName<Result>(_ name: StaticString, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
        // A static string ends with a zero byte.
        name.withUTF8Buffer { unsafe body(UnsafeRawPointer($0.baseAddress!).assumingMemoryBound(to: CChar.self)) }
    }
}
