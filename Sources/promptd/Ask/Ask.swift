import ArgumentParser
import Glibc
import HTTPClient
import JSON

/// `promptd ask`
struct Ask: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a running promptd and print the answer.",
        discussion: """
            On a terminal the answer is printed as it comes; elsewhere at once, when it is complete. Without a prompt, \
            or with -, standard input is the prompt.
            """)

    @Argument(help: "What to ask.")
    var prompt: String?

    @Flag(inversion: .prefixedNo, help: "Print the answer as it comes. (default: on a terminal)")
    var stream: Bool?

    @OptionGroup var options: PromptOptions

    func run() throws {
        let request = try options.request()
        let text = try prompt.flatMap { $0 == "-" ? nil : $0 } ?? Self.standardInput()
        var body = JSONWriter()
        body.put("{\"prompt\":")
        body.put(quoted: text)
        if let model = options.model {
            body.put(",\"model\":")
            body.put(quoted: model)
        }
        if stream ?? (isatty(STDOUT_FILENO) == 1) || options.stats {
            body.put(",\"stream\":true}")
            let printer = AnswerPrinter(isImmediate: stream ?? (isatty(STDOUT_FILENO) == 1))
            try StreamedAnswer(request, within: options.timeout.duration).print(Payload(body.bytes), by: printer)
            if options.stats { printer.printStats() }
        } else {
            body.put("}")
            try printWhole(request, Payload(body.bytes))
        }
    }

    private func printWhole(_ request: SingleRequest, _ payload: Payload) throws {
        let (status, answer) = try request.send(
            "POST", to: "/", payload: payload, within: options.timeout.duration)
        let text = String(decoding: answer, as: UTF8.self)
        guard status == 200 else {
            throw StartError("promptd answered \(status): \(text.split(separator: "\n").joined(separator: " "))")
        }
        var bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
        if isatty(STDOUT_FILENO) == 1 { AnswerPrinter.disarm(&bytes) }
        guard StandardStreams.write(bytes, to: STDOUT_FILENO) else { throw StartError(AnswerPrinter.unwritten) }
    }

    private static func standardInput() throws -> String {
        guard isatty(STDIN_FILENO) == 0 else {
            throw ValidationError("There is no prompt: give one, or pipe one into standard input.")
        }
        var lines = ""
        while let line = readLine(strippingNewline: false) { lines += line }
        let text = lines.last == "\n" ? String(lines.dropLast()) : lines
        guard !text.isEmpty else { throw ValidationError("Standard input is empty: pipe a prompt into it.") }
        return text
    }
}
