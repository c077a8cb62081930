package import APIs
package import HTTPClient
internal import JSON

extension Origin {
    /// Sends a request, and gives `receiver` the response as it arrives. Returns when the answer is complete.
    ///
    /// - Parameter readError: reads the body of a response whose status is not 200; `nil`: it has no words.
    /// - Returns: the tokens, as far as the answer says it.
    /// - Throws: `OllamaError`, before or after something was received.
    package func forward(
        _ request: Payload, _ template: RequestTemplate, _ kind: ForwardedKind, to receiver: some ForwardReceiver,
        options: RequestOptions?, readError: ([UInt8]) -> ReportedError?
    ) async throws(OllamaError) -> TokenUsage {
        var reader: ForwardReader?
        var refusal: OllamaError?
        do throws(ClientError) {
            try await withResponse(to: template, payload: request, options: options) {
                response throws(ClientError) in
                let head = response.head
                guard head.status == 200 else {
                    let (body, isWhole) = try await response.refusal(upTo: ForwardReader.refusalLimit)
                    receiver.refuse(ForwardedHead(response), body, isWhole: isWhole)
                    refusal =
                        readError(body).map { .refused(head, $0) }
                        ?? .refused(status: head.status, message: "", retryAfter: head.retryAfter)
                    return
                }
                try response.requirePlainBody()
                let sink = ForwardReader(receiver, response, kind)
                reader = sink
                _ = try await response.deliver(to: sink)
            }
        } catch {
            // Otherwise only the end of the HTTP message is missing.
            guard let reader, reader.isMarkedAsComplete else { throw .transport(error) }
        }
        if let refusal { throw refusal }
        try reader?.end()
        return reader?.usage ?? TokenUsage()
    }

    /// Sends a request, and returns the whole response, whatever its status, unless that is a redirect.
    ///
    /// - Throws: `OllamaError.transport` or `.refused`.
    package func fetch(
        _ template: RequestTemplate, _ body: Payload?, deadlines: Deadlines
    ) async throws(OllamaError) -> (head: ForwardedHead, body: [UInt8]) {
        let reply: (head: ForwardedHead, body: [UInt8])
        do throws(ClientError) {
            reply = try await withResponse(to: template, payload: body, options: RequestOptions(deadlines: deadlines)) {
                response throws(ClientError) in
                try response.requirePlainBody()
                let head = response.head
                let body = try await response.body(upTo: OllamaClient.listingLimit)
                // The end of the connection may be that of a server which has died.
                if head.framing == .untilClose, unsafe !body.withUnsafeBytes({ unsafe JSONReader.isValid($0) }) {
                    throw .closed(errno: 0, .body)
                }
                return (ForwardedHead(response), body)
            }
        } catch {
            throw .transport(error)
        }
        // A redirect is the host's own business.
        if (300..<400).contains(reply.head.status) {
            throw .refused(status: reply.head.status, message: "", retryAfter: nil)
        }
        return reply
    }
}
