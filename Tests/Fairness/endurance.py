"""Mixes all kinds of clients and faults for a long time, and looks at what is left of them. Run by scripts/endurance.

    endurance.py PROMPTD SECONDS

In each period everything goes on at once; then all clients leave, and the server's memory, descriptors and connections
at rest are measured. After the first periods, of five minutes in an hour, memory at rest may grow by 2 % to the end, where
the median of the last quarter counts; in a run of less than half an hour, by 15 %, because the heap has not found its size
yet. Loopback only. Every process that was started is
ended by its pid.
"""
import asyncio, json, os, random, re, signal, socket, statistics, struct, sys, tempfile, time

from program import PROMPTD, Program

SECONDS = int(sys.argv[2])
PERIOD = max(15, SECONDS // 24)
WARM_UP = max(1, round(SECONDS / 12 / PERIOD))  # periods
GROWTH = 1.02 if SECONDS >= 1800 else 1.15
PROBE_LIMIT = 5  # seconds, which is a hang: the clients keep the machine busy. scripts/fairness measures delays.


class Counts(dict):
    def add(self, name):
        self[name] = self.get(name, 0) + 1


counts, wrong = Counts(), []
slowest_probe = 0


class Server:
    """The promptd under test, before three stand-ins: one is killed and started again, one hangs now and then."""

    def __init__(self, directory):
        self.keys = os.path.join(directory, "keys")
        self.write_keys()
        self.stand_ins = [self.stand_in(0) for _ in range(3)]
        self.program = None
        try:
            self.start()
        except BaseException:
            self.end()
            raise

    def start(self):
        self.ports = [each.port("standing in") for each in self.stand_ins]
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        self.program = Program(
            "serve", "--listen", "127.0.0.1:0", "--api-key-file", self.keys, "--max-in-flight", "100",
            "--connect-timeout", "2s", "--first-token-timeout", "5s", "--idle-timeout", "5s", "--write-timeout", "3s",
            "--header-timeout", "3s", "--read-timeout", "3s", "--check-interval", "2s", "--max-buffered-bytes", "64MiB",
            "--max-body-bytes", "8MiB", "--drain", "20s",
            environment={"OLLAMA_HOST": hosts})
        self.port = self.program.port("serving prompts")
        self.pid = self.program.process.pid

    @staticmethod
    def stand_in(port):
        return Program("stand-in", "--port", str(port), "--tokens", "40", "--token-interval", "5ms",
                       "--log-level", "info")

    def write_keys(self):
        with open(self.keys, "w") as file:
            file.write("".join(f"key-{number}\n" for number in [*range(20), 100 + random.randrange(100)]))

    async def reload(self):
        while True:
            await asyncio.sleep(random.uniform(1, 4))
            self.write_keys()
            os.kill(self.pid, signal.SIGHUP)
            counts.add("reloads")

    async def kill(self):
        while True:
            await asyncio.sleep(random.uniform(2, 6))
            self.stand_ins[0].end()
            await asyncio.sleep(random.uniform(0, 1))
            self.stand_ins[0] = self.stand_in(self.ports[0])
            counts.add("kills")

    async def hang(self):
        try:
            while True:
                await asyncio.sleep(random.uniform(2, 8))
                self.stand_ins[1].process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(random.uniform(0, 7))
                self.stand_ins[1].process.send_signal(signal.SIGCONT)
                counts.add("hangs")
        finally:
            self.stand_ins[1].process.send_signal(signal.SIGCONT)

    def resident(self):
        with open(f"/proc/{self.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def clients(self):
        """Open connections of clients, as the kernel knows them."""
        local = f"0100007F:{self.port:04X}"
        with open("/proc/net/tcp") as file:
            lines = [line.split() for line in file]
        return sum(1 for fields in lines if fields[1] == local and fields[3] == "01")

    def end(self):
        for program in [self.program, *self.stand_ins]:
            if program:
                program.end()


# ---- clients

class Connection:
    """A client's connection, which ends with the block that uses it."""

    def __init__(self, server, small=False):
        self.port, self.reset = server.port, random.random() < 0.3
        self.client = socket.socket()
        self.client.setblocking(False)
        if small:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # From many addresses, as clients come.
        self.client.bind((f"127.0.{random.randrange(4)}.{random.randrange(2, 250)}", 0))

    async def __aenter__(self):
        try:
            await asyncio.get_running_loop().sock_connect(self.client, ("127.0.0.1", self.port))
            self.reader, self.writer = await asyncio.open_connection(sock=self.client, limit=1 << 16)
        except BaseException:
            self.client.close()
            raise
        return self

    async def __aexit__(self, *_):
        if self.reset:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def send(self, data):
        self.writer.write(data)

    async def response(self):
        """The status, the fields and the body; a body without a length is read to its end."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        fields = dict(line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if ": " in line)
        if status == 100:
            return status, fields, b""
        if "content-length" in fields:
            return status, fields, await self.reader.readexactly(int(fields["content-length"]))
        body = b""
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            body += (await self.reader.readexactly(size + 2))[:-2]
            if size == 0:
                return status, fields, body


def post(body, *fields):
    lines = "".join(f"{field}\r\n" for field in fields)
    key = f"Authorization: Bearer key-{random.randrange(20)}\r\n"
    return f"POST / HTTP/1.1\r\nHost: a\r\n{key}{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def prompt(size=None, **members):
    """A prompt with a number of its own, which its answer must contain."""
    number = f"n{random.getrandbits(60)}n"
    text = number + " x" * (size if size is not None else random.choice([1, 10, 100, 2000]))
    return number, json.dumps({"prompt": text, **members}).encode()


def judge(kind, number, status, body):
    if status == 200:
        counts.add(f"{kind}: answered")
        if number.encode() not in body:
            wrong.append(f"{kind}: {number} is not in {body[:200]!r}")
    elif status in (429, 502, 503, 504):
        counts.add(f"{kind}: {status}")
    else:
        wrong.append(f"{kind}: {status} {body[:200]!r}")


async def probes(server):
    global slowest_probe
    start = time.monotonic()
    async with Connection(server) as connection:
        connection.send(b"GET /health/liveness HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        status, _, body = await connection.response()
    slowest_probe = max(slowest_probe, time.monotonic() - start)
    if (status, body) != (200, b"Alive"):
        wrong.append(f"probe: {status} {body!r}")
    counts.add("probes")
    await asyncio.sleep(0.1)


async def whole(server):
    async with Connection(server) as connection:
        for _ in range(random.randrange(1, 20)):
            number, body = prompt()
            connection.send(post(body, random.choice(["Accept: application/json", "Accept: text/plain"])))
            status, fields, answer = await connection.response()
            judge("whole", number, status, answer)
            if fields.get("connection") == "close":
                break


async def streams(server):
    number, body = prompt(stream=True)
    async with Connection(server) as connection:
        connection.send(post(body, random.choice(["Accept: text/event-stream", "Accept: application/x-ndjson"])))
        status, _, answer = await connection.response()
        if status == 200 and b'"error"' in answer:
            counts.add("stream: ended with an error")
        else:
            judge("stream", number, status, answer)


async def leaving(server):
    async with Connection(server) as connection:
        connection.send(post(prompt(stream=random.random() < 0.7)[1]))
        await asyncio.sleep(random.choice([0, 0.01, 0.05, 0.2]))
    counts.add("clients that left")


async def unread(server):
    async with Connection(server, small=True) as connection:
        connection.writer.transport.pause_reading()
        connection.send(post(prompt(size=random.choice([2000, 400_000]))[1]))
        await asyncio.sleep(random.uniform(0, 5))
    counts.add("clients that do not read")


async def unfinished(server):
    async with Connection(server) as connection:
        data = post(prompt(size=random.choice([10, 1000, 500_000]))[1])
        connection.send(data[:random.randrange(len(data))])
        await asyncio.sleep(random.uniform(0, 5))
    counts.add("unfinished requests")


async def dribble(server):
    async with Connection(server) as connection:
        for byte in post(prompt(size=5)[1]):
            connection.send(bytes([byte]))
            await asyncio.sleep(0.02)
        status, _, body = await connection.response()
        counts.add(f"dribbled: {status}")


async def uploads(server):
    number, body = prompt(size=random.randrange(100_000, 2_000_000))
    async with Connection(server) as connection:
        connection.send(post(body, "Expect: 100-continue", "Accept: application/json"))
        status, _, answer = await connection.response()
        if status == 100:
            status, _, answer = await connection.response()
        judge("upload", number, status, answer)


async def pipelines(server):
    async with Connection(server) as connection:
        requests = random.randrange(1, 300)
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * requests)
        for _ in range(requests):
            status, _, body = await connection.response()
            if (status, body) != (200, b"OK"):
                wrong.append(f"pipeline: {status} {body!r}")
    counts.add("pipelines")


NOISE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\n\r\n", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", b"GET /" + b"a" * 70_000,
    post(b"{"), post(b'{"prompt": 1}'), post(b"\xff\xfe{\0}\0"),
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
]


async def noise(server):
    async with Connection(server) as connection:
        connection.send(random.choice([*NOISE, random.randbytes(random.randrange(1, 500))]))
        if random.random() < 0.5:
            connection.writer.write_eof()
        start = await connection.reader.read(12)
        counts.add(f"noise: {start[9:].decode('latin-1') or 'closed'}")


async def silence(server):
    async with Connection(server):
        await asyncio.sleep(random.uniform(0, 1))


async def rushes(server):
    """Many connections at once, which say nothing."""
    await asyncio.gather(*[silence(server) for _ in range(200)])
    counts.add("rushes")


KINDS = [(probes, 1), (whole, 12), (streams, 20), (leaving, 6), (unread, 4), (unfinished, 8), (dribble, 4), (uploads, 2),
         (pipelines, 2), (noise, 4), (rushes, 1)]


async def repeat(client, server, end):
    while time.monotonic() < end:
        try:
            async with asyncio.timeout(60):  # wait_for may lose a cancellation
                await client(server)
        except TimeoutError:
            wrong.append(f"{client.__name__}: no answer in a minute")
        except (OSError, asyncio.IncompleteReadError) as error:
            # A client whose connection ends without an answer: a cut stream, or an error that a reset has overtaken.
            counts.add(f"{client.__name__}: {type(error).__name__}")
            if client in (probes, pipelines):
                wrong.append(f"{client.__name__}: {error!r}")
        await asyncio.sleep(random.uniform(0, 0.05))


# ---- periods

async def at_rest(server):
    """The memory, the descriptors and the connections when all clients have left, and freed memory has been returned."""
    last = None
    for _ in range(40):
        await asyncio.sleep(0.5)
        now = (server.resident(), server.descriptors(), server.clients())
        if now == last and now[2] == 0:
            steady += 1
            if steady == 8:
                return now
        else:
            last, steady = now, 0
    return last


async def run(server):
    start, rests = time.monotonic(), [await at_rest(server)]
    print(f"at rest before: {rests[0][0]} KiB, {rests[0][1]} descriptors", flush=True)
    while time.monotonic() - start < SECONDS:
        end = time.monotonic() + PERIOD
        tasks = [asyncio.create_task(repeat(client, server, end)) for client, number in KINDS for _ in range(number)]
        faults = [asyncio.create_task(each()) for each in (server.reload, server.kill, server.hang)]
        await asyncio.sleep(PERIOD)
        for task in tasks + faults:
            task.cancel()
        await asyncio.gather(*tasks, *faults, return_exceptions=True)
        if server.program.process.poll() is not None:
            raise SystemExit("promptd has ended:\n" + "".join([*server.program.lines][-20:]))
        rests.append(await at_rest(server))
        print(f"{time.monotonic() - start:6.0f} s: {rests[-1][0]} KiB, {rests[-1][1]} descriptors, "
              f"{rests[-1][2]} connections, {sum(counts.values())} events, slowest probe {slowest_probe * 1000:.0f} ms",
              flush=True)
    return rests


def main():
    with tempfile.TemporaryDirectory() as directory:
        server = Server(directory)
        try:
            rests = asyncio.run(run(server))
            server.program.process.send_signal(signal.SIGTERM)
            status = server.program.process.wait(30)
        finally:
            server.end()
    for name in sorted(counts):
        print(f"{counts[name]:10} {name}")
    warm = max(rest[0] for rest in rests[1:WARM_UP + 1])
    grown = statistics.median(rest[0] for rest in rests[-max(1, len(rests) // 4):]) / warm
    # Connections to the stand-ins are kept.
    most = rests[0][1] + 3 * 100
    faults = wrong[:20]
    if grown > GROWTH:
        faults.append(f"memory at rest has grown to {grown:.3f} times what it was")
    if any(rest[2] for rest in rests):
        faults.append("connections are left at rest")
    if rests[-1][1] > most:
        faults.append(f"{rests[-1][1]} descriptors are left")
    if slowest_probe > PROBE_LIMIT:
        faults.append(f"a probe took {slowest_probe:.1f} s")
    if status:
        faults.append(f"promptd ended with {status}")
    print(f"memory at rest: {grown:.3f} times that after the first {WARM_UP * PERIOD} s")
    for fault in faults:
        print(f"not so: {fault}")
    sys.exit(1 if faults else 0)


main()
