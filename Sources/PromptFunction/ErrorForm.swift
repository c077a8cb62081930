internal import APIs
internal import HTTPServer

/// The form in which a client is told of an error.
enum ErrorForm: Sendable, Equatable {
    /// One sentence.
    case text
    /// `{"error": "…"}`.
    case json
    /// As the API's clients expect it.
    case api(API)

    func response(_ status: Status, _ sentence: String, retryAfter: Int?) -> Response {
        switch self {
        case .text: .failure(status, sentence, retryAfter: retryAfter)
        case .json: .failure(status, sentence, asJSON: true, retryAfter: retryAfter)
        case .api(let api):
            Response(status, .json, body: api.errorBody(status: status.code, sentence), retryAfter: retryAfter)
        }
    }
}
