import EventLoop

extension Connection {
    /// Runs `operation`, and closes the connection as soon as the task is cancelled.
    func closingWhenCancelled<Result>(_ operation: () async -> Result) async -> Result {
        let stage = StageReference(connection: self, number: stageNumber)
        let executor = loop.executor
        return await withTaskCancellationHandler(operation: operation) {
            if executor.isCurrent { stage.cancel() } else { executor.post([{ stage.cancel() }]) }
        }
    }

    /// One stage of a connection, for whoever cancels the task. Holds nothing, so that no other thread frees the
    /// connection.
    ///
    /// `@unchecked Sendable`: looked into on the loop's thread only.
    private struct StageReference: @unchecked Sendable {
        weak var connection: Connection?
        let number: Int

        func cancel() {
            guard let connection, connection.stageNumber == number else { return }
            connection.fail(.cancelled)
        }
    }
}
