#!/usr/bin/env python3
"""Tests promptd's admin page as an operator uses it: in a real headless Chromium, with keys, against a real admin address.

    page.py URL [--chromium PATH] [--shots FOLDER] [--long-prompt TEXT] [--no-prompts]

Needs Python 3.11 and Chromium, nothing else: it speaks the DevTools protocol over a pipe. It ends with 0 if all is well; else with 1
and a sentence. The server must answer prompts for the default model, and take more than a second for the long prompt.
"""
import argparse, base64, fcntl, json, os, pathlib, re, select, shutil, subprocess, sys, tempfile, time, urllib.request

REQUIRED_CSP = {"default-src": ["'none'"], "connect-src": ["'self'"], "base-uri": ["'none'"], "form-action": ["'none'"]}


class Failed(Exception):
    pass


def check(condition, sentence):
    if not condition:
        raise Failed(sentence)


class Browser:
    """A headless Chromium with one page."""

    def __init__(self, path):
        self.folder = tempfile.mkdtemp(prefix="page-test-")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        inner = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs_in, theirs_out)]

        def arrange():
            os.dup2(inner[0], 3)
            os.dup2(inner[1], 4)
            os.nice(5)

        self.errors_file = open(os.path.join(self.folder, "stderr"), "w+b")
        self.process = subprocess.Popen(
            [path, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.folder}/profile", "--no-first-run", "--no-default-browser-check",
             "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--no-proxy-server", "--hide-scrollbars", "--force-color-profile=srgb", *(["--no-sandbox"] if os.getuid() == 0 else []), "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.errors_file, stderr=self.errors_file, pass_fds=(3, 4), preexec_fn=arrange, start_new_session=True)
        for fd in (theirs_in, theirs_out, *inner):
            os.close(fd)
        self.reader, self.writer, self.buffer, self.number = ours_in, ours_out, b"", 0
        self.session, self.events, self.tolerated = None, [], False
        self.problems, self.requests = [], []
        pages = [t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        self.session = self.call("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility", "Audits"):
            self.call(domain + ".enable")

    def close(self):
        try:
            self.call("Browser.close", seconds=3)
        except Exception:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def receive(self, seconds):
        """The next message, or None."""
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            if not select.select([self.reader], [], [], max(0, end - time.monotonic()))[0]:
                return None
            data = os.read(self.reader, 1 << 20)
            if not data:
                self.errors_file.seek(0)
                raise Failed("Chromium ended: " + self.errors_file.read().decode(errors="replace")[-500:])
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(text)
        if "method" in message:
            self.note(message["method"], message.get("params", {}))
        return message

    def note(self, method, p):
        if method == "Runtime.exceptionThrown":
            d = p["exceptionDetails"]
            self.problems.append("exception: " + d.get("exception", {}).get("description", d["text"]))
        elif method == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            self.problems.append("console: " + json.dumps(p["args"])[:300])
        elif method == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
            if not (self.tolerated and p["entry"]["source"] == "network"):
                self.problems.append("log: " + p["entry"]["text"])
        elif method == "Audits.issueAdded" and p["issue"]["code"] == "ContentSecurityPolicyIssue":
            self.problems.append("CSP: " + json.dumps(p["issue"]["details"])[:400])
        elif method == "Network.requestWillBeSent":
            self.requests.append((time.monotonic(), p["request"]["method"], p["request"]["url"]))

    def call(self, method, seconds=30, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + seconds
        while True:
            answer = self.receive(max(0, end - time.monotonic()))
            if answer is None:
                raise Failed(f"Chromium did not answer {method}.")
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Failed(f"Chromium refused {method}: {answer['error']}")
                return answer["result"]

    def sleep(self, seconds):
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0:
            self.receive(rest)

    def js(self, code):
        r = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            raise Failed("This failed in the page: " + code[:200] + ": " + json.dumps(r["exceptionDetails"])[:400])
        return r["result"].get("value")

    def until(self, code, sentence, seconds=10):
        end = time.monotonic() + seconds
        while True:
            value = self.js(code)
            if value:
                return value
            if time.monotonic() > end:
                raise Failed(f"{sentence} (waited {seconds} s)")
            self.sleep(.1)

    KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}

    def key(self, name, control=False, shift=False):
        common = dict(key=name, code=name, windowsVirtualKeyCode=self.KEYS[name], modifiers=(2 if control else 0) + (8 if shift else 0))
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": "\r"} if name == "Enter" and not control else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def write(self, text):
        self.call("Input.insertText", text=text)

    def screen(self, width, height, dark=False, reduced=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                                                          {"name": "prefers-reduced-motion", "value": "reduce" if reduced else "no-preference"}])
        self.sleep(.3)

    def shot(self, file, full=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)["data"]
        pathlib.Path(file).write_bytes(base64.b64decode(data))

    def no_problems(self, when):
        check(not self.problems, f"{when}, the browser complained: " + "; ".join(self.problems[:5]))


CONTRAST = r"""(() => {
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const lum = c => { const f = c.slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const bad = [], seen = new Set(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('script,noscript,.sr,option') || !e.checkVisibility()) continue;
    const s = getComputedStyle(e), c = parse(e.closest('svg') ? s.fill : s.color), b = behind(e.closest('svg') ? e.closest('div') : e);
    const x = lum(c), y = lum(b), ratio = (Math.max(x, y) + .05) / (Math.min(x, y) + .05);
    if (ratio < 4.5) bad.push(`${walk.currentNode.data.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return bad;
})()"""


def fetch_state(url, query=""):
    with urllib.request.urlopen(url + "state" + query, timeout=5) as r:
        return json.load(r)


def served(url):
    """The page as it is sent."""
    with urllib.request.urlopen(url, timeout=5) as r:
        page, headers = r.read().decode(), r.headers
    check(len(page.encode()) <= 42500, f"The page has {len(page.encode())} bytes, more than 42,500.")
    check(headers.get_content_type() == "text/html", "The page is not sent as text/html.")
    for tag in ("style", "script"):
        check(len(re.findall(rf"<{tag}\b", page)) == 1, f"The page has not exactly one <{tag}>.")
    markup = re.sub(r"<(style|script)[^>]*>.*?</\1>", "", page, flags=re.S)
    check(not re.search(r"\s(style|on[a-z]+)\s*=", markup), "The page has style= or on…= in its markup.")
    check(not re.search(r"""\s(src|action)=|href="(?!#)|url\(|@import|innerHTML|insertAdjacentHTML|document\.write""", page), "The page loads something, or writes HTML.")
    policy = headers.get("Content-Security-Policy")
    check(policy, "The page is sent without Content-Security-Policy.")
    directives = {d.split()[0]: d.split()[1:] for d in policy.split(";") if d.strip()}
    for name, value in REQUIRED_CSP.items():
        check(directives.get(name) == value, f"The Content-Security-Policy has {name} {directives.get(name)}, not {value}.")
    for tag in ("style", "script"):
        nonce = re.search(rf'<{tag} nonce="([0-9]+)">', page)
        check(nonce, f"The page's <{tag}> has no nonce.")
        check(directives.get(tag + "-src") == [f"'nonce-{nonce.group(1)}'"], f"The Content-Security-Policy's {tag}-src is not the nonce of the page's <{tag}>.")
    return f"{len(page.encode())} bytes"


def loads(b, url):
    b.screen(1400, 900)
    b.call("Page.navigate", url=url)
    b.until("document.getElementById('state-text')?.textContent === 'Connected'", "The page did not connect")
    b.sleep(1.5)
    b.no_problems("While the page was loaded")


def shows(b, url):
    """The figures are those of the state."""
    s = fetch_state(url)
    check(b.js("document.getElementById('version').textContent") == s["version"], "The page shows another version than the state has.")
    check(b.js("document.getElementById('ready-text').textContent") == ("Ready" if s["ready"] is None else "Not ready: " + s["ready"]), "The page does not show whether promptd is ready.")
    rows = b.js("[...document.querySelectorAll('#backends tbody th')].map(x => x.textContent)")
    check(sorted(rows) == sorted(x["url"] for x in s["backends"]), f"The page shows the backends {rows}.")
    names = {m for x in s["backends"] for m in x["models"] + x["running"]}
    check(set(b.js("[...document.querySelectorAll('#backends li')].map(x => x.textContent.replace(/ \\(running\\)$/, ''))")) == names, "The page does not show the backends' models.")
    check(set(b.js("[...document.querySelectorAll('#model option')].map(x => x.value)")) == names | {""}, "The model box does not have the backends' models and 'default'.")
    check([c["name"] for c in s["queue"]["classes"]] == b.js("[...document.querySelectorAll('#queue tbody th')].map(x => x.textContent)"), "The page does not show the queue's classes.")
    b.until("""fetch('state').then(r => r.json()).then(s => {
        const want = s.prompts.map(p => p.id).sort().join(), got = [...document.querySelectorAll('#prompts tbody th')].map(x => x.textContent).sort().join();
        return want === got; })""", "The table of prompts in flight never had the prompts of the state", 20)
    history = fetch_state(url, "?history")["history"]
    if any(v is not None for v in history["series"]["in_flight"]):
        check(b.js("document.querySelectorAll('.plot')[4].querySelector('.l0').getAttribute('d').length") > 5, "The plot of prompts in flight is empty.")
    foreign = b.js("[...document.querySelectorAll('body *')].filter(e => ['IMG', 'IFRAME', 'OBJECT', 'LINK', 'B', 'STYLE'].includes(e.tagName) && !e.closest('.now')).length")
    check(foreign == 0, "The page has elements that are not its own: text was taken for HTML.")
    return f"{len(rows)} backends, {len(names)} models, {len(s['prompts'])} prompts"


def accessible(b):
    """Landmarks, names and tables in the accessibility tree."""
    nodes = [n for n in b.call("Accessibility.getFullAXTree")["nodes"] if not n["ignored"]]
    value = lambda n, k: n.get(k, {}).get("value", "")
    roles = [(value(n, "role"), value(n, "name")) for n in nodes]
    for role in ("banner", "main"):
        check(sum(r == role for r, _ in roles) == 1, f"The accessibility tree has not exactly one {role}.")
    for name in ("Now and the last hour", "Prompts in flight", "Backends", "Last failures", "Try a prompt", "Queue", "Server"):
        check(("region", name) in roles, f"The accessibility tree has no region {name}.")
        check(("heading", name) in roles, f"The accessibility tree has no heading {name}.")
    tables = [n for r, n in roles if r == "table"]
    check(len(tables) == 4 and all(tables), f"The accessibility tree has not four tables with captions, but {tables}.")
    check(sum(r == "columnheader" for r, _ in roles) == 22, "Not all columns have headers.")
    sliders = [n for n in nodes if value(n, "role") == "slider"]
    check(len(sliders) == 6 and all(value(n, "name") for n in sliders), "Not all plots can be read in the accessibility tree.")
    check(sum(r == "status" for r, _ in roles) >= 3, "The live regions are missing.")
    nameless = [r for r, n in roles if r in ("button", "textbox", "combobox", "link", "region", "slider") and not n]
    check(not nameless, f"These have no name: {nameless}.")
    check(b.js("[...document.querySelectorAll('thead th')].every(x => x.scope === 'col') && [...document.querySelectorAll('tbody th')].every(x => x.scope === 'row')"), "A table header has no scope.")
    b.screen(360, 740)
    narrow = [value(n, "role") for n in b.call("Accessibility.getFullAXTree")["nodes"] if not n["ignored"]]
    check(narrow.count("table") == 4 and narrow.count("columnheader") == 22 and "cell" in narrow, "On a narrow screen the tables are no tables in the accessibility tree.")
    b.screen(1400, 900)
    return f"{len(nodes)} nodes"


def fits(b):
    """No horizontal scrolling, and enough contrast."""
    for width in (320, 360, 768, 1100, 1400, 2200):
        for dark in (False, True):
            b.screen(width, 740, dark, reduced=dark)
            wide = b.js("document.documentElement.scrollWidth")
            check(wide <= width, f"At a width of {width} the page is {wide} wide.")
            inner = b.js("[...document.querySelectorAll('.scroll')].filter(x => x.scrollWidth > x.clientWidth + 1).map(x => x.getAttribute('aria-label'))")
            check(width > 360 or not inner, f"At a width of {width} these must be scrolled sideways: {inner}.")
            cut = b.js("""[...document.querySelectorAll('.plot text')].filter(t => { const a = t.getBoundingClientRect(), b = t.closest('svg').getBoundingClientRect(); return a.left < b.left - 1 || a.right > b.right + 1; }).map(t => t.textContent)""")
            check(not cut, f"At a width of {width} these labels of plots are cut: {cut}.")
            bad = b.js(CONTRAST)
            check(not bad, f"At a width of {width}{', dark' if dark else ''}, text has too little contrast: {bad[:5]}.")
    b.screen(1400, 900)


FOCUSED = """(() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect(), h = document.querySelector('header').getBoundingClientRect();
  return {what: e.id || e.getAttribute('aria-label') || e.textContent.slice(0, 40), tag: e.tagName, ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2,
    seen: r.bottom > (e.closest('header') || e.matches('.skip') ? 0 : h.bottom) && r.top < innerHeight}; })()"""


def keyboard(b):
    """Everything is reached by Tab, in order, with a visible focus."""
    b.screen(360, 740)
    tabs(b)
    b.screen(1400, 900)
    return tabs(b)


def tabs(b):
    b.call("Page.bringToFront")
    b.js("getSelection().collapse(document.body, 0); scrollTo(0, 0); document.querySelectorAll('.skip')[1].focus()")
    b.key("Tab", shift=True)
    stops = []
    for i in range(60):
        if i:
            b.key("Tab")
        f = b.js(FOCUSED)
        if f["tag"] == "BODY" or (stops and f["what"] == stops[0]):
            break
        check(f["ring"], f"The focus on '{f['what']}' is not visible.")
        check(f["seen"], f"With the focus on '{f['what']}' it is out of sight.")
        stops.append(f["what"])
    else:
        raise Failed("Tab does not come to an end.")
    wanted = ["Skip to the figures", "Skip to the prompt box", "Tokens per second, plot of the last hour: arrow keys read it", "Queued, plot of the last hour: arrow keys read it",
              "Table of prompts in flight, can be scrolled", "Table of backends, can be scrolled", "Table of the last failures, can be scrolled", "model", "text", "send", "stop"]
    check([x for x in stops if x in wanted] == wanted, f"Tab goes to {stops}.")
    b.js("document.activeElement.blur(); scrollTo(0, 0)")
    b.js("document.querySelector('.skip').focus()")
    b.key("Tab")
    b.key("Enter")
    check(b.js("document.activeElement.id") == "text", "The skip link does not lead to the prompt box.")
    return f"{len(stops)} stops"


def plots(b):
    """A plot is read by keys and by pointer."""
    b.js("document.querySelector('.plot').focus()")
    read = "document.querySelector('.read').textContent"
    at = "document.querySelector('.plot').getAttribute('aria-valuetext')"
    newest = b.js(read)
    check(re.match(r"(.* )?\d\d:\d\d:\d\d: ", newest), f"A plot with the focus shows '{newest}'.")
    check(b.js(at) == newest, "A plot's spoken value is not the one that it shows.")
    b.key("ArrowLeft")
    check(b.js(read) != newest, "ArrowLeft does not move in the plot.")
    b.key("ArrowRight")
    check(b.js(read) == newest, "ArrowRight does not move in the plot.")
    b.key("Home")
    check(float(b.js("document.querySelector('.plot').getAttribute('aria-valuenow')")) < -59, "Home does not go to the start of the plot.")
    b.key("Escape")
    check("last hour" in b.js(read), "Escape does not leave the plot.")
    b.js("document.activeElement.blur()")
    r = b.js("(() => { const r = document.querySelector('.plot').getBoundingClientRect(); return [r.left + r.width * .7, r.top + r.height / 2]; })()")
    b.call("Input.dispatchMouseEvent", type="mouseMoved", x=r[0], y=r[1])
    b.until(read + ".includes(':')", "A plot shows nothing under the pointer", 2)
    check(b.js("[...document.querySelectorAll('.read')].every(x => x.classList.contains('on'))"), "Not all plots show the time under the pointer.")
    b.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    b.until(read + ".includes('last hour')", "A plot goes on when the pointer has left", 2)


SAID = "document.getElementById('say').textContent"


def ask(b, text, control=True):
    b.js("document.getElementById('text').value = ''; document.getElementById('text').focus()")
    b.write(text)
    if control:
        b.key("Enter", control=True)
    else:
        b.key("Tab")
        check(b.js("document.activeElement.id") == "send", "Tab does not go from the prompt to Send.")
        b.key("Enter")


def prompts(b, url):
    """An answer streams in; mistakes are told in words."""
    ask(b, "  ")
    check(b.js(SAID) == "Write a prompt first.", "An empty prompt is not refused in words.")
    before = fetch_state(url)["totals"]["answered"]
    ask(b, "Say hello to the operator.")
    b.until(f"/^(Finished|The answer broke|promptd |Stopped)/.test({SAID})", "The prompt did not end", 60)
    said = b.js(SAID)
    check(re.match(r"Finished: [\d,]+ tokens?(, [\d.,]+ tokens/s)?, first token after [\d.]+ m?s, [\d.]+ m?s in total\.$", said), f"At its end the prompt says '{said}'.")
    check(len(b.js("document.getElementById('answer').textContent")) > 0, "The answer is not shown.")
    check(b.js("document.getElementById('aloud').textContent").startswith("The answer: "), "The finished answer is not announced.")
    check(b.js("document.activeElement.id") == "text", "After Ctrl+Enter the focus is not in the prompt any more.")
    end = time.monotonic() + 5
    while fetch_state(url)["totals"]["answered"] <= before:
        check(time.monotonic() < end, "The state does not count the answered prompt.")
        b.sleep(.2)
    model = b.js("[...document.querySelectorAll('#model option')].map(o => o.value).find(v => v && !v.startsWith('fault:'))")
    if model:
        b.js(f"document.getElementById('model').value = {json.dumps(model)}")
        posted = len(b.requests)
        ask(b, "Hello again.", control=False)
        b.until(f"/^(Finished|The answer broke|promptd |Stopped)/.test({SAID})", "The second prompt did not end", 60)
        check(b.js("document.activeElement.id") == "send", "After Enter on Send the focus is lost.")
        check(any(m == "POST" for _, m, _ in b.requests[posted:]), "Enter on Send sends nothing.")
        b.js("document.getElementById('model').selectedIndex = 0")
    b.no_problems("While prompts were sent")
    return said


def stops(b, url, text):
    """Stop closes the request, and promptd sees it."""
    for way in ("Stop", "Escape"):
        before = fetch_state(url)["totals"]["cancelled"]
        ask(b, text, control=False)
        b.until(f"{SAID} === 'Answering' || {SAID}.startsWith('Finished') || document.getElementById('say').className === 'text-bad'", "The long prompt has no answer", 60)
        b.sleep(.3)
        check(b.js(SAID) == "Answering", f"The long prompt ended before it could be stopped ('{b.js(SAID)}'): the server must take more than a second for it.")
        length = b.js("document.getElementById('answer').textContent.length")
        if way == "Stop":
            b.key("Tab")
            check(b.js("document.activeElement.id") == "stop", "Tab does not go from Send to Stop.")
            b.key("Enter")
        else:
            b.key("Escape")
        b.until(f"{SAID} === 'Stopped. The answer is not complete.'", f"{way} does not stop the answer", 3)
        check(b.js("document.getElementById('answer').textContent.length") >= length, "The part of the answer that came is not kept.")
        end = time.monotonic() + 5
        while fetch_state(url)["totals"]["cancelled"] <= before:
            check(time.monotonic() < end, f"After {way}, promptd does not count a cancelled prompt: the request was not closed.")
            b.sleep(.2)
    b.no_problems("While prompts were stopped")


def failures(b):
    """Failures of prompts are told in words. The models are those that the stand-in has for faults."""
    b.tolerated = True
    for model, want in (("fault:busy", "promptd answered with status 503: Ollama is busy"), ("fault:missing", "promptd answered with status 404: Ollama does not have the model"),
                        ("fault:failing", "The answer broke off: Ollama failed while it was answering"), ("fault:cut", "The answer broke off: Ollama's response was cut off")):
        check(b.js(f"(() => {{ const m = document.getElementById('model'); m.value = '{model}'; return m.value; }})()") == model, f"The model '{model}' is not offered.")
        ask(b, "Fail.")
        b.until(f"document.getElementById('send').getAttribute('aria-disabled') === 'false' && !/^(Waiting|Sending|Streaming)/.test({SAID})", f"'{model}' did not end", 30)
        check(b.js(SAID).startswith(want), f"'{model}' says '{b.js(SAID)}'.")
    b.js("document.getElementById('model').selectedIndex = 0")
    b.sleep(.2)
    b.tolerated = False


def steady(b):
    """Focus, selection and scroll position outlive new states."""
    b.js("(() => { const r = document.createRange(); r.selectNodeContents(document.querySelector('#backends tbody th')); getSelection().removeAllRanges(); getSelection().addRange(r); })()")
    text = b.js("getSelection().toString()")
    b.js("document.querySelectorAll('.scroll')[1].focus()")
    b.sleep(2.5)
    check(text and b.js("getSelection().toString()") == text, "Selected text is lost when a new state comes.")
    check("Held" in b.js("document.querySelector('#s-backends .mark').textContent"), "It is not shown that the table is held.")
    check(b.js("document.activeElement === document.querySelectorAll('.scroll')[1]"), "The focus is lost when a new state comes.")
    b.js("getSelection().removeAllRanges()")
    b.until("document.querySelector('#s-backends .mark').textContent === ''", "The table is held after the selection has gone", 3)
    b.js("window.kept = document.querySelector('#backends tbody tr')")
    b.sleep(1.5)
    check(b.js("window.kept === document.querySelector('#backends tbody tr')"), "The rows are made anew with each state.")


def pauses(b):
    """No polling while the tab is hidden."""
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s}); document.dispatchEvent(new Event('visibilitychange'))"
    b.js(hide % "true")
    b.sleep(.3)
    before = len(b.requests)
    b.sleep(3)
    check(len(b.requests) == before, "The page polls while it is hidden.")
    b.js(hide % "false")
    b.sleep(1.5)
    asked = [u for _, m, u in b.requests[before:]]
    check(asked and asked[0].endswith("state?history"), f"When it is seen again, the page asks for {asked}.")
    check(b.js("document.getElementById('state-text').textContent") == "Connected", "When it is seen again, the page is not connected.")
    start = time.monotonic()
    before = len(b.requests)
    b.sleep(10)
    polls = [u for t, m, u in b.requests[before:]]
    check(8 <= len(polls) <= 12, f"The page polled {len(polls)} times in 10 s.")
    check(sum(u.endswith("?history") for u in polls) in (1, 2), "The page does not ask for the history every 10 s.")


