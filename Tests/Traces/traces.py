"""Has a promptd send its spans to a collector that reads them with OpenTelemetry's own types, and checks what they say.

traces.py PROMPTD

What is no ExportTraceServiceRequest, or has a member that the types do not know, is an error. The JSON form of OTLP writes
ids as hexadecimal digits, and not as Protobuf's own JSON does. Source: OpenTelemetry Protocol Specification, "JSON Protobuf
Encoding".
"""
import base64
import http.server
import json
import re
import subprocess
import sys
import threading
import urllib.request

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

spans, problems = [], []
arrived = threading.Condition()


def with_bytes(value):
    """The same with ids in base64, as Protobuf's JSON has them."""
    if isinstance(value, list):
        return [with_bytes(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in ids else with_bytes(v) for k, v in value.items()}


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with arrived:
            try:
                assert self.path == "/v1/traces" and self.headers["Content-Type"] == "application/json"
                assert self.headers["X-Key"] == "a b"
                request = json_format.ParseDict(with_bytes(json.loads(body)), ExportTraceServiceRequest())
                for resource in request.resource_spans:
                    names = {a.key: a.value.string_value for a in resource.resource.attributes}
                    assert names["service.name"] == "tested", names
                    for scope in resource.scope_spans:
                        spans.extend(scope.spans)
            except Exception as error:  # which the main thread reports
                problems.append(repr(error))
            arrived.notify_all()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def until(what, is_true):
    with arrived:
        if not arrived.wait_for(lambda: is_true() or problems, timeout=20):
            problems.append("timed out: " + what)


def post(url, body, fields):
    request = urllib.request.Request(url, json.dumps(body).encode(), fields)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.read()
    except urllib.error.HTTPError as error:
        return error.read()


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):  # its client ends when the test does
        pass


collector = Server(("127.0.0.1", 0), Collector)
threading.Thread(target=collector.serve_forever, daemon=True).start()
server = subprocess.Popen(
    [sys.argv[1], "serve", "--embedded", "--listen", "127.0.0.1:0", "--apis", "openai", "--service-name", "tested",
     "--otlp-endpoint", f"http://127.0.0.1:{collector.server_port}"],
    stderr=subprocess.PIPE, text=True, env={"OTEL_EXPORTER_OTLP_HEADERS": "X-Key=a%20b"})
try:
    for line in server.stderr:
        if found := re.search(r"serving prompts address=(\S+)", line):
            url = "http://" + found[1]
            break
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    parent = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "tracestate": "vendor=1"}
    post(url, {"prompt": "tell nobody", "stream": True}, parent)
    post(url + "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "tell nobody"}]}, parent)
    post(url, {"model": "fault:missing"}, {})
    until("three prompts have spans", lambda: sum(s.kind == Span.SPAN_KIND_SERVER for s in spans) == 3)
    roots = [s for s in spans if s.kind == Span.SPAN_KIND_SERVER]
    named = [s for s in roots if s.trace_id.hex() == trace]
    checks = {
        "the client's trace goes on": len(named) == 2
        and all(s.parent_span_id.hex() == "00f067aa0ba902b7" and s.trace_state == "vendor=1" for s in named),
        "another begins one": [s.parent_span_id for s in roots if s.trace_id.hex() != trace] == [b""],
        "a failure has its kind": [s.status.code for s in roots if s.trace_id.hex() != trace] == [Status.STATUS_CODE_ERROR],
        "each span is named once": len({s.span_id for s in spans}) == len(spans),
        "each step belongs to its prompt": all(
            s.parent_span_id in {o.span_id for o in spans if o.trace_id == s.trace_id} for s in spans if s not in roots),
        "steps have their names": {"queue", "connect", "first token", "answer"} <= {s.name for s in spans},
        "no span ends before it begins": all(0 < s.start_time_unix_nano <= s.end_time_unix_nano for s in spans),
        "tokens are told": any(a.key == "gen_ai.usage.output_tokens" for s in roots for a in s.attributes),
        "no text is told": "tell nobody" not in str(spans),
    }
    problems += [what for what, is_true in checks.items() if not is_true]
finally:
    server.kill()
    server.wait()
    server.stderr.close()
    collector.shutdown()
for problem in problems:
    print("  FAILED ", problem)
print(f"scripts/traces: {len(spans)} spans, {'failed' if problems else 'all right'}")
sys.exit(1 if problems else 0)
