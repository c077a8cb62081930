import EventLoop
import HTTPClient

extension LoadRun {
    /// The result of a request that was answered.
    private struct Outcome {
        var failure: LoadFailure?
        var example = ""
    }

    /// Sends a request and measures its reply.
    ///
    /// - Returns: how it failed; `nil` if it succeeded or was cancelled.
    func send(_ request: ScheduledRequest) async -> LoadFailure? {
        measurements.requests += 1
        if plan.timeout > .zero, LoopInstant.current - request.due > plan.timeout {
            measurements.fail(.noConnection)
            return .noConnection
        }
        let payload = payload ?? Payload(plan.body.bytes(request.number))
        do throws(ClientError) {
            let outcome = try await origin.withResponse(to: head, payload: payload) { response throws(ClientError) in
                try await self.read(response, of: request)
            }
            if let failure = outcome.failure {
                measurements.fail(failure, example: outcome.example)
            } else {
                measurements.answered += 1
                measurements.answer.record(.current - request.due)
            }
            return outcome.failure
        } catch {
            guard let failure = LoadFailure(error) else {
                measurements.givenUp += 1
                return nil
            }
            measurements.fail(failure)
            return failure
        }
    }

    private func read(
        _ response: borrowing IncomingResponse, of request: ScheduledRequest
    ) async throws(ClientError) -> Outcome {
        var reader = AnswerReader(
            plan.form, status: response.head.status, expected: plan.expected?.bytes(request.number))
        var clock = TokenClock(due: request.due)
        while try await response.nextPiece({ bytes -> Void in
            let turn = loop.now
            reader.take(bytes) { clock.tick(turn, measurements) }
        }) != nil {}
        let failure = reader.end()
        return Outcome(failure: failure, example: reader.example)
    }
}
