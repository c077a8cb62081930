"""Tests promptd with a real server of OpenAI's API behind it.

    dialect.py PROMPTD COMMAND ...

COMMAND starts the server when a port is appended. Prints a line for each test, and exits with 0 if all succeed.
"""
import concurrent.futures
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

MODEL = "gemma3:270m"
EXACT = {"temperature": 0, "seed": 1}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Engine:
    def __init__(self, command):
        self.command, self.port = command, free_port()
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [*self.command, str(self.port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return request(self.port, "GET", "/v1/models")
            except OSError:
                time.sleep(0.1)
        sys.exit("dialect.py: the engine did not start")

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def cpu(self):
        """The seconds of processor time that it has used."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cpu_until_idle(self):
        """The processor time that it uses until it uses none for half a second."""
        start = last = self.cpu()
        while True:
            time.sleep(0.5)
            now = self.cpu()
            if now - last < 0.05:
                return now - start
            last = now


class Promptd:
    def __init__(self, command, engine):
        environment = {"PATH": os.environ["PATH"], "OPENAI_BASE_URL": f"http://127.0.0.1:{engine.port}/v1"}
        self.process = subprocess.Popen(
            [command, "serve", "--listen", "127.0.0.1:0", "--model", MODEL, "--apis", "ollama,openai"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True)
        for line in self.process.stderr:
            found = re.search(r"serving prompts.* address=127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found[1])
                return
        sys.exit("dialect.py: promptd did not start")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.close()
        self.process.wait(30)


def request(port, method, path, body=None, fields=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, fields or {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def direct(engine, prompt, tokens):
    """What the engine itself says."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "max_tokens": tokens, **EXACT}
    status, text = request(engine.port, "POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    assert status == 200, text
    return json.loads(text)["choices"][0]["message"]["content"]


def own(prompt, tokens, **more):
    return {"prompt": prompt, "options": {"num_predict": tokens, **EXACT}, **more}


def check_forms(engine, promptd):
    prompt, tokens = "The capital of France is", 12
    expected = direct(engine, prompt, tokens)
    assert expected, "the engine says nothing"
    assert request(promptd.port, "POST", "/", own(prompt, tokens)) == (200, expected)
    assert request(promptd.port, "POST", "/", own(prompt, tokens, stream=True)) == (200, expected)
    json_field = {"Accept": "application/json"}
    status, text = request(promptd.port, "POST", "/", own(prompt, tokens), json_field)
    answer = json.loads(text)
    assert status == 200 and answer["message"]["content"] == expected and answer["done"], text
    assert answer["model"] == MODEL and answer["eval_count"] > 0 and answer["done_reason"] == "length", text
    for field, mark in {"application/x-ndjson": '"done":true', "text/event-stream": "event: done"}.items():
        status, text = request(promptd.port, "POST", "/", own(prompt, tokens, stream=True), {"Accept": field})
        lines = [line.removeprefix("data: ") for line in text.splitlines() if "{" in line]
        objects = [json.loads(line) for line in lines]
        said = "".join(item.get("content") or item.get("message", {}).get("content", "") for item in objects)
        assert status == 200 and said == expected and mark in text, text
        assert len(objects) > 5, "the tokens do not come one by one"


def check_apis(engine, promptd):
    prompt, tokens = "The capital of Spain is", 8
    expected = direct(engine, prompt, tokens)
    options = {"num_predict": tokens, **EXACT}
    chat = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "options": options}
    status, text = request(promptd.port, "POST", "/api/chat", chat)
    objects = [json.loads(line) for line in text.splitlines()]
    assert status == 200 and "".join(item["message"]["content"] for item in objects) == expected, text
    assert objects[-1]["done"] and not objects[0]["done"]
    status, text = request(
        promptd.port, "POST", "/api/generate", {"model": MODEL, "prompt": prompt, "options": options, "stream": False})
    assert status == 200 and json.loads(text)["response"] == expected, text
    body = {"model": MODEL, "messages": chat["messages"], "max_tokens": tokens, **EXACT}
    status, text = request(promptd.port, "POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
    assert status == 200 and json.loads(text)["choices"][0]["message"]["content"] == expected, text
    status, text = request(promptd.port, "GET", "/api/tags")
    assert status == 200 and [model["name"] for model in json.loads(text)["models"]] == [MODEL], text


def check_format(engine, promptd):
    status, text = request(promptd.port, "POST", "/", own("Write a JSON object.", 200, format="json"))
    assert status == 200 and text.lstrip().startswith("{"), text
    # This engine has no schemas, and says so.
    status, text = request(promptd.port, "POST", "/", own("Write a JSON object.", 60, format={"type": "object"}))
    assert status == 502 and "json_schema" in text, text


def check_refusals(engine, promptd):
    status, text = request(promptd.port, "POST", "/", {"prompt": "Hi", "options": {"num_ctx": 4096}})
    assert status == 400 and "options.num_ctx" in text, text
    status, text = request(promptd.port, "POST", "/", own("x " * 3000, 5))
    assert status in (400, 502) and "context" in text, text


def check_cancel(engine, promptd):
    """A client that leaves ends the generation: else it would take some ten seconds of processor time."""
    for path, body in {
        "/": own("Count to one thousand.", 900, stream=True),
        "/api/chat": {"model": MODEL, "messages": [{"role": "user", "content": "Count."}], "options": {"num_predict": 900}},
    }.items():
        engine.cpu_until_idle()
        connection = http.client.HTTPConnection("127.0.0.1", promptd.port, timeout=60)
        connection.request("POST", path, json.dumps(body))
        response = connection.getresponse()
        assert response.status == 200 and response.read(1)
        before = engine.cpu()
        response.close()
        connection.close()
        used = engine.cpu_until_idle() + engine.cpu() - before
        assert used < 4, f"the engine went on for {used} s"


def check_many(engine, promptd):
    prompts = [f"The number {n} is" for n in range(50)]
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda prompt: request(promptd.port, "POST", "/", own(prompt, 6)), prompts))
    assert all(status == 200 and text for status, text in answers), answers


def check_restart(engine, promptd):
    """An engine that is killed in the middle: what has begun is cut, what comes is refused, and then all is well again."""
    connection = http.client.HTTPConnection("127.0.0.1", promptd.port, timeout=60)
    connection.request("POST", "/", json.dumps(own("Count to one thousand.", 900, stream=True)))
    response = connection.getresponse()
    assert response.status == 200 and response.read(1)
    engine.kill()
    try:
        response.read()
        raise AssertionError("the end of the stream looks proper")
    except http.client.IncompleteRead:
        pass
    connection.close()
    for _ in range(3):
        status, text = request(promptd.port, "POST", "/", own("Hi", 3))
        assert status in (502, 503) and text.startswith("The model server"), text
    engine.start()
    deadline = time.monotonic() + 60
    while (answer := request(promptd.port, "POST", "/", own("Hi", 3)))[0] != 200:
        assert answer[0] == 503 and time.monotonic() < deadline, answer
        time.sleep(0.2)
    assert answer == (200, direct(engine, "Hi", 3))


def main():
    engine = Engine(sys.argv[2:])
    promptd = Promptd(sys.argv[1], engine)
    failed = 0
    try:
        for name, check in list(globals().items()):
            if not name.startswith("check_"):
                continue
            began = time.monotonic()
            try:
                check(engine, promptd)
                result = "passed"
            except AssertionError as error:
                failed += 1
                result = f"FAILED at line {error.__traceback__.tb_next.tb_lineno}: {str(error)[:500]}"
            print(f"{name.removeprefix('check_'):10}{time.monotonic() - began:6.1f} s  {result}", flush=True)
    finally:
        promptd.end()
        engine.kill()
    sys.exit(1 if failed else 0)


main()
