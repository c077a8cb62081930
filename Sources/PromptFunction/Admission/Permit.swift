internal import EventLoop
internal import Ollama

/// Allows one prompt to be in flight at one backend. Each permit must be passed to `Admission.release` exactly once.
///
/// A class, so that a task that waits for a reply keeps only one word of it. Belongs to the loop's thread.
final class Permit {
    let backend: EngineBackend
    let model: ModelName
    /// The name under which the backend's failures are remembered.
    let pauseName: ModelName
    /// When the prompt was sent to the backend.
    let began: LoopInstant
    let epoch: CircuitBreaker.Epoch
    /// The prompts in flight at the backend then, this one included.
    let inFlight: Int

    init(
        _ backend: EngineBackend, _ model: ModelName, pausedAs pauseName: ModelName, began: LoopInstant,
        epoch: CircuitBreaker.Epoch, inFlight: Int
    ) {
        self.backend = backend
        self.model = model
        self.pauseName = pauseName
        self.began = began
        self.epoch = epoch
        self.inFlight = inFlight
    }

    /// How the backend's work on a prompt ended.
    enum Outcome {
        /// The reply is complete.
        case answered
        case failed(OllamaError)
        /// For a reason that says nothing about the backend.
        case inconclusive
    }
}
