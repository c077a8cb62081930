import APIs
import ArgumentParser
import PromptFunction

/// Options for the APIs that are served besides promptd's own, and for models that stand in for others.
struct APIOptions: ParsableArguments {
    @Option(
        help: """
            The APIs that are served besides promptd's own, as a comma-separated list of ollama, openai and anthropic. \
            (default: none)
            """)
    var apis: String?

    @Flag(help: "Let clients of Ollama's API pull, push, create, copy and delete models. Only with a single Ollama.")
    var allowModelChanges = false

    @Option(
        help: """
            Models that are asked when no host can serve another one, as a comma-separated list of MODEL=OTHER. \
            (default: none)
            """)
    var fallback: String?

    @Flag(help: "Let the load of a model go on when the clients that wait for it leave. Ollama would abort it.")
    var finishLoads = false

    @Flag(
        help: """
            Let equal prompts that are in flight at the same time share one generation, if their temperature is 0 or they \
            have a seed.
            """)
    var coalesce = false

    func apply(to settings: inout PromptFunction.Settings) throws {
        settings.apis = try Self.apis(apis ?? Environment.text("PROMPTD_APIS") ?? "")
        settings.finishesLoads = try Environment.isOn(finishLoads, "finish-loads")
        settings.coalesces = try Environment.isOn(coalesce, "coalesce")
        do {
            settings.fallbacks = try Fallbacks(fallback ?? Environment.text("PROMPTD_FALLBACK") ?? "")
        } catch {
            throw ValidationError("\(error)")
        }
        settings.allowsModelChanges = try Environment.isOn(allowModelChanges, "allow-model-changes")
        guard settings.allowsModelChanges else { return }
        guard settings.apis.contains(.ollama) else {
            throw ValidationError("Give --apis ollama too: --allow-model-changes is about Ollama's API.")
        }
        guard settings.hosts.count == 1 && settings.openAIHosts.isEmpty else {
            throw ValidationError("Give one Ollama only, or leave out --allow-model-changes: each has its own models.")
        }
    }

    private static func apis(_ list: String) throws -> Set<API> {
        var apis: Set<API> = []
        for entry in list.split(separator: ",") {
            let name = entry.split(separator: " ").joined(separator: " ")
            guard let api = API(rawValue: name) else {
                throw ValidationError("Give --apis a list of ollama, openai and anthropic, without '\(name)'.")
            }
            apis.insert(api)
        }
        return apis
    }
}
