internal import EventLoop
internal import Ollama

/// The right of one prompt to be with one backend. `Admission.release` must be called for each, exactly once.
///
/// A class, so that a prompt that waits for its answer keeps one word of it. Belongs to the loop's thread.
final class Permit {
    let backend: OllamaBackend
    let model: ModelName
    /// When the prompt was sent to the backend.
    let began: LoopInstant
    let epoch: CircuitBreaker.Epoch
    /// Prompts that were with the backend then, this one included.
    let inFlight: Int

    init(_ backend: OllamaBackend, _ model: ModelName, began: LoopInstant, epoch: CircuitBreaker.Epoch, inFlight: Int) {
        self.backend = backend
        self.model = model
        self.began = began
        self.epoch = epoch
        self.inFlight = inFlight
    }

    /// How a prompt's time with its backend ended.
    enum Outcome {
        /// With a complete answer.
        case answered
        case failed(OllamaError)
        /// By nothing that the backend did.
        case inconclusive
    }
}
