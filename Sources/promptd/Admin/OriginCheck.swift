import JSON
import HTTPServer
import PromptFunction

/// Keeps web pages of others away from the address for operators: a page that is open in the operator's browser can send
/// requests to it. Source: RFC 6454.
struct OriginCheck {
    /// Whether only this machine can connect. Then the request's host must be a name of this machine: another name may
    /// stand for its address, at the wish of a page's owner ("DNS rebinding").
    let isLocal: Bool

    func refusal(of request: borrowing RequestHead) -> Response? {
        let host = request.field("Host") ?? ""
        if isLocal && !OriginPolicy.isLocal(host) {
            return .failure(.forbidden, "Use localhost: '\(host.cut(to: 100))' is not a name of the machine itself.")
        }
        // Browsers say so even where they send no origin. The page itself may be opened from anywhere.
        let isForeign = ["cross-site", "same-site"].contains(request.field("Sec-Fetch-Site") ?? "")
        if isForeign && !request.isPath("/") {
            return .failure(.forbidden, "Pages of others may not use this address.")
        }
        guard let origin = request.field("Origin") else { return nil }
        if let mark = origin.firstRange(of: "://"), origin[mark.upperBound...].lowercased() == host.lowercased() {
            return nil
        }
        return .failure(.forbidden, "Pages of '\(origin.cut(to: 100))' may not use this address.")
    }
}
