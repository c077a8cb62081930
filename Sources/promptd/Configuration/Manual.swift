import ArgumentParser

/// `promptd manual`
struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the manual page: 'promptd manual | man -l -' shows it.",
        discussion: "To install it: promptd manual >/usr/local/share/man/man1/promptd.1")

    func run() { print(Self.page(of: CommandDescription(of: Promptd.self)), terminator: "") }

    /// The page as roff. Source: man(7).
    static func page(of command: CommandDescription) -> String {
        var page = ManualWriter()
        page.line(".TH PROMPTD 1 \"\" \"promptd \(Promptd.version)\" \"User Commands\"")
        page.section("NAME")
        page.text("promptd - \(command.abstract ?? "")")
        page.section("SYNOPSIS")
        for subcommand in command.subcommands ?? [] where subcommand.commandName != "help" {
            page.line(".B promptd " + ManualWriter.escaped(subcommand.commandName))
            page.line(".RI [ options ]")
            page.line(".br")
        }
        page.section("DESCRIPTION")
        page.text(command.discussion ?? "")
        for subcommand in command.subcommands ?? [] where subcommand.commandName != "help" {
            page.section(subcommand.commandName.uppercased())
            page.put(subcommand)
            for other in subcommand.subcommands ?? [] {
                page.line(".SS \(ManualWriter.escaped("\(subcommand.commandName) \(other.commandName)"))")
                page.put(other)
            }
        }
        page.section("FILES")
        page.text("A file of settings (--config) is a JSON object: 'promptd config schema' describes it.")
        return page.page
    }
}

/// Writes roff.
private struct ManualWriter {
    private(set) var page = ""

    mutating func line(_ line: String) { page += line + "\n" }

    mutating func section(_ title: String) { line(".SH " + Self.escaped(title)) }

    /// Paragraphs, which empty lines separate.
    mutating func text(_ text: String) {
        for (index, paragraph) in text.split(separator: "\n\n").enumerated() {
            if index > 0 { line(".PP") }
            for part in paragraph.split(separator: "\n") { line(Self.escaped(String(part))) }
        }
    }

    /// What a command does, and its options.
    mutating func put(_ command: CommandDescription) {
        text([command.abstract, command.discussion].compactMap { $0 }.joined(separator: "\n\n"))
        var title: String?
        for argument in command.arguments ?? [] where argument.shouldDisplay {
            if let section = argument.sectionTitle, section != title {
                title = section
                line(".SS \(Self.escaped(section))")
            }
            line(".TP")
            let value = argument.kind == "flag" ? "" : "\\fI\(Self.escaped(argument.valueName ?? "value"))\\fR"
            let names = (argument.names ?? []).map { "\\fB\(Self.escaped($0.text))\\fR" }.joined(separator: ", ")
            line([names, value].filter { !$0.isEmpty }.joined(separator: " "))
            text(argument.abstract ?? "")
        }
    }

    /// Text that stands for itself. Source: man(7), "Portability"; groff_char(7).
    static func escaped(_ text: String) -> String {
        let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("'", with: "\\(aq")
        return plain.hasPrefix(".") ? "\\&" + plain : plain
    }
}
