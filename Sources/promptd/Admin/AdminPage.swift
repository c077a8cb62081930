import HTTPServer

/// The page for operators: one file, which fetches nothing but the state from where it came. It is in the binary.
enum AdminPage {
    private static let page = String(decoding: PackageResources.page_html, as: UTF8.self)

    /// The page may run its own script and use its own style, and nothing else: each response has a number for them that
    /// nobody can know. Source: W3C, Content Security Policy Level 3, "nonce".
    ///
    /// - Parameter fields: further fields.
    static func response(_ fields: [HeaderField]) -> Response {
        let nonce = "\(UInt64.random(in: .min ... .max))\(UInt64.random(in: .min ... .max))"
        let text = page.replacing("<style>", with: "<style nonce=\"\(nonce)\">", maxReplacements: 1)
            .replacing("<script>", with: "<script nonce=\"\(nonce)\">", maxReplacements: 1)
        let policy =
            "default-src 'none'; style-src 'nonce-\(nonce)'; script-src 'nonce-\(nonce)'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        var response = Response(.ok, ContentType("text/html; charset=utf-8"), body: Array(text.utf8))
        response.fields = fields + [HeaderField("Content-Security-Policy", policy)!]
        return response
    }
}
