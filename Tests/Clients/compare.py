"""Runs each program of programs.py against a server, and against promptd with that server behind it: as an Ollama, as a server
with OpenAI's API, and as one of each. All must see the same.

    compare.py PROMPTD [NAME ...]

PROMPTD is the command. Prints a line for each program, and what differs. Exits with 0 if nothing does.
"""
import os
import re
import signal
import subprocess
import sys

from programs import PROGRAMS

# What must differ. Ollama ends some streams as if they were whole: promptd shows that they are cut. When a host closes the
# connection without a word, promptd says so.
CUT = ["raised", "broken off", None]
TOLD = {
    "ollama": {
        "stream, unfinished": CUT,
        "chat, close": ["raised", "ResponseError", 502],
        "stream, close": ["raised", "ResponseError", 502],
    },
    "openai": {
        "stream, unfinished": CUT,
        "stream, failing": CUT,
        "chat, close": ["raised", "InternalServerError", 502],
        "stream, close": ["raised", "InternalServerError", 502],
    },
    "anthropic": {
        "stream, unfinished": CUT,
        "stream, failing": CUT,
        "message, close": ["raised", "InternalServerError", 502],
        "stream, close": ["raised", "InternalServerError", 502],
    },
}


# What cannot be the same, by the name of the program and what is behind promptd.
GATEWAY = ["raised", "ResponseError", 502]
TOLD_BY_SETUP = {
    ("ollama", "OpenAI's API"): {
        "chat, broken": GATEWAY,
        "chat, cut": GATEWAY,
        "chat, failing": GATEWAY,
        "chat, reset": GATEWAY,
        "chat, unfinished": GATEWAY,
        "stream, broken": GATEWAY,
        "stream, failing": CUT,
        "show": ["completion"],
    },
}


def setups(servers):
    """The environments of promptd, by what is behind it."""
    ollama = {"OLLAMA_HOST": servers[0].url.removeprefix("http://")}
    openai = {"OPENAI_BASE_URL": servers[1].url + "/v1"}
    return {"an Ollama": ollama, "OpenAI's API": openai, "both": ollama | openai}


class Server:
    """promptd, or its stand-in, on a free port."""

    def __init__(self, command, pattern, **environment):
        variables = {"PATH": os.environ["PATH"], **environment}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=variables, text=True)
        for line in self.process.stderr:
            found = re.search(pattern, line)
            if found:
                self.url = "http://127.0.0.1:" + found[1]
                return
        sys.exit(f"compare.py: {command[1]} did not start")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.close()
        self.process.wait(30)


def differences(name, setup, direct, through):
    told = TOLD.get(name, {}) | TOLD_BY_SETUP.get((name, setup), {})
    # With both behind promptd, either may have answered; what is loaded is loaded on each.
    either = TOLD_BY_SETUP.get((name, "OpenAI's API"), {}) if setup == "both" else {}
    if setup == "both" and "ps" in through:
        through["ps"] = through["ps"][:1]
    for key in sorted(direct.keys() | through.keys() | told.keys()):
        if key in either and through.get(key) == either[key]:
            continue
        if key in told:
            if through.get(key) != told[key]:
                yield f"{key}: {through.get(key)} instead of {told[key]}"
        elif direct.get(key) != through.get(key):
            yield f"{key}: {direct.get(key)} directly, {through.get(key)} through promptd"


def main():
    promptd, names = sys.argv[1], sys.argv[2:] or list(PROGRAMS)
    failed = 0
    for name in names:
        servers = [Server([promptd, "stand-in", "--port", "0"], r"address=127\.0\.0\.1:(\d+)") for _ in range(2)]
        direct = PROGRAMS[name](servers[0].url)
        for setup, environment in setups(servers).items():
            served = Server(
                [promptd, "serve", "--listen", "127.0.0.1:0", "--apis", "ollama,openai,anthropic", "--log-level", "info"],
                r"serving prompts.* address=127\.0\.0\.1:(\d+)", **environment)
            try:
                found = list(differences(name, setup, direct, PROGRAMS[name](served.url)))
            finally:
                served.end()
            print(f"{name:18}{setup:24}{'the same' if not found else ''}", flush=True)
            for line in found:
                print("    " + line)
            failed += len(found)
        for server in servers:
            server.end()
    sys.exit(1 if failed else 0)


main()
