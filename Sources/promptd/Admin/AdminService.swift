import ContentCodings
import EventLoop
import Glibc
import HTTPServer
import JSON
import PromptFunction
import Telemetry

/// What operators get at the address of `--admin`: metrics, what is happening now, and a page that shows it.
///
/// It is a server of its own, on the same loop: the contract of the prompts' address stays as it is. Belongs to the
/// loop's thread.
final class AdminService: Service {
    private let function: PromptFunction
    private let server: Server
    private let limits: Limits
    private let registry: MetricsRegistry
    private let serverMetrics: ServerMetrics
    private let processMetrics: ProcessMetrics
    private let writer: LogWriter
    private let origins: OriginCheck
    private let work: WorkQueue
    private let loop: EventLoop
    private let began: LoopInstant

    /// What pages may do with what is served here. A page of another origin gets nothing.
    private static let fields = [
        HeaderField("Cache-Control", "no-store")!, HeaderField("X-Content-Type-Options", "nosniff")!,
        HeaderField("Referrer-Policy", "no-referrer")!, HeaderField("Cross-Origin-Resource-Policy", "same-origin")!,
    ]

    /// - Parameters:
    ///   - server: the server of prompts.
    ///   - limits: its limits.
    ///   - isLocal: whether only this machine can connect to the address for operators.
    init(
        for function: PromptFunction, _ server: Server, _ limits: Limits, _ registry: MetricsRegistry,
        log writer: LogWriter, isLocal: Bool, on loop: EventLoop
    ) {
        self.function = function
        self.server = server
        self.limits = limits
        self.registry = registry
        self.writer = writer
        self.loop = loop
        origins = OriginCheck(isLocal: isLocal)
        work = WorkQueue(on: loop)
        began = loop.now
        serverMetrics = ServerMetrics(registry, server, limits, on: loop)
        processMetrics = ProcessMetrics(registry, start: Self.unixTime - Promptd.began.duration(to: .now).inSeconds)
    }

    private static var unixTime: Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    // MARK: Requests

    func methods(for request: borrowing RequestHead) -> StaticString {
        request.isPath("/prompt") ? "OPTIONS, POST" : "GET, HEAD, OPTIONS"
    }

    func respond(to request: borrowing RequestHead) -> Response? {
        if let refusal = origins.refusal(of: request) { return refusal }
        if request.isPath("/metrics") || request.isPath("/state") { return nil }
        if request.isPath("/") { return AdminPage.response(Self.fields) }
        if request.isPath("/prompt") {
            var response = Response.failure(.methodNotAllowed, "Use POST here.")
            response.allow = methods(for: request)
            return response
        }
        return Self.notFound
    }

    private static let noRoom = Response.failure(
        .serviceUnavailable, "Too much is being sent at once: try again later.", retryAfter: 1)

    private static let notFound = Response.failure(
        .notFound, "Get / for the page, /metrics for Prometheus, or /state for what is happening now.")

    func refusal(of request: borrowing RequestHead) -> Response? {
        if let refusal = origins.refusal(of: request) { return refusal }
        if request.isPath("/prompt") { return nil }
        var response = Response.failure(.methodNotAllowed, "Use GET here; prompts are posted to /prompt.")
        response.allow = methods(for: request)
        return response
    }

    func handle(_ request: Request, _ reply: consuming Reply) async {
        switch request.path {
        case "/metrics": await sendMetrics(request, reply)
        case "/state": sendState(request, reply)
        case "/prompt": await function.handle(request, reply)
        default: reply.send(Self.notFound)
        }
    }

    // MARK: Metrics

    private static let formats: [(type: MediaType, format: Exposition)] = [
        (.text, .prometheus), (MediaType("application", "openmetrics-text"), .openMetrics),
    ]

    /// The gauges are set here; all else, and the text, is made on Dispatch.
    private func sendMetrics(_ request: Request, _ reply: consuming Reply) async {
        let wantsOpenMetrics = request.preferred(of: Self.formats.map(\.type)) == Self.formats[1].type
        let format: Exposition = wantsOpenMetrics ? .openMetrics : .prometheus
        let takesGzip = Self.takesGzip(request.list("Accept-Encoding"))
        function.collectMetrics()
        serverMetrics.collect(lost: writer.lostLines)
        let (body, isGzip) = await work.run(weight: WorkQueue.batchLimit + 1) { [registry, processMetrics] in
            processMetrics.collect()
            let text = format.text(of: registry)
            if takesGzip, let encoded = Deflater.gzip(text) { return (encoded, true) }
            return (text, false)
        }
        guard request.hold(body.count) else { return reply.send(Self.noRoom) }
        var response = Response(.ok, ContentType(format.mediaType), body: body)
        response.fields = Self.fields + [HeaderField("Vary", "Accept, Accept-Encoding")!]
        if isGzip { response.fields.append(HeaderField("Content-Encoding", "gzip")!) }
        reply.send(response)
    }

    /// Source: RFC 9110, 12.5.3.
    static func takesGzip(_ list: String?) -> Bool {
        for entry in (list ?? "").lowercased().split(separator: ",") {
            let parts = entry.filter { $0 != " " && $0 != "\t" }.split(separator: ";")
            guard parts.first == "gzip" else { continue }
            return !parts.dropFirst().contains { $0.hasPrefix("q=0") && !$0.contains { ("1"..."9").contains($0) } }
        }
        return false
    }

    // MARK: State

    private func sendState(_ request: Request, _ reply: consuming Reply) {
        let time = Self.unixTime
        var json = JSONWriter()
        json.put("{\"version\":")
        json.put(quoted: Promptd.version)
        json.put(raw: ",\"now\":\(time),\"uptime\":\((loop.now - began).inSeconds)")
        json.put(raw: ",\"connections\":{\"open\":\(server.connections),\"limit\":\(limits.connections)}")
        json.put(raw: ",\"buffered_bytes\":{\"used\":\(server.bufferedBytes),\"limit\":\(limits.bufferedBytes)}")
        json.put(raw: ",\"loop_lag\":\(serverMetrics.lastLag.inSeconds),")
        let history = (request.query ?? "").split(separator: "&").contains("history")
        let body = json.bytes + function.state(withHistory: history, at: time) + [UInt8(ascii: "}")]
        guard request.hold(body.count) else { return reply.send(Self.noRoom) }
        var response = Response(.ok, .json, body: body)
        response.fields = Self.fields
        reply.send(response)
    }

}

extension Duration {
    fileprivate var inSeconds: Double { Double(inNanoseconds) / 1e9 }
}
