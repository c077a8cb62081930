import ArgumentParser
import Glibc
import HTTPClient
import JSON

/// `promptd chat`
struct Chat: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hold a conversation with a running promptd.",
        discussion: """
            Each line is a message; the answer is printed as it comes, and Ctrl+C stops it. A line that ends with \\ goes \
            on in the next one. /clear forgets what was said, /model NAME asks another model, /bye or Ctrl+D ends; a message \
            that begins with / is written with two of them. A terminal gives no more than 4,095 bytes of a line: send longer \
            ones by a pipe.
            """)

    @Option(help: "What the model is told before the conversation.")
    var system: String?

    @OptionGroup var options: PromptOptions

    func run() throws {
        let request = try options.request()
        let isTerminal = isatty(STDIN_FILENO) == 1
        var conversation = Conversation(model: options.model, system: system)
        while let message = Self.message(isTerminal) {
            if message.hasPrefix("/") && !message.hasPrefix("//") {
                switch conversation.obey(message) {
                case .done: continue
                case .end: return
                case .unknown:
                    StandardStreams.printError("Give /clear, /model NAME or /bye, or // to begin a message with /.")
                    if isTerminal { continue }
                    throw ExitCode(1)  // a script would not notice
                }
            }
            if message.allSatisfy(\.isWhitespace) { continue }
            let printer = AnswerPrinter(isImmediate: true, keepsText: true)
            let answer = StreamedAnswer(request, within: options.timeout.duration)
            let question = message.hasPrefix("//") ? String(message.dropFirst()) : message
            let end = try answer.run(conversation.payload(asking: question), by: printer, stopsAtInterrupt: isTerminal)
            guard printer.isPrinted else { throw StartError(AnswerPrinter.unwritten) }
            switch end {
            case .interrupted where printer.text.isEmpty: break  // as if it had not been asked
            case .complete, .interrupted:
                conversation.add(question, String(decoding: printer.text, as: UTF8.self))
                if options.stats { printer.printStats() }
            case .failed(let error):
                StandardStreams.printError(TopScreen.plain(answer.sentence(error)))
                if !isTerminal { throw ExitCode(1) }  // a script would not notice
            }
        }
        if isTerminal { print() }
    }

    /// The next message: a line, or several that end with a backslash. `nil` at the end of the input.
    private static func message(_ isTerminal: Bool) -> String? {
        var message = ""
        var prompt = "> "
        while true {
            if isTerminal {
                print(prompt, terminator: "")
                fflush(nil)
            }
            guard let line = readLine() else { return message.isEmpty ? nil : message }
            guard line.hasSuffix("\\") else { return message + line }
            message += line.dropLast() + "\n"
            prompt = ". "
        }
    }
}

/// What was said in a chat.
struct Conversation {
    private var model: String?
    private let system: String?
    private var messages: [(role: String, content: String)] = []

    init(model: String?, system: String?) {
        self.model = model
        self.system = system
    }

    mutating func add(_ message: String, _ answer: String) {
        messages.append(("user", message))
        messages.append(("assistant", answer.hasSuffix("\n") ? String(answer.dropLast()) : answer))
    }

    /// What became of a line that begins with a slash.
    enum Effect {
        case done
        /// The chat is to end.
        case end
        case unknown
    }

    /// Does what a line that begins with a slash says.
    mutating func obey(_ line: String) -> Effect {
        let words = line.split(separator: " ")
        switch words.first {
        case "/bye", "/exit", "/quit": return .end
        case "/clear": messages = []
        case "/model" where words.count == 2: model = String(words[1])
        default: return .unknown
        }
        return .done
    }

    /// The request for the answer to `message`.
    func payload(asking message: String) -> Payload {
        var body = JSONWriter()
        body.put("{\"messages\":[")
        let all = (system.map { [("system", $0)] } ?? []) + messages
        for (index, (role, content)) in all.enumerated() {
            if index > 0 { body.put(",") }
            body.put("{\"role\":")
            body.put(quoted: role)
            body.put(",\"content\":")
            body.put(quoted: content)
            body.put("}")
        }
        body.put("],\"prompt\":")
        body.put(quoted: message)
        if let model {
            body.put(",\"model\":")
            body.put(quoted: model)
        }
        body.put(",\"stream\":true}")
        return Payload(body.bytes)
    }
}
