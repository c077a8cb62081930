"""Opens connections with TLS, sends all of a request but the last bytes of its record, and waits.

half_records.py PORT CERTIFICATES COUNT
"""
import socket
import ssl
import sys
import time

port, certificates, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
context = ssl.create_default_context(cafile=certificates)
kept = []
for _ in range(count):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    connection = socket.create_connection(("127.0.0.1", port))
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            connection.sendall(outgoing.read())
            incoming.write(connection.recv(65536))
    connection.sendall(outgoing.read())
    tls.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    connection.sendall(outgoing.read()[:-5])
    kept.append((connection, tls))
print("sent", file=sys.stderr, flush=True)
time.sleep(60)
