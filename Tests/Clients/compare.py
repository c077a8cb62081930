"""Runs each program of programs.py twice: against promptd, and against the server behind it. Both must see the same.

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


def differences(name, direct, through):
    told = TOLD.get(name, {})
    for key in sorted(direct.keys() | through.keys() | told.keys()):
        if key in told:
            if through.get(key) != told[key]:
                yield f"{key}: {through.get(key)} instead of {told[key]}"
        elif direct.get(key) != through.get(key):
            yield f"{key}: {direct.get(key)} directly, {through.get(key)} through promptd"


def main():
    promptd, names = sys.argv[1], sys.argv[2:] or list(PROGRAMS)
    failed = 0
    for name in names:
        stand_in = Server([promptd, "stand-in", "--port", "0"], r"address=127\.0\.0\.1:(\d+)")
        host = stand_in.url.removeprefix("http://")
        served = Server(
            [promptd, "serve", "--listen", "127.0.0.1:0", "--apis", "ollama,openai,anthropic", "--log-level", "info"],
            r"serving prompts.* address=127\.0\.0\.1:(\d+)", OLLAMA_HOST=host)
        try:
            program = PROGRAMS[name]
            found = list(differences(name, program(stand_in.url), program(served.url)))
        finally:
            served.end()
            stand_in.end()
        print(f"{name:18}{'the same, directly and through promptd' if not found else ''}", flush=True)
        for line in found:
            print("    " + line)
        failed += len(found)
    sys.exit(1 if failed else 0)


main()
