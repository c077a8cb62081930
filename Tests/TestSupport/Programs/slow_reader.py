"""Posts a long prompt over TLS, to a server that repeats it, and reads nothing.

slow_reader.py PORT CERTIFICATES
"""
import socket
import ssl
import sys
import time

context = ssl.create_default_context(cafile=sys.argv[2])
plain = socket.socket()
plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
plain.connect(("127.0.0.1", int(sys.argv[1])))
connection = context.wrap_socket(plain, server_hostname="localhost")
body = b'{"prompt":"' + b"a" * 20_000_000 + b'"}'
connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
time.sleep(60)
