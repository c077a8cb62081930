import EventLoop
import HTTPServer
import Logging
import PromptFunction

/// Replaces settings while the server runs, without losing a prompt. Belongs to the loop's thread.
final class Reload {
    private let function: PromptFunction
    private let server: Server
    /// Whether its clients speak TLS: that stays as it is.
    private let hasTLS: Bool
    /// Whether clients need a key.
    private var needsKey: Bool
    private let log: Logger
    private let loop: EventLoop
    private let work: WorkQueue
    private var state = State.idle

    private enum State {
        case idle
        case reading
        /// The files may have changed while they were read.
        case readingBeforeAnother
    }

    init(of function: PromptFunction, _ server: Server, hasTLS: Bool, needsKey: Bool, log: Logger, on loop: EventLoop) {
        self.function = function
        self.server = server
        self.hasTLS = hasTLS
        self.needsKey = needsKey
        self.log = log
        self.loop = loop
        work = WorkQueue(on: loop)
    }

    /// Reads the settings and uses those that can be replaced. What is wrong leaves all as it is. The files are read on
    /// Dispatch: the loop does not wait for them.
    func start(_ reader: SettingsReader) {
        guard case .idle = state else {
            state = .readingBeforeAnother
            return
        }
        loop.startTask { [self] in
            repeat {
                state = .reading
                let result = await work.run(weight: WorkQueue.batchLimit + 1) { Result { try reader.read() } }
                use(result, reader)
            } while state == .readingBeforeAnother
            state = .idle
        }
    }

    private func use(_ result: Result<SettingsReader.Result, any Error>, _ reader: SettingsReader) {
        switch result {
        case .success(let new):
            // What follows is shown if either level shows it.
            reader.writer.level = min(reader.writer.level, new.logLevel)
            defer { reader.writer.level = new.logLevel }
            function.replace(with: new.function)
            if hasTLS, let tls = new.tls { server.useTLS(tls) }
            log.info(
                "reloaded the settings",
                metadata: [
                    "api-keys": "\(new.function.protection.keys?.count ?? 0)",
                    "tenants": "\(new.function.protection.tenants?.entries.count ?? 0)",
                ])
            if needsKey && !new.function.protection.needsKey {
                log.warning("no key is needed any more: whoever reaches promptd may send prompts")
            }
            needsKey = new.function.protection.needsKey
            var needRestart = new.needRestart
            if hasTLS != (new.tls != nil) { needRestart.append("tls-cert") }
            guard !needRestart.isEmpty else { return }
            log.warning(
                "these settings have changed in the file: restart to use them",
                metadata: ["settings": "\(needRestart.joined(separator: ","))"])
        case .failure(let error): log.error("the previous settings stay in use: \(error)")
        }
    }
}
