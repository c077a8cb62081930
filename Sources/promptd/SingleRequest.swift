import EventLoop
import HTTPClient

/// One request to a server, for the commands that send a single request.
struct SingleRequest: Sendable {
    let server: ServerURL
    /// Header fields beside those that every request has.
    var fields: [(String, String)] = []

    /// - Parameter url: the value of `--url`; without it PROMPTD_URL counts, and then the default address.
    /// - Throws: `ValidationError` that says how to write a URL.
    init(url: String?) throws {
        server = try ServerURL(
            url ?? Environment.text("PROMPTD_URL") ?? "http://127.0.0.1:8080", how: "--url http://HOST:PORT")
    }

    /// Sends the request and waits for the whole response, on its own loop.
    ///
    /// - Returns: status and body.
    /// - Throws: `StartError` with a sentence that describes the failure.
    func send(_ method: String, to path: String, payload: Payload? = nil, within limit: Duration) throws -> (
        Int, [UInt8]
    ) {
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
        case .failure(let error): throw StartError("\(server.root): \(Self.sentence(error))")
        }
    }

    private func exchange(
        _ method: String, _ path: String, _ payload: Payload?, _ deadlines: Deadlines, on loop: isolated EventLoop
    ) async -> Result<(Int, [UInt8]), ClientError> {
        let template = RequestTemplate(
            method, path: server.path + path + server.query, host: server.authority, fields: fields)
        let origin = Origin(
            host: server.host, port: server.port, tls: server.tls, deadlines: deadlines, on: loop)
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

    static func sentence(_ error: ClientError) -> String {
        switch error {
        case .unresolved(let error): "\(error)."
        case .unreachable(let errno): "\(SystemError.description(of: errno)): is the server running there?"
        case .timeout: "the server did not answer in time."
        case .closed(let errno, .nothing) where errno != 0:
            "the connection broke off: \(SystemError.description(of: errno))."
        case .closed, .malformed: "the reply was cut off or is not HTTP."
        case .encoded: "the reply is compressed, although that was not asked for."
        case .tooLarge, .noRoom: "the reply is too long."
        case .cancelled: "the request was cancelled."
        }
    }
}
