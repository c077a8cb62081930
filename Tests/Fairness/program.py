"""A promptd that a script runs."""
import collections, re, subprocess, sys, threading

PROMPTD = sys.argv[1]


class Program:
    """A promptd, its log, and the address that the log names."""

    def __init__(self, *arguments, environment={}):
        self.process = subprocess.Popen(
            [PROMPTD, *arguments], env={"PATH": "/usr/bin:/bin", **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.lines, self.news = collections.deque(maxlen=10_000), threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()

    def line(self, text, seconds=20):
        """Waits for a line with this text."""
        with self.news:
            if not self.news.wait_for(lambda: any(text in line for line in self.lines), seconds):
                raise SystemExit(f"no line with {text!r} in:\n{''.join(self.lines)}")
            return next(line for line in self.lines if text in line)

    def port(self, text):
        return int(re.search(r"address=\S*:(\d+)", self.line(text)).group(1))

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
