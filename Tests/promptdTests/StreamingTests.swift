import Foundation
import TestSupport
import Testing

/// Streams as the clients that people use read them. What they have in common: they print the text, and a word on how
/// it ended.
@Suite(.timeLimit(.minutes(1))) struct `Streaming clients` {
    private static let words =
        "No model is behind this answer: it comes from promptd's stand-in for Ollama. You asked: "

    /// Reads the three forms with Python's httpx. Source: httpx's documentation, "Streaming responses".
    private static let python = """
        import sys, json, httpx
        url, prompt, model = sys.argv[1:]
        body = {"prompt": prompt, "stream": True, "model": model}
        for accept in ["text/plain", "text/event-stream", "application/x-ndjson"]:
            text, end = "", "none"
            try:
                with httpx.stream("POST", url, json=body, headers={"Accept": accept}, timeout=10) as response:
                    if accept == "text/plain":
                        for piece in response.iter_text(): text += piece
                        end = "whole"
                    elif accept == "text/event-stream":
                        event = "message"
                        for line in response.iter_lines():
                            line = line.rstrip("\\n")
                            if line.startswith("event: "): event = line[7:]
                            elif line.startswith("data: "):
                                data = json.loads(line[6:])
                                if event == "message": text += data["content"]
                                else: end = "whole" if event == "done" and data["done_reason"] == "stop" else data["error"]
                    else:
                        for line in response.iter_lines():
                            data = json.loads(line)
                            if "error" in data: end = data["error"]
                            else:
                                text += data["message"]["content"]
                                if data["done"]: end = "whole"
            except httpx.RemoteProtocolError:
                end = "cut"
            print(text + "|" + end)
        """

    /// The same with fetch, as browsers have it too. Source: WHATWG Fetch, Streams.
    private static let node = """
        const [url, prompt, model] = process.argv.slice(1);
        for (const accept of ["text/plain", "text/event-stream", "application/x-ndjson"]) {
          let text = "", end = "none", rest = "";
          const take = line => {
            if (accept === "application/x-ndjson") {
              const data = JSON.parse(line);
              if (data.error) end = data.error; else { text += data.message.content; if (data.done) end = "whole"; }
            } else {
              const event = /^event: (.*)$/m.exec(line)?.[1] ?? "message", data = JSON.parse(/^data: (.*)$/m.exec(line)[1]);
              if (event === "message") text += data.content;
              else end = event === "done" && data.done_reason === "stop" ? "whole" : data.error;
            }
          };
          try {
            const response = await fetch(url, {
              method: "POST", headers: { Accept: accept, "Content-Type": "application/json" },
              body: JSON.stringify({ prompt, model, stream: true }) });
            const separator = accept === "text/event-stream" ? "\\n\\n" : "\\n";
            for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
              if (accept === "text/plain") { text += piece; continue; }
              const parts = (rest + piece).split(separator);
              rest = parts.pop();
              parts.forEach(take);
            }
            if (accept === "text/plain") end = "whole";
          } catch { end = "cut"; }
          console.log(text + "|" + end);
        }
        """

    @Test(arguments: ["python", "node"])
    func `other languages read every form, and see what is cut`(language: String) async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        let prompt = "Grüße & <\"Kisses\"> 😀"
        func run(_ model: String) async throws -> [String] {
            let result =
                switch language {
                case "python": try await Command.run("/usr/bin/python3", ["-c", Self.python, url, prompt, model])
                default:
                    try await Command.run(
                        "/usr/bin/node", ["--input-type=module", "-e", Self.node, url, prompt, model])
                }
            #expect(result.status == 0, "\(result.errors)")
            return result.output.split(separator: "\n").map(String.init)
        }
        let whole = try await run("llama3.2:1b")
        #expect(whole == Array(repeating: Self.words + prompt + "|whole", count: 3))
        let cut = try await run("fault:cut")
        #expect(
            cut == [" one two three|cut"] + Array(repeating: " one two three|Ollama's response was cut off.", count: 2))
    }

    @Test func `curl shows tokens as they come, and fails when the answer is cut`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--token-interval", "1h"])
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        // One token and no more for an hour: curl shows it all the same.
        let curl = try Command("/usr/bin/curl", ["-sN", "--noproxy", "*", url, "-d", #"{"stream":true}"#])
        defer { curl.end() }
        try await curl.untilOutput("No")
        curl.end()
        let cut = try await Command.run(
            "/usr/bin/curl", ["-sSN", "--noproxy", "*", url, "-d", #"{"stream":true,"model":"fault:cut"}"#])
        #expect(cut.status == 18 && cut.output == " one two three", "\(cut)")
        let old = try await Command.run(
            "/usr/bin/curl", ["-sSN0", "--noproxy", "*", url, "-d", #"{"stream":true,"model":"fault:cut"}"#])
        #expect(old.status == 56, "\(old)")
        let whole = try await Command.run(
            "/usr/bin/curl", ["-sSN0", "--noproxy", "*", url, "-d", #"{"stream":true,"model":"fault:drip"}"#])
        #expect(whole.status == 0 && whole.output == " one two three", "\(whole)")
    }

    @Test func `events are kept alive while the model loads`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--load-time", "1h"])
        let (server, url) = try await Promptd.serve(["--heartbeat", "20ms"], environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let curl = try Command(
            "/usr/bin/curl",
            ["-sN", "--noproxy", "*", "-H", "Accept: text/event-stream", url, "-d", #"{"stream":true}"#])
        defer { curl.end() }
        try await curl.untilOutput(": waiting for the model\n\n: waiting for the model\n\n")
    }
}
