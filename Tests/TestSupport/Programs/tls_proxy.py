"""Speaks TLS and passes what it gets on to a server without TLS. Prints its port, and a line for each connection.

tls_proxy.py HOST:PORT CERTIFICATE KEY [--cut] [--version 1.2] [--client-ca FILE]
"""
import argparse
import asyncio
import ssl
import sys

parser = argparse.ArgumentParser()
parser.add_argument("server")
parser.add_argument("certificate")
parser.add_argument("key")
parser.add_argument("--cut", action="store_true", help="end connections without saying that they end")
parser.add_argument("--version", help="the newest version of TLS that is spoken")
parser.add_argument("--client-ca", help="require a client's certificate, by one of these")
arguments = parser.parse_args()

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(arguments.certificate, arguments.key)
context.set_alpn_protocols(["h2", "http/1.1"])
if arguments.version == "1.2":
    context.maximum_version = ssl.TLSVersion.TLSv1_2
if arguments.client_ca:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(arguments.client_ca)


async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def serve(reader, writer):
    tls = writer.get_extra_info("ssl_object")
    print(f"connection version={tls.version()} resumed={tls.session_reused} alpn={tls.selected_alpn_protocol()}",
          "client=" + str(bool(tls.getpeercert())), file=sys.stderr, flush=True)
    host, port = arguments.server.rsplit(":", 1)
    try:
        from_server, to_server = await asyncio.open_connection(host, int(port))
    except OSError:
        writer.transport.abort()
        return
    up = asyncio.ensure_future(pump(reader, to_server))
    down = asyncio.ensure_future(pump(from_server, writer))
    await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
    if down.done() and not down.exception():  # what was written is on its way before the end
        while writer.transport.get_write_buffer_size():
            await asyncio.sleep(0.001)
    for task in (up, down):
        task.cancel()
        try:
            await task
        except (OSError, asyncio.CancelledError):
            pass
    to_server.close()
    if arguments.cut:
        writer.transport.abort()
    else:
        writer.close()
    print("end", file=sys.stderr, flush=True)


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print(f"port={server.sockets[0].getsockname()[1]}", file=sys.stderr, flush=True)
    await server.serve_forever()

asyncio.run(main())
