internal import APIs
internal import EventLoop
internal import FunctionHost
package import HTTPServer
internal import JSON

/// Which requests belong to an API that is served, and what becomes of those.
extension PromptFunction {
    package func rejection(at path: String, _ status: Status, _ sentence: String, retryAfter: Int?) -> Response? {
        guard let route = servedRoute(path) else { return nil }
        return ErrorForm.api(route.api).response(status, sentence, retryAfter: retryAfter)
    }

    package func methods(for request: borrowing RequestHead) -> StaticString {
        if settings.apis.isEmpty { return Response.allowedMethods }
        return servedRoute(request.path)?.allow ?? Response.allowedMethods
    }

    package func optionsFields(for request: borrowing RequestHead) -> [HeaderField] {
        protection.origins.preflight(request) ?? []
    }

    package func respond(to request: borrowing RequestHead) -> Response? {
        guard !settings.apis.isEmpty, request.method == .get || request.method == .head else {
            return respondToGet(request)
        }
        guard let route = servedRoute(request.path) else { return respondToGet(request) }
        if case .unserved(let api) = route { return Self.unserved(request.path, api) }
        if !Self.isAdmitted(request.method, by: route) { return Self.methodNotAllowed(route) }
        if request.isOnReservedSlot {
            return ErrorForm.api(route.api).response(
                .serviceUnavailable, "Too many connections are open: try again later.", retryAfter: 1)
        }
        return refusal(of: request)
    }

    /// What the path stands for, if it is of an API that is served.
    func servedRoute(_ path: String) -> Route? {
        guard !settings.apis.isEmpty, let route = Route(path), settings.apis.contains(route.api) else { return nil }
        return route
    }

    /// Whether a request that is posted asks a model.
    func asksModel(_ request: borrowing RequestHead) -> Bool {
        switch servedRoute(request.path) {
        case .listing?, .modelChange?: false
        case .prompt?, .unserved?, nil: true
        }
    }

    private static func unserved(_ path: String, _ api: API) -> Response {
        ErrorForm.api(api).response(.notFound, "promptd does not serve \(path.cut(to: 100)).", retryAfter: nil)
    }

    static func isAdmitted(_ method: Method, by route: Route) -> Bool {
        switch method {
        case .get: route.admits(.get)
        case .head: route.admits(.head)
        case .post: route.admits(.post)
        case .delete: route.admits(.delete)
        }
    }

    static func methodNotAllowed(_ route: Route) -> Response {
        let methods = "\(route.allow)".replacing(", ", with: " or ")
        var response = ErrorForm.api(route.api).response(.methodNotAllowed, "Use \(methods) here.", retryAfter: nil)
        response.allow = route.allow
        return response
    }

    @inline(never)
    func handle(_ request: Request, _ reply: consuming Reply, _ route: Route) async {
        switch route {
        case _ where !Self.isAdmitted(request.method, by: route): refuse(request, reply, Self.methodNotAllowed(route))
        case .prompt(let endpoint): await forward(request, reply, to: endpoint)
        case .listing(let listing): await list(request, reply, listing)
        case .modelChange(.blob) where request.method == .head: await findBlob(request, reply)
        case .modelChange(let change): await changeModels(request, reply, change)
        case .unserved(let api): refuse(request, reply, Self.unserved(request.path, api))
        }
    }

    /// Says what the client has left, too: the request counts.
    private func refuse(_ request: Request, _ reply: consuming Reply, _ response: Response) {
        var response = response
        response.fieldLines = fields(for: request).lines(at: loop.now)
        reply.send(response)
    }

    /// Whether the path is one of an API whose requests are no prompts. Clients of an API that is not served must not get
    /// an answer to the default prompt.
    static func needsPrompt(_ request: borrowing RequestHead) -> Bool {
        if request.isPath("/") { return false }
        guard let route = Route(request.path) else { return false }
        if case .unserved = route { return false }
        return route != .prompt(.chat)
    }
}