def lost(b):
    """The page says so when promptd is not reached, and comes back."""
    b.tolerated = True
    b.call("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    text = b.until("document.getElementById('state-text').textContent.startsWith('promptd cannot be reached since') && document.getElementById('state-text').textContent", "The page does not say that promptd cannot be reached", 8)
    check("goes on trying" in text and "old" in text, f"The page says '{text}'.")
    check(b.js("document.getElementById('state').getAttribute('role')") == "status" and b.js("document.getElementById('state').checkVisibility()"), "The lost connection is not announced.")
    marks = b.js("[...document.querySelectorAll('.live:not([hidden]) .mark')].map(x => x.textContent)")
    check(len(marks) == 6 and all(m.startswith("Old: from ") for m in marks), f"The old figures are marked {marks}.")
    check(b.js("document.title") == "promptd: not reached", "The title does not say that promptd cannot be reached.")
    bad = b.js(CONTRAST)
    check(not bad, f"While promptd is not reached, text has too little contrast: {bad[:5]}.")
    before = len(b.requests)
    b.sleep(6)
    check(len(b.requests) - before >= 1, "The page does not go on trying.")
    ask(b, "Hello?")
    b.until(f"{SAID} === 'promptd cannot be reached, so the prompt has no answer.'", "A prompt that cannot be sent says nothing", 5)
    b.call("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    b.until("document.getElementById('state-text').textContent === 'Connected'", "The page does not come back", 10)
    check(b.js("[...document.querySelectorAll('.live .mark')].every(x => x.textContent === '')"), "Figures stay marked as old.")
    b.sleep(.3)
    b.tolerated = False


def cheap(b):
    """What a state costs the browser."""
    b.call("Performance.enable")
    metric = lambda: {m["name"]: m["value"] for m in b.call("Performance.getMetrics")["metrics"]}
    first = metric()
    b.sleep(10)
    second = metric()
    busy = (second["TaskDuration"] - first["TaskDuration"]) / 10
    check(busy < .25, f"The page keeps its thread busy {busy:.0%} of the time.")
    return f"main thread busy {busy:.1%}, script {(second['ScriptDuration'] - first['ScriptDuration']) / 10:.1%}, {second['JSHeapUsedSize'] / 1e6:.1f} MB heap, {int(second['Nodes'])} nodes"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "chromium")
    parser.add_argument("--shots", help="a folder for screenshots")
    parser.add_argument("--long-prompt", default="Tell a long story. " + "word " * 2000)
    parser.add_argument("--no-prompts", action="store_true", help="send no prompts")
    a = parser.parse_args()
    url = a.url if a.url.endswith("/") else a.url + "/"
    browser, passed = None, 0
    try:
        steps = [("the page as sent", lambda: served(url)), ("loads", lambda: loads(browser, url)), ("shows the state", lambda: shows(browser, url)),
                 ("accessibility tree", lambda: accessible(browser)), ("widths and contrast", lambda: fits(browser)), ("keyboard", lambda: keyboard(browser)),
                 ("plots", lambda: plots(browser)), ("focus and selection", lambda: steady(browser))]
        if not a.no_prompts:
            steps += [("prompts", lambda: prompts(browser, url)), ("stop", lambda: stops(browser, url, a.long_prompt)), ("failures of prompts", lambda: failures(browser))]
        steps += [("hidden tab", lambda: pauses(browser)), ("cost", lambda: cheap(browser)), ("lost connection", lambda: lost(browser))]
        browser = Browser(a.chromium)
        for name, step in steps:
            detail = step()
            browser.no_problems(f"In '{name}'")
            passed += 1
            print(f"ok: {name}" + (f" ({detail})" if detail else ""), flush=True)
        if a.shots:
            pathlib.Path(a.shots).mkdir(parents=True, exist_ok=True)
            for name, size in (("wide", (1400, 900)), ("narrow", (360, 740))):
                for dark in (False, True):
                    browser.screen(*size, dark)
                    browser.js('document.activeElement.blur(); scrollTo(0, 0)')
                    browser.shot(f"{a.shots}/{name}{'-dark' if dark else ''}.png")
    except (Failed, OSError) as e:
        sentence = e if isinstance(e, Failed) else f"{url} does not answer, or Chromium could not be started: {e}"
        print(f"failed: {sentence}", file=sys.stderr)
        print(f"{passed} passed, 1 failed")
        return 1
    finally:
        if browser:
            browser.close()
    print(f"{passed} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
