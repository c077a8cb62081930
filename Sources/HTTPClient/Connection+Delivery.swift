extension Connection {
    /// How long the end of a body may take when all that matters has come.
    private static let endDeadline = Duration.seconds(1)

    /// A body on its way to a sink.
    struct Delivery {
        let sink: any BodySink
        /// Whether the body is over for the sink: it ended, or the sink wants no more.
        var isOver = false
        /// Whether it ended properly.
        var isWhole = false
    }

    /// Gives the body to `sink` until it ends, or the sink stops it.
    ///
    /// - Returns: whether the body came to its end.
    func deliver(to sink: some BodySink) async throws(ClientError) -> Bool {
        delivery = Delivery(sink: sink)
        defer { delivery = nil }
        deliver()
        while true {
            if let delivery, delivery.isOver { return delivery.isWhole }
            if let failure {
                if bodyEndsWithConnection() { return true }
                throw failure
            }
            await change()
        }
    }

    /// Gives the sink what is here.
    func deliver() {
        guard let sink = delivery?.sink, delivery?.isOver == false else { return }
        let stop = unsafe takeBody(sink.receive)
        let demand = sink.settle()
        switch (stop, demand) {
        case (.end, _): finishDelivery(isWhole: true)
        case (.malformed(let rule), _): fail(.malformed(rule))
        case (.needMore, .stop): finishDelivery(isWhole: false)
        case (.needMore, .more): setDeadline(.idle, after: idleDeadline)
        case (.needMore, .end): setDeadline(.idle, after: Self.endDeadline)
        case (.needMore, .pause):
            setReading(false)
            setDeadline(.total, after: .zero)  // it is the sink who takes its time
        }
    }

    func resumeDelivery() {
        guard failure == nil, delivery?.isOver == false else { return }
        setDeadline(.idle, after: idleDeadline)
        setReading(true)
    }

    private func finishDelivery(isWhole: Bool) {
        delivery?.isOver = true
        delivery?.isWhole = isWhole
        setDeadline(.total, after: .zero)
        wake()
    }
}
