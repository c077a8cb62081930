import ArgumentParser
import EventLoop
import FoundationEssentials
import Glibc
import HTTPClient

/// One request to a server, for the commands that ask one.
struct OneRequest: Sendable {
    let host: String
    let port: UInt16
    let path: String

    /// Reads `http://HOST[:PORT][/PATH]`.
    ///
    /// - Throws: `ValidationError` that says how a URL is written.
    init(url text: String) throws {
        guard let url = URL(string: text), url.scheme == "http", let host = url.host(), !host.isEmpty,
            let port = UInt16(exactly: url.port ?? 80)
        else { throw ValidationError("'\(text)' is no URL of a server: give --url http://HOST:PORT.") }
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        self.port = port
        path = url.path == "/" ? "" : url.path
    }

    private var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Sends the request and waits for the whole response, on a loop of its own.
    ///
    /// - Returns: status and body.
    /// - Throws: `StartError` with a sentence that says what failed.
    func send(_ method: String, to path: String, payload: Payload? = nil, within limit: Duration) throws -> (Int, [UInt8]) {
        var deadlines = Deadlines()
        deadlines.connect = limit > .zero ? min(deadlines.connect, limit) : deadlines.connect
        deadlines.firstByte = limit
        deadlines.idle = limit
        deadlines.total = limit
        let limits = deadlines
        let outcome = try EventLoop().run { loop in
            await exchange(method, path, payload, limits, on: loop)
        }
        switch outcome {
        case .success(let response): return response
        case .failure(let error): throw StartError("http://\(authority): \(Self.sentence(error))")
        }
    }

    private func exchange(
        _ method: String, _ path: String, _ payload: Payload?, _ deadlines: Deadlines, on loop: isolated EventLoop
    ) async -> Result<(Int, [UInt8]), ClientError> {
        let template = RequestTemplate(method, path: self.path + path, host: authority)
        let origin = Origin(host: host, port: port, deadlines: deadlines, on: loop)
        defer { origin.closeIdle() }
        do throws(ClientError) {
            return .success(
                try await origin.withResponse(to: template, payload: payload) { response throws(ClientError) in
                    (response.head.status, try await response.body(upTo: 64 << 20))
                })
        } catch {
            return .failure(error)
        }
    }

    private static func sentence(_ error: ClientError) -> String {
        switch error {
        case .unresolved(let error): "\(error)."
        case .unreachable(let errno): "\(unsafe String(cString: strerror(errno))): is the server running there?"
        case .timeout: "no answer in time."
        case .closed, .malformed: "the reply was cut off or is not HTTP."
        case .tooLarge: "the reply is too long."
        case .cancelled: "given up."
        }
    }
}
