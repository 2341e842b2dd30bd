#!/usr/bin/env python3
"""Bytes that nobody should send: each gets what docs/protocol.md says, and the server serves on."""
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import (Closed, Connection, Server, append_body, event, fails_with, may_grow, protocol,  # noqa: E402
                    run)

SEED = int(os.environ.get("SEED", str(random.SystemRandom().getrandbits(32))))
HELLO = protocol.frame("HELLO", 1, [1, 1, "hostile", []])


def header(magic=b"V\xa6", version=1, opcode=2, flags=0, reserved=0, length=1, request_id=5):
    return struct.pack(">2sBBHHII", magic, version, opcode, flags, reserved, length, request_id)


def raw(server):
    return Connection(socket.create_connection(("127.0.0.1", server.port), 60), hello=False)


def still_serves(server):
    with server.connect() as c:
        assert c.ask("PING", [])


def what_breaks_the_framing_ends_the_connection(directory):
    cases = [("wrong magic", header(magic=b"GE"), "PROTOCOL", 0),
             ("flags", header(flags=1), "PROTOCOL", 0),
             ("reserved bytes", header(reserved=256), "PROTOCOL", 0),
             ("above the limit", header(length=0xFFFFFFFF), "PROTOCOL", 0),
             ("just above the limit", header(opcode=3, length=(9 << 20) + 1), "PROTOCOL", 0),
             ("request id 0", header(request_id=0) + b"\x90", "PROTOCOL", 0),
             ("unknown version", header(version=2) + b"\x90", "UNSUPPORTED", 5),
             ("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "PROTOCOL", 0)]
    with Server(directory) as server:
        for label, data, name, request_id in cases:
            with server.connect() as c:
                c.send("APPEND", append_body("a", 1), 2)  # What came before is still answered.
                c.send_bytes(data)
                frames = c.wait_closed()
                assert {f[0] for f in frames} == {"ERROR", "APPEND_OK"}, (label, frames)
                error = [f for f in frames if f[0] == "ERROR"]
                assert len(error) == 1 and error[0][1] == request_id and error[0][2][1] == name, (label, frames)
        still_serves(server)


def before_hello_little_is_allowed(directory):
    cases = [("PING first", protocol.frame("PING", 3, []), "PROTOCOL", 3),
             ("large frame first", header(opcode=1, length=1025), "PROTOCOL", 0),
             ("not a HELLO", protocol.frame("HELLO", 3, [1]), "PROTOCOL", 3),
             ("only newer versions", protocol.frame("HELLO", 3, [2, 9, "new", []]), "UNSUPPORTED", 3),
             ("bad name", protocol.frame("HELLO", 3, [1, 1, "a\nb", []]), "INVALID_ARGUMENT", 3)]
    with Server(directory) as server:
        for label, data, name, request_id in cases:
            with raw(server) as c:
                c.send_bytes(data)
                frames = c.wait_closed()
                assert [(f[0], f[1], f[2][1]) for f in frames] == [("ERROR", request_id, name)], (label, frames)
        still_serves(server)


def any_cut_of_the_bytes_is_understood(directory):
    frames = HELLO + protocol.frame("APPEND", 2, append_body("a", 2)) + protocol.frame("PING", 3, [])
    with Server(directory) as server:
        for step in (1, 7, 15, 16, 17, 40):
            with raw(server) as c:
                c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for at in range(0, len(frames), step):
                    c.send_bytes(frames[at:at + step])
                    if step > 1:
                        time.sleep(0.001)
                names = sorted(c.receive()[0] for _ in range(3))
                assert names == ["APPEND_OK", "HELLO_OK", "PONG"], (step, names)


def bad_bodies_leave_the_connection_alone(directory):
    bodies = [b"", b"\xc1", b"\xdd\xff\xff\xff\xff", b"\x91" * 5000, b"\xc6\xff\xff\xff\xff", b"\x90\x90", b"\xc0",
              b"\xdf\xff\xff\xff\xff", b"\xdc\xff\xff" + b"\xc0" * 100, b"\x92\x91\x92\xa1a\xfe\xdd\xff\xff\xff\xff"]
    with Server(directory) as server, server.connect() as c:
        for opcode in ("PING", "APPEND", "READ", "STREAM_INFO", "STREAM_LIST", "STREAM_CHANGE", "FIND", "GET", "STATS",
                       "CREDIT", "CANCEL", "HELLO", "TRANSACT", "SAGA_GET", "SAGA_LIST", "SAGA_COUNTS", "SAGA_CLAIM",
                       "SNAPSHOT_PUT", "SNAPSHOT_GET", "SNAPSHOT_LIST", "SNAPSHOT_DELETE", "LOAD"):
            for body in bodies:
                fails_with("PROTOCOL", c.ask, opcode, body, raw=True)
        assert c.append("a", 1)


def greeted_in_time(server):
    """The machine may stand still for longer than the server waits for HELLO."""
    while True:
        try:
            return server.connect()
        except Closed:
            continue


def a_silent_connection_is_closed(directory):
    with Server(directory, "--hello-timeout", "1s") as server, greeted_in_time(server) as greeted:
        with raw(server) as c, raw(server) as half:
            half.send_bytes(HELLO[:10])
            assert c.wait_closed() == [] and half.wait_closed() == []
        assert greeted.ask("PING", [])  # Idle is no offence once HELLO was said.


def promised_bytes_take_no_memory(directory):
    """Headers that promise 9 MiB each, and then nothing: the server's memory does not follow."""
    with Server(directory) as server:
        before = server.resident_bytes()
        connections = [server.connect() for _ in range(200)]
        for c in connections:
            c.send_bytes(header(opcode=3, length=9 << 20) + b"\x92" + b"\x00" * 2000)
        still_serves(server)
        grown = server.resident_bytes() - before
        assert grown < may_grow(64), grown
        for c in connections:
            c.sock.close()
        still_serves(server)


def random_bytes(random_, valid):
    kind = random_.randrange(4)
    data = bytearray(random_.choice(valid))
    if kind == 0:
        return random_.randbytes(random_.randrange(1, 300))
    if kind == 1:
        for _ in range(random_.randrange(1, 5)):
            data[random_.randrange(len(data))] = random_.randrange(256)
    elif kind == 2:
        data = data[:random_.randrange(len(data))]
    else:
        body = random_.randbytes(random_.randrange(0, 200))
        data = header(opcode=random_.randrange(0x38), length=len(body), request_id=random_.randrange(1, 9)) + body
    return bytes(data)


def random_frames_break_nothing(directory):
    print(f"        SEED={SEED}")
    random_ = random.Random(SEED)
    begin = [0, "t", "1", -3, "", b"{}", 0, None, "", None, None, None]
    read = [0, None, None, False, False, None, 0, None, None, 5000, 100]
    valid = [protocol.frame("APPEND", 2, [[["a", -2], ["b", -2]], [event(index=1), event(), event(b"[1]")]]),
             protocol.frame("READ", 3, read), protocol.frame("CREDIT", 3, [1000]), protocol.frame("CANCEL", 3, []),
             protocol.frame("STREAM_INFO", 4, ["a"]), protocol.frame("STREAM_LIST", 5, ["", "", 100, True]),
             protocol.frame("STREAM_CHANGE", 6, [1, "b", -2, 0, 10, 0]), protocol.frame("FIND", 7, [[b"x" * 16]]),
             protocol.frame("GET", 8, [1]), protocol.frame("STATS", 9, []), protocol.frame("PING", 10, []),
             protocol.frame("TRANSACT", 11, [[["a", -2]], [event()], [begin], [["c", 0, -2, None]], None]),
             protocol.frame("SAGA_LIST", 12, [0, "", 0, "", None, None, True, b"", 10]),
             protocol.frame("SAGA_CLAIM", 13, ["t", 0, "", "w", 1, 5, 1]),
             protocol.frame("SNAPSHOT_PUT", 14, ["a", 0, "t", 1, 0, b"{}", 1]),
             protocol.frame("LOAD", 15, [["a", "b"], "", 0, False, 5000, 100]), HELLO]
    with Server(directory) as server:
        for _ in range(2000):
            with raw(server) as c:
                if random_.random() < 0.9:
                    c.send_bytes(HELLO)
                try:
                    for _ in range(random_.randrange(1, 12)):
                        c.send_bytes(random_bytes(random_, valid) if random_.random() < 0.5 else random_.choice(valid))
                    if random_.random() < 0.5:
                        c.sock.shutdown(socket.SHUT_WR)
                        c.wait_closed()
                except (ConnectionError, Closed):
                    pass
        still_serves(server)
        with server.connect() as c:
            last = c.ask("PING", [])[1]
            for position in range(1, last + 1):  # Some may be hidden by now, but all are whole.
                assert protocol.read_record(c.ask("GET", [position])[0])["position"] == position
        server.stop()


run([what_breaks_the_framing_ends_the_connection, before_hello_little_is_allowed, any_cut_of_the_bytes_is_understood,
     bad_bodies_leave_the_connection_alone, a_silent_connection_is_closed, promised_bytes_take_no_memory,
     random_frames_break_nothing])
