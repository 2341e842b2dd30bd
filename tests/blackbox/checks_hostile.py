"""Input that no client should send. Afterwards others must be served as before."""
import contextlib
import json
import random
import socket
import time

import varve_protocol as vp
from harness import (Client, Closed, PROTOCOL, ROOT, STREAM_NOT_FOUND, UNSUPPORTED, check, event, name, refused)
from varve_protocol import ANY, NO_STREAM

HEADERS = {
    "another magic": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(64),
    "flags": vp.HEADER.pack(vp.MAGIC, 1, 2, 1, 0, 1, 1) + b"\x90",
    "reserved bytes": vp.HEADER.pack(vp.MAGIC, 1, 2, 0, 1, 1, 1) + b"\x90",
    "4 GiB": vp.HEADER.pack(vp.MAGIC, 1, 3, 0, 0, 0xFFFFFFFF, 1),
    "32 MiB and a byte": vp.HEADER.pack(vp.MAGIC, 1, 3, 0, 0, (32 << 20) + 1, 1),
    "zeroes": bytes(64),
}


@check
def bad_headers_end_the_connection(server):
    for label, data in HEADERS.items():
        for greet in (True, False):
            with server.client(greet) as c:
                c.send_bytes(data)
                try:
                    c.dismissed(PROTOCOL)
                except AssertionError as error:
                    raise AssertionError("%s: %s" % (label, error)) from error


@check
def a_frame_above_the_servers_limit_ends_the_connection(server):
    with server.client() as c:
        c.send_bytes(vp.HEADER.pack(vp.MAGIC, 1, 3, 0, 0, c.limits[0] + 1, 1))
        c.dismissed(PROTOCOL)


@check
def other_versions_and_request_id_0_end_the_connection(server):
    with server.client() as c:
        c.send_bytes(vp.HEADER.pack(vp.MAGIC, 2, 2, 0, 0, 1, 7) + b"\x90")
        c.dismissed(UNSUPPORTED, 7)
    with server.client() as c:
        c.send("PING", [], 0)
        c.dismissed(PROTOCOL)


@check
def answers_before_a_bad_frame_still_come(server):
    stream = name()
    with server.client() as c:
        c.send_bytes(vp.frame("APPEND", 5, [[[stream, NO_STREAM]], [event()]]) + bytes(16))
        got = {c.receive()[:2] for _ in range(2)}
        assert got == {("APPEND_OK", 5), ("ERROR", 0)}, got
        c.expect_closed()


@check
def unknown_opcodes_are_refused_and_the_connection_stays(server):
    with server.client() as c:
        for opcode in (0x00, 0x0F, 0x42, 0x7F, 0x81, 0x84, 0xFF):
            request_id = c.send(opcode, [])
            refused(UNSUPPORTED, c.answer, request_id, "?")
        c.call("PING", [])


BAD_BODIES = (b"", b"\xc0", b"\xc1", b"\x80", b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\x91" * 900 + b"\xc0",
              b"\x90\x90", b"\xdc\xff\xff" + b"\x90" * 100, b"\xc6\xff\xff\xff\xff",
              b"\x92\xdd\xff\xff\xff\xff\xdd\xff\xff\xff\xff")


@check
def malformed_bodies_are_refused_and_the_connection_stays(server):
    with server.client() as c:
        requests = [o for o in vp.OPCODES if vp.OPCODES[o] < 0x80 and o != "HELLO" and c.may(o)]
        for opcode in requests:
            for body in BAD_BODIES:
                request_id = c.send(opcode, body, raw=True)
                refused(PROTOCOL, c.answer, request_id, "?")
        c.call("PING", [])


@check
def the_vectors_to_be_refused_are_refused(server):
    count = 0
    with server.client() as c:
        for path in sorted((ROOT / "docs" / "protocol-vectors").glob("*.json")):
            for vector in json.loads(path.read_text()):
                data = bytes.fromhex(vector["hex"])
                if vector["valid"] or not vector["message"] or not vector["request_id"] or data[3] >= 0x80 or \
                        vector["message"] == "HELLO" or not c.may(vector["message"]):
                    continue
                c.send_bytes(data)
                name_, got_id, body, _ = c.receive()
                assert name_ == "ERROR" and got_id == vector["request_id"], (vector["name"], name_)
                assert body[1] == vector["error"], "%s: %s" % (vector["name"], body)
                assert body[3] == vector["field"], "%s: field %s" % (vector["name"], body[3])
                count += 1
    assert count > 200


@check
def half_frames_harm_nobody(server):
    stream = name()
    whole = vp.frame("APPEND", 3, [[[stream, NO_STREAM]], [event(data=b"x" * 3000, content_type=2)]])
    for size in (0, 1, 15, 16, 17, 100, len(whole) - 1):
        with server.client() as c:
            c.send_bytes(whole[:size])
    waiting = [Client(server.address) for _ in range(20)]
    for c in waiting:
        c.send_bytes(whole[:100])
    with server.client() as c:
        c.call("PING", [])
        refused(STREAM_NOT_FOUND, c.call, "STREAM_INFO", [stream])
    waiting[0].send_bytes(whole[100:])
    waiting[0].answer(3, "APPEND_OK")
    for c in waiting:
        c.close()


@check
def large_promises_take_no_memory(server):
    """Headers that announce the largest frames, with nothing behind them."""
    clients = [Client(server.address) for _ in range(50)]
    before = server.resident_bytes()
    for c in clients:
        c.send_bytes(vp.HEADER.pack(vp.MAGIC, 1, 3, 0, 0, c.limits[0], 9) + b"\x92")
    with server.client() as c:
        c.call("PING", [])
    grown = server.resident_bytes() - before
    for c in clients:
        c.close()
    assert grown < 32 << 20, "%d MiB taken" % (grown >> 20)


@check
def random_bytes_are_answered_or_end_the_connection(server):
    source = random.Random(7)
    valid = [vp.frame("APPEND", 1, [[["f-1", ANY]], [event()]]),
             vp.frame("READ", 1, [0, None, None, False, False, None, 3, None, None, 100, 0]),
             vp.frame("STREAM_LIST", 1, ["", "", 5, False]), vp.frame("FIND", 1, [[b"x" * 16]])]
    for _ in range(300):
        data = bytearray(source.choice(valid))
        for _ in range(source.randint(1, 6)):
            data[source.randrange(8 if source.random() < 0.1 else 16, len(data))] = source.randrange(256)
        with server.client() as c:
            c.send_bytes(bytes(data))
            c.socket.shutdown(socket.SHUT_WR)
            with contextlib.suppress(Closed):
                while True:
                    c.receive()
    with server.client() as c:
        c.call("PING", [])


@check
def a_client_that_takes_nothing_is_held_back(server):
    """It asks for far more than it takes; the server neither grows without bound nor stops serving others."""
    stream = name()
    with server.client() as c, server.client() as greedy:
        for i in range(8):
            c.append(stream, ANY, [event(data=b"x" * 500000, content_type=2)])
        greedy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        credit = min(greedy.limits[5], 1 << 30)
        greedy.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for i in range(2000):
                data = vp.frame("READ", i + 100, [1, stream, None, False, False, 0, 0, None, None, credit, 0])
                if greedy.socket.send(data) < len(data):
                    break
        time.sleep(0.3)
        resident = server.resident_bytes()
        c.append(name(), NO_STREAM, [event()])
        assert len(c.read(vp.STREAM, stream)) == 8
        assert resident < 1 << 30, "%d MiB" % (resident >> 20)
