import ArgumentParser
import FoundationEssentials

/// What the declarations of the command say of it: the source of the list of settings, of the manual and of the file's
/// schema.
struct CommandDescription: Decodable, Sendable {
    struct Argument: Decodable, Sendable {
        struct Name: Decodable, Sendable {
            var kind: String
            var name: String

            /// As it is written on the command line.
            var text: String { (kind == "long" ? "--" : "-") + name }
        }

        var kind: String
        var names: [Name]?
        var preferredName: Name?
        var valueName: String?
        var abstract: String?
        var sectionTitle: String?
        var shouldDisplay: Bool
    }

    var commandName: String
    var abstract: String?
    var discussion: String?
    var arguments: [Argument]?
    var subcommands: [CommandDescription]?

    init(of command: any ParsableCommand.Type) {
        struct Dump: Decodable { var command: CommandDescription }
        guard let dump = try? JSONDecoder().decode(Dump.self, from: Data(command._dumpHelp().utf8)) else {
            preconditionFailure("the argument parser's description of the command has another form")
        }
        self = dump.command
    }
}
