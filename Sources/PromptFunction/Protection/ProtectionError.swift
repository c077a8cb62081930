/// Why a protection setting cannot be used. The description says what to do.
package enum ProtectionError: Error, Equatable, CustomStringConvertible {
    /// The set of API keys is empty.
    case noKeys
    /// An API key has characters that a header field cannot carry. `number` counts lines, or entries of a comma list,
    /// from 1.
    case key(number: Int)
    /// A model's name is empty or has white space.
    case model(String)
    /// An alias is not written `NAME=MODEL`.
    case alias(String)
    /// An alias is defined twice.
    case aliasTwice(String)
    /// An alias stands for another alias.
    case aliasOfAlias(String)
    /// An alias stands for a model that is not in the allow-list.
    case aliasNotAllowed(String)
    /// A fallback is not written `MODEL=OTHER`.
    case fallback(String)
    /// A model has two fallbacks.
    case fallbackTwice(String)
    /// A model is in its own chain of fallbacks.
    case fallbackLoop(String)
    /// An origin is malformed.
    case origin(String)
    /// An address or CIDR block is malformed.
    case network(String)

    package var description: String {
        switch self {
        case .noKeys:
            "There is no API key: give at least one (in a file, one per line), or remove the setting to require none."
        case .key(let number):
            "API key \(number) has white space or characters outside ASCII: use letters, digits and punctuation only."
        case .model(let name): "'\(name)' is not a model name: write one such as llama3.2:1b."
        case .alias(let text): "'\(text)' is not an alias: write NAME=MODEL, such as fast=llama3.2:1b."
        case .aliasTwice(let name): "The alias '\(name)' is defined twice: remove one of them."
        case .aliasOfAlias(let name): "The alias '\(name)' stands for another alias: use the name of a model."
        case .aliasNotAllowed(let name):
            "The alias '\(name)' stands for a model that is not allowed: add the model to the allowed models."
        case .fallback(let text): "'\(text)' is not a fallback: write MODEL=OTHER, such as llama3.2:3b=llama3.2:1b."
        case .fallbackTwice(let name): "The model '\(name)' has two fallbacks: remove one of them."
        case .fallbackLoop(let name): "The fallbacks of '\(name)' lead back to it: remove one of them."
        case .origin(let text):
            "'\(text)' is not an origin: write one like https://example.com or https://*.example.com, without a path, or *."
        case .network(let text):
            "'\(text)' is not an address or CIDR block: write one like 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32."
        }
    }
}
