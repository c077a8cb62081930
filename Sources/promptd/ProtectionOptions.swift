import ArgumentParser
import PromptFunction

/// Options that limit which clients may ask, and how often. All are off by default.
struct ProtectionOptions: ParsableArguments {
    @Option(
        help: """
            A file of API keys, one per line; reloaded on SIGHUP. Clients send 'Authorization: Bearer KEY' or 'X-API-Key: KEY'. \
            PROMPTD_API_KEYS has the keys themselves, separated by commas.
            """)
    var apiKeyFile: String?

    @Option(
        help: """
            A file of those who may send prompts, with their keys, models, limits and classes; reloaded on SIGHUP. \
            'promptd key' makes keys. (default: none)
            """)
    var tenants: String?

    @Option(help: "The models that clients may ask, as a comma-separated list. (default: any)")
    var models: String?

    @Option(help: "Other names for models, as a comma-separated list of NAME=MODEL.")
    var modelAliases: String?

    @Option(
        help: "Maximum size of a request's prompt and messages, without its images. (default: no limit)",
        transform: ByteCount.init(flag:))
    var maxPromptBytes: ByteCount?

    @Option(
        help:
            "Maximum number of tokens of an answer: the highest num_predict that is allowed; 0 for no limit. (default: 0)"
    )
    var maxPredict: Int?

    @Option(
        help:
            "Maximum number of requests per minute from one client, known by its key or address; 0 for no limit. (default: 0)"
    )
    var requestsPerMinute: Int?

    @Option(
        help:
            "Proxies whose X-Forwarded-For is trusted, as a comma-separated list of addresses and CIDR blocks. (default: none)"
    )
    var trustedProxies: String?

    @Option(
        help: """
            Web pages that may send prompts, as a comma-separated list of origins such as https://*.example.com; * for any. \
            Pages from this machine always may. (default: none if all addresses to listen on are loopback, else any)
            """)
    var corsOrigins: String?

    /// - Parameter isLocal: whether the server listens on loopback addresses only.
    func settings(isLocal: Bool) throws -> ProtectionSettings {
        var settings = ProtectionSettings()
        settings.maxPredict = try Environment.number(maxPredict, "max-predict", from: 0, default: 0)
        settings.requestsPerMinute = try Environment.number(
            requestsPerMinute, "requests-per-minute", from: 0, default: 0)
        settings.maxPromptBytes =
            try maxPromptBytes?.bytes
            ?? (Environment.value("PROMPTD_MAX_PROMPT_BYTES", ByteCount.expected) as ByteCount?)?.bytes ?? 0
        do {
            settings.models = try ModelPolicy(
                allowed: models ?? Environment.text("PROMPTD_MODELS") ?? "",
                aliases: modelAliases ?? Environment.text("PROMPTD_MODEL_ALIASES") ?? "")
            settings.trustedProxies = try TrustedProxies(
                trustedProxies ?? Environment.text("PROMPTD_TRUSTED_PROXIES") ?? "")
            settings.origins = try OriginPolicy(
                corsOrigins ?? Environment.text("PROMPTD_CORS_ORIGINS") ?? "", isLocal: isLocal)
            settings.keys = try keys()
            if let file = tenants ?? Environment.text("PROMPTD_TENANTS") {
                settings.tenants = try Self.tenants(in: file)
            }
        } catch let error as ProtectionError {
            throw ValidationError("\(error)")
        }
        return settings
    }

    /// What the operator should know about these settings.
    func warnings(defaultModel: String, _ settings: ProtectionSettings) -> [String] {
        if settings.models.allows(defaultModel) { return [] }
        return [
            "--models does not have the default model '\(defaultModel)': requests without a model are answered 403"
        ]
    }

    /// The file of keys; `nil` if the list counts: flags before variables, variables before the file of settings, and of
    /// variables the file of keys.
    private var keyFile: String? {
        if let apiKeyFile { return apiKeyFile }
        let isOutranked =
            !Environment.isVariable("PROMPTD_API_KEY_FILE") && Environment.isVariable("PROMPTD_API_KEYS")
        return isOutranked ? nil : Environment.text("PROMPTD_API_KEY_FILE")
    }

    /// The settings that do not count, because others do.
    var unused: Set<String> {
        if keyFile != nil { return ["api-keys"] }
        return Environment.text("PROMPTD_API_KEYS") == nil ? [] : ["api-key-file"]
    }

    /// The API keys: from the file, or the list, else none.
    private func keys() throws -> APIKeys? {
        if let keyFile {
            let inFile = Environment.fromFile
            guard inFile["PROMPTD_API_KEY_FILE"] != keyFile || inFile["PROMPTD_API_KEYS"] == nil else {
                throw ValidationError("The configuration file has 'api-keys' and 'api-key-file': give one of them.")
            }
            return try Self.keys(in: keyFile)
        }
        guard let list = Environment.text("PROMPTD_API_KEYS") else {
            // A secret that failed to be filled in must not leave the server open to everybody.
            guard !Environment.isSet("PROMPTD_API_KEYS") else {
                throw ValidationError("PROMPTD_API_KEYS is empty: give at least one key, or unset it to require none.")
            }
            return nil
        }
        return try APIKeys(list: list)
    }

    private static func keys(in file: String) throws -> APIKeys {
        guard let bytes = SmallFile.bytes(file) else {
            throw ValidationError("The file of API keys '\(file)' cannot be read: give another with --api-key-file.")
        }
        return try APIKeys(lines: String(decoding: bytes, as: UTF8.self))
    }

    private static func tenants(in file: String) throws -> TenantSettings {
        guard let bytes = SmallFile.bytes(file) else {
            throw ValidationError("The file of tenants '\(file)' cannot be read: give another with --tenants.")
        }
        do {
            return try TenantSettings(json: bytes)
        } catch {
            throw ValidationError("The file of tenants '\(file)': \(error)")
        }
    }
}
