#!/usr/bin/env python3
"""What nobody should send to the HTTP port: torn, huge, ambiguous, slow and senseless requests, and far too many
connections. Each gets a clear status or is cut, the server stays within its memory, the binary port hears nothing."""
import contextlib
import os
import random
import resource
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from http_support import HttpServer, statuses  # noqa: E402
from varved import PATIENCE_S, bin_dir, event, may_grow, run  # noqa: E402
from waiting import wait_until  # noqa: E402

MIB = 1 << 20
HOST = b"Host: localhost\r\n"
GET = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
LAST = b"GET /health/live HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
BODY = b'{"events":[{"type":"a","data":{}}]}'
POST = b"POST /v1/streams/s HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
WHOLE = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"


def status_of(server, *parts):
    """Of the first answer to these bytes; the connection is closed by the server, or the request asks for it."""
    with server.raw() as raw:
        for part in parts:
            if not raw.send(part):
                break
        try:
            return raw.answers()[0]
        except (TimeoutError, IndexError) as error:
            raise AssertionError(f"{parts[0][:80]!r}: {error!r} after {raw.got[:200]!r}") from error


def is_well(server):
    status, health = server.get_json("/health/ready")
    assert status == 200, health
    with server.connect() as connection:
        connection.ask("PING", [])


def torn(folder):
    """Cut at every byte; then sent byte by byte."""
    with HttpServer(folder) as server:
        for request in (WHOLE, CHUNKED):
            cut = [server.raw() for _ in request]
            for size, raw in enumerate(cut):
                raw.send(request[:size])
                raw.socket.shutdown(socket.SHUT_WR)
            for size, raw in enumerate(cut):
                with raw:
                    found = statuses(raw.until_closed())
                    assert all(status in (200, 201, 400, 408) for status in found), (request[:size], found)
        stored = len(connection_read(server))
        for request in (WHOLE, CHUNKED):
            with server.raw() as raw:
                raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in request:
                    raw.send(bytes([byte]))
                raw.send(LAST)
                assert [status // 100 for status in raw.answers()] == [2, 2], raw.got
        assert len(connection_read(server)) == stored + 2
        is_well(server)
        server.stop()


def connection_read(server):
    with server.connect() as connection:
        return connection.read()[0]


def too_large(folder):
    with HttpServer(folder) as server:
        before = server.resident_bytes()
        cases = [
            (414, b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"),
            (414, b"GET /" + b"x" * MIB),
            (431, b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * MIB),
            (431, b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: y\r\n" % i for i in range(20000)) + b"\r\n"),
            (413, POST + b"Content-Length: 99999999\r\n\r\n"),
            (413, POST + b"Content-Length: 18446744073709551615\r\n\r\n"),
            (413, POST + b"Content-Length: 18446744073709551616\r\n\r\n"),
            (413, POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
            (400, b"x" * MIB),
        ]
        for status, request in cases:
            found = status_of(server, request)
            assert found == status or (status, found) == (400, 414), (request[:60], found, status)
        with server.raw() as raw:  # A body of chunks without an end.
            raw.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
            chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
            for _ in range(1000):
                if not raw.send(chunk):
                    break
            else:
                raise AssertionError("64 MiB were taken")
        assert server.resident_bytes() - before < may_grow(40)
        is_well(server)
        server.stop()


def refusals(waiting):
    """How many of them have heard by now that there is no room."""
    for raw in waiting:
        raw.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            raw.receive()
    return sum(b"HTTP/1.1 429 " in raw.got and b"Retry-After" in raw.got for raw in waiting)


def claims(folder):
    """Hundreds say that they will send 8 MiB each: only as many are believed as there is room for."""
    with HttpServer(folder, "--memory-budget", "64MiB") as server:
        waiting = [server.raw() for _ in range(100)]
        try:
            for raw in waiting:
                raw.send(POST + b"Content-Length: 8000000\r\n\r\n{")
            wait_until(lambda: server.figure("http_requests_failed") >= 90, "most are refused")
            assert server.figure("budget_used_bytes") <= 64 * MIB
            wait_until(lambda: refusals(waiting) >= 90, "they are told")
            is_well(server)
        finally:
            for raw in waiting:
                raw.socket.close()
        wait_until(lambda: server.figure("budget_used_bytes") < MIB, "what was charged is given back")
        server.stop()


def ambiguous(folder):
    """What a proxy might read otherwise: nothing behind it on the connection is looked at."""
    hidden = b"POST /v1/streams/hidden HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n" \
        b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    heads = {
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n": 400,
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n": 400,
        b"Content-Length: 0\r\nContent-Length: 35\r\n\r\n": 400,
        b"Content-Length: 0\r\ncontent-length: 0\r\n\r\n": 400,
        b"Content-Length: 0, 35\r\n\r\n": 400,
        b"Content-Length: -1\r\n\r\n": 400,
        b"Content-Length: +0\r\n\r\n": 400,
        b"Content-Length: 0x0\r\n\r\n": 400,
        b"Content-Length: 0 0\r\n\r\n": 400,
        b"Content-Length : 0\r\n\r\n": 400,
        b"Content-Length:\r\n\r\n": 400,
        b"Transfer-Encoding: identity\r\n\r\n": 501,
        b"Transfer-Encoding: chunked, identity\r\n\r\n": 501,
        b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n": 400,
        b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n": 400,
        b"Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n": 400,
        b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n": 400,
        b"Content-Length: 0\r\n Transfer-Encoding: chunked\r\n\r\n": 400,
        b"X: y\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n": 400,
        b"X: y\x00\r\nContent-Length\x00: 35\r\nContent-Length: 0\r\n\r\n": 400,
        b"No colon\r\nContent-Length: 0\r\n\r\n": 400,
    }
    with HttpServer(folder) as server:
        for head, status in heads.items():
            with server.raw() as raw:
                raw.send(POST + head + hidden)
                found = raw.answers()
                assert found == [status], (head, found)
        assert not connection_read(server)
        is_well(server)
        server.stop()


def in_a_row(folder):
    with HttpServer(folder) as server:
        with server.raw() as raw:
            threading.Thread(target=raw.send, args=(GET * 2000 + WHOLE * 100 + LAST,), daemon=True).start()
            found = raw.answers()
        assert len(found) == 2101 and all(status in (200, 201) for status in found), found
        assert len(connection_read(server)) == 100
        server.stop()


def senseless(folder):
    close = b"Connection: close\r\n\r\n"
    cases = [
        (400, b"GET / HTTP/1.1\r\n" + close), (400, b"GET /a b HTTP/1.1\r\n" + HOST + close),
        (400, b"GET x HTTP/1.1\r\n" + HOST + close),
        (400, b"GET /%zz HTTP/1.1\r\n" + HOST + close), (400, b"GET /%00 HTTP/1.1\r\n" + HOST + close),
        (400, b"GET //x HTTP/1.1\r\n" + HOST + close), (404, b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + close),
        (405, b"PUT / HTTP/1.1\r\n" + HOST + close), (405, b"TRACE / HTTP/1.1\r\n" + HOST + close),
        (405, b"FROBNICATE / HTTP/1.1\r\n" + HOST + close), (405, b"POST /health/live HTTP/1.1\r\n" + HOST + close),
        (400, b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + close), (400, b"OPTIONS * HTTP/1.1\r\n" + HOST + close),
        (421, b"GET / HTTP/1.1\r\nHost: evil.example\r\n" + close),
        (421, b"GET / HTTP/1.1\r\nHost: localhost.evil.example:8279\r\n" + close),
        (421, b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + close),
        (403, POST + b"Origin: http://evil.example\r\nContent-Length: 0\r\n" + close),
        (403, POST + b"Origin: null\r\nContent-Length: 0\r\n" + close),
        (415, b"POST /v1/streams/s HTTP/1.1\r\n" + HOST + b"Content-Type: text/plain\r\nContent-Length: 2\r\n" + close +
         b"{}"),
        (200, b"GET http://localhost/ HTTP/1.1\r\n" + HOST + close), (200, b"GET / HTTP/1.0\r\n\r\n"),
    ]
    with HttpServer(folder) as server:
        for status, request in cases:
            found = status_of(server, request)
            assert found == status, (request, found, status)
        for request in (b"GET / HTTP/2.0\r\n" + HOST + close, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01",
                        b"\r\n\r\n\r\n", b"\x00" * 100, b"GET /\n", b"GET\r\n\r\n"):
            with server.raw() as raw:
                raw.send(request)
                raw.socket.shutdown(socket.SHUT_WR)
                assert not any(200 <= status < 300 for status in statuses(raw.until_closed())), request
        assert not connection_read(server)
        is_well(server)
        server.stop()


def changed_at_random(folder):
    """Valid requests with bytes changed, left out, doubled: an answer or an end, and never a stuck server."""
    chance, sent = random.Random(20261121), []
    with HttpServer(folder) as server:
        for _ in range(400):
            request = bytearray(chance.choice((GET, WHOLE, CHUNKED, GET + WHOLE)))
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(request))
                what = chance.randrange(3)
                if what == 0:
                    request[at] = chance.randrange(256)
                elif what == 1:
                    del request[at:at + chance.randrange(1, 20)]
                else:
                    request[at:at] = request[at:at + chance.randrange(1, 40)]
                request = request or bytearray(b"x")
            sent.append(server.raw())
            sent[-1].send(bytes(request))
            sent[-1].socket.shutdown(socket.SHUT_WR)
        for raw in sent:
            with raw:
                raw.until_closed()
        is_well(server)
        server.stop()


def slow(folder):
    """Hundreds send a byte now and then: each is told that it took too long, and nobody else waits."""
    with HttpServer(folder, "--http.header_timeout", "6s") as server:
        loris = [server.raw() for _ in range(200)]
        over = threading.Event()

        def drip():
            at = 0
            while not over.is_set():
                for raw in loris:
                    raw.send(WHOLE[at % len(WHOLE):][:1])
                at += 1
                over.wait(0.2)

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            for raw in loris:
                assert b"HTTP/1.1 408 " in raw.until_closed() or not raw.got, raw.got
            is_well(server)
        finally:
            over.set()
            dripping.join()
            for raw in loris:
                raw.socket.close()
        assert sum(b"HTTP/1.1 408 " in raw.got for raw in loris) > 150
        wait_until(lambda: server.figure("http_connections") == 0, "all are gone")
        server.stop()


def reset(raw):
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.socket.close()


def those_who_hang_up(folder):
    """In the middle of a head, of a body, of an answer."""
    with HttpServer(folder) as server:
        with server.connect() as connection:
            for _ in range(20):
                connection.append("big", [event(b'"%s"' % (b"x" * 900000))])
        for round_number in range(60):
            for data in (GET[:10], WHOLE[:-5], b"GET /v1/streams/big HTTP/1.1\r\n" + HOST + b"\r\n", GET * 50):
                raw = server.raw()
                raw.send(data)
                if round_number % 2:
                    raw.receive() if data.startswith(b"GET /v1") else None
                reset(raw)
        wait_until(lambda: server.figure("http_connections") == 0, "all are gone")
        wait_until(lambda: server.figure("http_requests_under_way") == 0, "nothing is left under way")
        is_well(server)
        server.stop()


def append_ms(server):
    with server.connect() as connection:
        began = time.monotonic()
        for _ in range(200):
            connection.append("s", 1)
        return (time.monotonic() - began) / 200 * 1000


def ten_thousand_idle(folder):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10000, hard - 300)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = []
    try:
        with HttpServer(folder, "--http.max_connections", str(count), "--http.header_timeout", "1h",
                        "--http.idle_timeout", "1h") as server:
            alone_ms, before = append_ms(server), server.resident_bytes()
            for i in range(count):
                connections.append(socket.create_connection(("127.0.0.1", server.http_port), PATIENCE_S))
                if i % 2:  # Half of them have asked for something before they idle.
                    connections[-1].sendall(GET)
            for one in connections[1::2]:
                assert one.recv(4096).startswith(b"HTTP/1.1 200 ")
            wait_until(lambda: server.figure("http_connections") == count, "all are there")
            took = server.resident_bytes() - before
            print(f"{count} idle connections: {took / count:.0f} bytes each", flush=True)
            assert took < count * 20480 or any(word in bin_dir() for word in ("-thread", "-address")), took
            with server.raw() as raw:
                assert raw.answers() == [503]
                assert b"http.max_connections" in raw.got
            print(f"an append beside them: {append_ms(server):.2f} ms, before they came {alone_ms:.2f} ms", flush=True)
            connections[1].sendall(GET)
            assert connections[1].recv(4096).startswith(b"HTTP/1.1 200 ")
            while connections:
                connections.pop().close()
            wait_until(lambda: server.figure("http_connections") == 0, "all are gone")
            is_well(server)
            server.stop()
    finally:
        for one in connections:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


if __name__ == "__main__":
    run([torn, too_large, claims, ambiguous, in_a_row, senseless, changed_at_random, slow, those_who_hang_up,
         ten_thousand_idle])
