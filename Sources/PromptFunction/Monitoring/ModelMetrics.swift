internal import APIs
internal import CoreMetrics
internal import EventLoop
internal import Ollama
internal import Telemetry

/// The metrics that depend on the model, under OpenTelemetry's names. Belongs to the loop's thread.
///
/// How many series there are is bounded, whatever clients send: models that no backend lists count as `_other`, and so do
/// new ones once there are `mostSeries`.
final class ModelMetrics {
    /// The model in whose name all count that have no series of their own.
    static let other = "_other"
    /// The most series of a metric.
    static let mostSeries = 1000
    /// The most bytes of a model's name in a label.
    static let mostBytes = 128

    /// What the prompts of a series have in common.
    private struct Kind: Hashable {
        var operation: Operation
        /// `nil` if no backend was asked.
        var provider: Provider?
        var model: ModelName
        /// The model that has answered.
        var answering: ModelName?
        var failure: FailureKind?
    }

    /// The metrics of one kind of prompt, each made when it is needed first.
    private final class Series {
        let kind: Kind
        private let factory: any MetricsFactory
        private let dimensions: [(String, String)]
        let duration: CoreMetrics.Timer
        private(set) lazy var firstToken = timer(Instruments.firstToken)
        private(set) lazy var timePerToken = timer(Instruments.timePerToken)
        private(set) lazy var input = usage("input")
        private(set) lazy var output = usage("output")

        init(_ kind: Kind, _ dimensions: [(String, String)], _ factory: any MetricsFactory) {
            self.kind = kind
            self.factory = factory
            self.dimensions = dimensions
            duration = Timer(label: Instruments.requestDuration.name, dimensions: dimensions, factory: factory)
        }

        private func timer(_ instrument: Instrument) -> CoreMetrics.Timer {
            Timer(label: instrument.name, dimensions: dimensions, factory: factory)
        }

        private func usage(_ type: String) -> Recorder {
            Recorder(
                label: Instruments.tokenUsage.name, dimensions: dimensions + [("gen_ai.token.type", type)],
                aggregate: true, factory: factory)
        }
    }

    private let factory: any MetricsFactory
    /// Whether a backend lists a model, or the operator has named it.
    private let isKnown: (ModelName) -> Bool
    private var series: [Kind: Series] = [:]
    /// The series that was used last: most prompts are of the same kind as the one before.
    private var last: Series?

    init(_ factory: any MetricsFactory, isKnown: @escaping (ModelName) -> Bool) {
        self.factory = factory
        self.isKnown = isKnown
    }

    /// A prompt has ended, so many nanoseconds after its request.
    func ended(_ record: PromptRecord, _ failure: FailureKind?, after duration: Int64) {
        guard let prompt = record.prompt else { return }
        let series = series(
            for: Kind(
                operation: record.operation, provider: record.backend?.provider, model: prompt.model,
                answering: failure == nil ? record.current?.model : nil, failure: failure))
        series.duration.recordNanoseconds(duration)
        if let input = record.usage.input { series.input.record(input) }
        if let output = record.usage.output { series.output.record(output) }
        guard failure == nil, prompt.isStreamed, let first = record.firstTokenAt else { return }
        let wait = first.nanoseconds(since: record.began)
        series.firstToken.recordNanoseconds(wait)
        if let output = record.usage.output, output > 1 {
            series.timePerToken.recordNanoseconds((duration - wait) / Int64(output - 1))
        }
    }

    private func series(for kind: Kind) -> Series {
        if let last, last.kind == kind { return last }
        let isOver = series.count >= Self.mostSeries
        var kind = kind
        if let known = series[kind] {
            last = known
            return known
        }
        if isOver || !isShown(kind.model) { kind.model = ModelName(Self.other) }
        if let model = kind.answering, isOver || !isShown(model) { kind.answering = ModelName(Self.other) }
        if let known = series[kind] { return known }
        let new = Series(kind, Self.dimensions(of: kind), factory)
        series[kind] = new
        return new
    }

    private func isShown(_ model: ModelName) -> Bool {
        model.description.utf8.count <= Self.mostBytes && isKnown(model)
    }

    private static func dimensions(of kind: Kind) -> [(String, String)] {
        var dimensions = [
            ("gen_ai.operation.name", kind.operation.rawValue),
            ("gen_ai.provider.name", kind.provider?.rawValue ?? other), ("gen_ai.request.model", kind.model.short),
        ]
        if let model = kind.answering { dimensions.append(("gen_ai.response.model", model.short)) }
        if let failure = kind.failure { dimensions.append(("error.type", failure.rawValue)) }
        return dimensions
    }
}

/// OpenTelemetry's `gen_ai.provider.name`: the API that a server has.
enum Provider: String {
    case ollama, openai
}

extension EngineBackend {
    var provider: Provider { client.isTranslating ? .openai : .ollama }
}
