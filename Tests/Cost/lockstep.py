"""Sends requests to promptd one after the other, and is the Ollama behind it too. Used by scripts/cost.

    lockstep.py get|post|operated|token|chat|object|event COUNT COMMAND ...

Starts COMMAND with OLLAMA_HOST pointing here, waits until it serves, does COUNT units of work, and ends it by SIGTERM. Client and
Ollama are the same thread: the next byte leaves only when the last one has arrived. So what promptd does for a unit does not
depend on time, and two runs differ only by chance in what its runtime does by itself.

A unit is one GET, one POST with a whole answer (with a tenant's key: operated), or one token of a stream; of the requests that
are passed on, one chat with a whole answer (chat), or one token of a stream of objects (object) or of events (event). Prints
nothing; exits with 0 when every reply was right.
"""
import os
import re
import signal
import socket
import subprocess
import sys

PATIENCE = 120  # seconds for one step: promptd may run fifty times slower than usual


class Connection:
    def __init__(self, sock):
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data)

    def read_until(self, end):
        """Returns the bytes up to and including `end`."""
        while end not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                sys.exit(f"lockstep.py: the connection ended after {self.buffer!r}")
            self.buffer += data
        position = self.buffer.index(end) + len(end)
        found, self.buffer = self.buffer[:position], self.buffer[position:]
        return found

    def read(self, count):
        while len(self.buffer) < count:
            data = self.sock.recv(65536)
            if not data:
                sys.exit("lockstep.py: the connection ended within a body")
            self.buffer += data
        found, self.buffer = self.buffer[:count], self.buffer[count:]
        return found

    def read_message(self):
        """Returns a whole message with a Content-Length: its head and its body."""
        head = self.read_until(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: (\d+)", head, re.IGNORECASE)
        return head, self.read(int(length[1]) if length else 0)


def expect(condition, what):
    if not condition:
        sys.exit(f"lockstep.py: {what}")


def line(content, done):
    end = ',"done_reason":"stop","eval_count":9' if done else ""
    text = (
        '{"model":"llama3.2:1b","created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant",'
        f'"content":"{content}"}},"done":{"true" if done else "false"}{end}}}'
    )
    return text.encode()


def post(stream, key=b""):
    body = b'{"prompt":"Why is the sky blue?","model":"llama3.2:1b"' + (b',"stream":true}' if stream else b"}")
    fields = b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    return b"POST / HTTP/1.1\r\n" + (b"X-API-Key: %s\r\n" % key if key else b"") + fields + b"\r\n" + body


class Upstream:
    """Ollama's end: takes a new connection when promptd opens one, else goes on with the one it has."""

    def __init__(self, listener):
        self.listener = listener
        self.connection = None

    def read_request(self):
        if not self.connection:
            self.connection = Connection(self.listener.accept()[0])
        return self.connection.read_message()


def do_get(client, upstream, count):
    for _ in range(count):
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: lockstep\r\nAccept: */*\r\n\r\n")
        head, body = client.read_message()
        expect(head.startswith(b"HTTP/1.1 200 ") and body == b"OK", f"GET was answered {head + body!r}")


def do_post(client, upstream, count, key=b""):
    text = "The sky is blue because air scatters blue light more. " * 4
    answer = line(text, done=True)
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
    for _ in range(count):
        client.send(post(stream=False, key=key))
        upstream.read_request()
        upstream.connection.send(reply)
        head, body = client.read_message()
        expect(body == text.encode(), f"POST was answered {head + body!r}")


def do_operated(client, upstream, count):
    do_post(client, upstream, count, key=b"cost")


def do_token(client, upstream, count):
    client.send(post(stream=True))
    upstream.read_request()
    upstream.connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(count):
        token = line(" word", done=False) + b"\n"
        upstream.connection.send(b"%x\r\n" % len(token) + token + b"\r\n")
        if number == 0:
            client.read_until(b"\r\n\r\n")
        expect(client.read_until(b" word\r\n") == b"5\r\n word\r\n", "a token did not come as a chunk of its own")
    end = line("", done=True) + b"\n"
    upstream.connection.send(b"%x\r\n" % len(end) + end + b"\r\n0\r\n\r\n")
    expect(client.read_until(b"0\r\n\r\n") == b"0\r\n\r\n", "the stream did not end")


def chat(path, stream):
    body = b'{"model":"llama3.2:1b","messages":[{"role":"user","content":"Why is the sky blue?"}],"stream":' + (
        b"true}" if stream else b"false}")
    head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json\r\n" % path
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def do_chat(client, upstream, count):
    answer = line("The sky is blue because air scatters blue light more. " * 4, done=True)
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
    for _ in range(count):
        client.send(chat(b"/api/chat", stream=False))
        upstream.read_request()
        upstream.connection.send(reply)
        head, body = client.read_message()
        expect(body == answer, f"a chat was answered {head + body!r}")


def pass_tokens(client, upstream, count, path, kind, token, end):
    client.send(chat(path, stream=True))
    upstream.read_request()
    upstream.connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % kind)
    chunk = b"%x\r\n" % len(token) + token + b"\r\n"
    for number in range(count):
        upstream.connection.send(chunk)
        if number == 0:
            client.read_until(b"\r\n\r\n")
        expect(client.read(len(chunk)) == chunk, "a token did not come as a chunk of its own")
    upstream.connection.send(b"%x\r\n" % len(end) + end + b"\r\n0\r\n\r\n")
    expect(client.read_until(b"0\r\n\r\n").endswith(end + b"\r\n0\r\n\r\n"), "the stream did not end")


def do_object(client, upstream, count):
    token, end = line(" word", done=False) + b"\n", line("", done=True) + b"\n"
    pass_tokens(client, upstream, count, b"/api/chat", b"application/x-ndjson", token, end)


def do_event(client, upstream, count):
    token = (
        b'data: {"id":"chatcmpl-807","object":"chat.completion.chunk","created":1795628291,"model":"llama3.2:1b",'
        b'"system_fingerprint":"fp_ollama","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}\n\n')
    pass_tokens(client, upstream, count, b"/v1/chat/completions", b"text/event-stream", token, b"data: [DONE]\n\n")


DO = {
    "get": do_get, "post": do_post, "operated": do_operated, "token": do_token, "chat": do_chat, "object": do_object,
    "event": do_event,
}


def main():
    kind, count, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    # A fixed environment: its size moves the heap, and malloc works harder where a block ends at the heap's end.
    environment = {
        "PATH": os.environ["PATH"],
        "OLLAMA_HOST": "127.0.0.1:%d" % listener.getsockname()[1],
        "SWIFT_DETERMINISTIC_HASHING": "1",
    }
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True)
    try:
        for text in server.stderr:
            found = re.search(r"serving prompts.* address=127\.0\.0\.1:(\d+)", text)
            if found:
                break
        else:
            sys.exit("lockstep.py: promptd did not start")
        client = Connection(socket.create_connection(("127.0.0.1", int(found[1])), PATIENCE))
        DO[kind](client, Upstream(listener), count)
        client.sock.close()
        # strace(1) starts promptd as a child; the other tools become promptd.
        with open(f"/proc/{server.pid}/task/{server.pid}/children") as children:
            os.kill(int((children.read().split() or [server.pid])[0]), signal.SIGTERM)
        log = server.stderr.read()
        expect(server.wait(PATIENCE) == 0, f"promptd ended with status {server.returncode}: {log}")
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


main()
