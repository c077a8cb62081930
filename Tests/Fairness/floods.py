"""Floods a promptd in one way after another, and measures what all others notice meanwhile. Run by scripts/fairness.

    floods.py PROMPTD [KIND ...]

Loopback only. Each flood lasts a few seconds; every process that was started is ended by its pid.
"""
import os, re, resource, selectors, signal, socket, subprocess, sys, threading, time

from program import PROMPTD, Program

SECONDS = 6
TICK = 0.2  # seconds
# What others may notice at most: seconds.
LONGEST_GAP, PROBE_P99, TIMER_LATE, SIGNAL_LATE, POST_LIMIT = 0.1, 0.02, 0.02, 0.1, 1


def connect(port, seconds=10):
    connection = socket.create_connection(("127.0.0.1", port), seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def post(body, extra=""):
    return f"POST / HTTP/1.1\r\nHost: a\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def answer(port, request):
    """The whole answer of a server that closes, and the time that it took."""
    start, received = time.monotonic(), b""
    with connect(port) as connection:
        connection.sendall(request)
        while piece := connection.recv(65536):
            received += piece
    return received, time.monotonic() - start


class Senders:
    """Connections that send the same bytes as fast as they can and discard what comes, from a process of its own. Each
    sends on, also after the server has ended its side, until it breaks; then it connects again."""

    def __init__(self, port, connections, data):
        self.child = os.fork()
        if self.child == 0:
            os.nice(5)
            try:
                self.run(port, connections, data)
            finally:
                os._exit(0)

    @staticmethod
    def run(port, connections, data):
        selector = selectors.DefaultSelector()

        def add():
            try:
                connection = connect(port)
            except OSError:
                return
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, [0])

        for _ in range(connections):
            add()
        while True:
            for key, events in selector.select():
                try:
                    if events & selectors.EVENT_READ and not key.fileobj.recv(1 << 20):
                        selector.modify(key.fileobj, selectors.EVENT_WRITE, key.data)  # sends on until it cannot
                    if events & selectors.EVENT_WRITE:
                        sent = key.data[0]
                        key.data[0] = (sent + key.fileobj.send(memoryview(data)[sent:sent + (1 << 18)])) % len(data)
                except BlockingIOError:
                    pass
                except OSError:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
                    add()

    def end(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)


class Process:
    def __init__(self, *command):
        self.process = subprocess.Popen(
            ["nice", "-n", "5", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        self.process.kill()
        self.process.wait()


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
# Read to its end on a Dispatch thread, and then refused.
HUGE = b'{"prompt":"' + b"x" * (20 << 20) + b'","options":5}'
FLOODS = {
    "3,000 connections of GETs": lambda port: Process("wrk", "-t1", "-c3000", f"-d{SECONDS + 9}s", f"http://127.0.0.1:{port}/"),
    "2 connections of empty lines": lambda port: Senders(port, 2, b"\r\n" * 50000),
    "1,000 rejected connections": lambda port: Senders(port, 1000, b"nonsense\r\n\r\n" + b"x" * 100000),
    "500 pipelines of GETs": lambda port: Senders(port, 500, GET * 2000),
    "16 connections of 20 MB prompts": lambda port: Senders(port, 16, post(HUGE)),
    "9,000 prompts waiting": lambda port: Process(
        PROMPTD, "load", f"http://127.0.0.1:{port}", "--at-once", "9000", "--prompt", "{n}", "--timeout", "60s"),
}


class Arrivals:
    """The times at which the pieces of a streamed answer arrive."""

    def __init__(self, port, body, extra=""):
        self.times = []
        self.connection = connect(port, 60)
        self.connection.sendall(post(body, extra))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while self.connection.recv(65536):
            self.times.append(time.monotonic())

    def wait_for(self, count):
        while len(self.times) < count:
            time.sleep(0.01)

    def longest_gap(self, start, end):
        inside = [start] + [each for each in self.times if start <= each <= end] + [end]
        return max(b - a for a, b in zip(inside, inside[1:]))


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def measure(name):
    stand_in = Program("stand-in", "--port", "0", "--token-interval", "20ms", "--tokens", "100000")
    upstream = stand_in.port("standing in for Ollama")
    server = Program(
        "serve", "--listen", "127.0.0.1:0", "--max-in-flight", "4", "--queue-timeout", "60s", "--log-level", "info",
        "--drain", "1s", "--heartbeat", f"{int(TICK * 1000)}ms", environment={"OLLAMA_HOST": f"127.0.0.1:{upstream}"})
    port = server.port("serving prompts")
    flood, found = None, {}
    try:
        stream = Arrivals(port, b'{"prompt":"x","stream":true}')
        # A comment at each tick of a timer of the loop.
        ticks = Arrivals(port, b'{"model":"fault:silence","stream":true}', "Accept: text/event-stream\r\n")
        stream.wait_for(10)
        ticks.wait_for(2)
        flood = FLOODS[name](port)
        time.sleep(2)  # until it is under way
        start, probes, posts = time.monotonic(), [], []

        def ask():
            while time.monotonic() < start + SECONDS:
                received, seconds = answer(port, post(b"[]", "Connection: close\r\n"))  # needs no Ollama
                posts.append(seconds if b" 400 " in received[:20] else 99)
                time.sleep(0.05)

        asking = threading.Thread(target=ask)
        asking.start()
        while time.monotonic() < start + SECONDS:
            received, seconds = answer(
                port, b"GET /health/liveness HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            probes.append(seconds if received.endswith(b"Alive") else 99)
            time.sleep(0.01)
        end = time.monotonic()
        asking.join()
        found = {
            "longest gap": (stream.longest_gap(start, end), LONGEST_GAP),
            "probe p50": (percentile(probes, 0.5), PROBE_P99), "probe p99": (percentile(probes, 0.99), PROBE_P99),
            "prompt": (max(posts), POST_LIMIT),
            "timer late": (ticks.longest_gap(start, end) - TICK, TIMER_LATE),
        }
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        server.line(" draining ")
        found["SIGTERM"] = (time.monotonic() - began, SIGNAL_LATE)
    finally:
        for each in [flood, server, stand_in]:
            if each:
                each.end()
    return found


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    failed = False
    for name in sys.argv[2:] or FLOODS:
        found = measure(name)
        print(name)
        for what, (seconds, limit) in found.items():
            failed = failed or seconds > limit
            verdict = f"  MORE THAN {limit * 1000:.0f} ms" if seconds > limit else ""
            print(f"  {what:12} {seconds * 1000:8.1f} ms{verdict}", flush=True)
    sys.exit(failed)


main()
