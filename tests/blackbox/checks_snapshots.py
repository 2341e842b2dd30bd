"""Snapshots and loading as nobody should ask for them: each gets its error, and others are served as before. What
single fields may be stands in the vectors, which checks_hostile.py sends."""
import contextlib
import random
import socket

import varve_protocol as vp
from aggregates import LAST
from harness import (CANCELLED, Client, Closed, EVENT_TOO_LARGE, INVALID_ARGUMENT, OVERLOADED, SNAPSHOT_AHEAD,
                     SNAPSHOT_NOT_FOUND, STREAM_NOT_FOUND, STREAM_TOMBSTONED, check, event, name, refused)
from varve_protocol import ANY, NO_STREAM

MIB = 1 << 20


def stream_of(c, events):
    stream = name()
    c.append(stream, NO_STREAM, [event() for _ in range(events)])
    return stream


def change_stream(c, kind, stream, before=0):
    c.call("STREAM_CHANGE", [kind, stream, ANY, before, 0, 0])


@check
def snapshots_that_cannot_be_are_refused(server):
    with server.client() as c:
        stream = stream_of(c, 3)
        assert c.snapshot_put(stream, 2, b"{}")[1] == 0
        refused(SNAPSHOT_AHEAD, c.snapshot_put, stream, 3, b"{}")
        refused(SNAPSHOT_AHEAD, c.snapshot_put, stream, LAST - 1, b"{}")
        refused(STREAM_NOT_FOUND, c.snapshot_put, name(), 0, b"{}")
        for label, data in (("no JSON", b"{nope}"), ("JSON cut short", b'{"a":1'),
                            ("too deep", b"[" * 200 + b"]" * 200)):
            error = refused(INVALID_ARGUMENT, c.snapshot_put, stream, 1, data)
            assert error.field == "data", label
        error = refused(EVENT_TOO_LARGE, c.snapshot_put, stream, 1, b"x" * (MIB + 1), content_type=2)
        assert error.limit == MIB, error.limit
        listed, end = c.snapshot_list(prefix=stream)
        assert [s["version"] for s in listed] == [2] and end
        c.snapshot_put(stream, 1, b"\xff" * MIB, content_type=2)
        assert c.snapshot_get(stream, 1)["data"] == b"\xff" * MIB


@check
def snapshots_of_what_is_gone_are_gone(server):
    with server.client() as c:
        for kind, number in ((2, STREAM_NOT_FOUND), (3, STREAM_TOMBSTONED)):
            stream = stream_of(c, 3)
            c.snapshot_put(stream, 2, b"{}")
            change_stream(c, kind, stream)
            refused(SNAPSHOT_NOT_FOUND, c.snapshot_get, stream)
            refused(number, c.snapshot_put, stream, 2, b"{}")
            loaded, _ = c.load([stream])
            assert [(one["status"], one["version"], one["snapshot"], one["records"]) for one in loaded] == [
                (number, -1, None, [])], loaded


@check
def nothing_is_found_or_deleted_that_is_not_there(server):
    with server.client() as c:
        stream = stream_of(c, 5)
        refused(SNAPSHOT_NOT_FOUND, c.snapshot_get, stream)
        refused(SNAPSHOT_NOT_FOUND, c.snapshot_get, name())
        assert c.snapshot_delete(name()) == 0 and c.snapshot_delete(stream) == 0
        c.snapshot_put(stream, 3, b"{}", type="a", schema_version=2)
        for more in ({"version": 2}, {"type": "b"}, {"schema_version": 1}, {"type": "a", "schema_version": 3}):
            refused(SNAPSHOT_NOT_FOUND, c.snapshot_get, stream, **more)
        assert c.snapshot_delete(stream, 0, 2) == 0 and c.snapshot_delete(stream, 4) == 0
        assert c.snapshot_get(stream, 3, "a", 2)["version"] == 3
        assert c.snapshot_delete(stream, 3, 3) == 1


@check
def snapshots_that_fit_nothing_are_not_loaded(server):
    with server.client() as c:
        stream = stream_of(c, 10)
        c.snapshot_put(stream, 4, b"{}", type="a", schema_version=2)
        for more, first in (({}, 5), ({"type": "a", "schema_version": 2}, 5), ({"type": "b"}, 0),
                            ({"schema_version": 1}, 0), ({"no_snapshots": True}, 0)):
            (one,), _ = c.load([stream], **more)
            assert (one["status"], one["version"], one["first_version"]) == (0, 9, first), (more, one)
            assert (one["snapshot"] is None) == (first == 0) and len(one["records"]) == 10 - first
        change_stream(c, 0, stream, 7)  # What lies between the snapshot and the first that shows is hidden.
        (one,), _ = c.load([stream])
        assert one["snapshot"] is None and [r["version"] for r in one["records"]] == [7, 8, 9], one


@check
def loads_of_what_is_not_there_say_so_stream_by_stream(server):
    with server.client() as c:
        there, streams = stream_of(c, 2), [name() for _ in range(999)]
        loaded, last = c.load(streams[:500] + [there] + streams[500:])
        assert len(loaded) == 1000 and last >= 2
        assert [one["status"] for one in loaded] == [STREAM_NOT_FOUND] * 500 + [0] + [STREAM_NOT_FOUND] * 499
        assert len(loaded[500]["records"]) == 2
        loaded, _ = c.load([there] * 3)  # The same one again is no offence.
        assert [len(one["records"]) for one in loaded] == [2, 2, 2]


# ---- flow control ----------------------------------------------------------------------------------------------------


def load_body(streams, credit):
    return [streams, "", 0, False, credit, 4096]


@check
def loads_wait_for_credit_and_end_as_documented(server):
    with server.client() as c:
        stream = stream_of(c, 500)
        c.snapshot_put(stream, 99, b"{" + b" " * 100000 + b"}")
        c.send("LOAD", load_body([stream], 1), 60)
        message, got_id, body, size = c.receive()
        assert (message, got_id) == ("LOADING", 60) and size > 100000, message
        message, got_id, _, more = c.receive()
        assert (message, got_id) == ("READ_BATCH", 60), message
        assert c.silent(0.2), "the snapshot has used up the credit"
        c.send("LOAD", load_body([stream], 1), 60)
        assert refused(INVALID_ARGUMENT, c.answer, 60, "?").field == "request_id"
        c.send("READ", [0, None, None, False, False, None, 0, None, None, 1, 0], 60)
        assert refused(INVALID_ARGUMENT, c.answer, 60, "?").field == "request_id"
        c.call("PING", [])
        c.send("CREDIT", [size + more], 60)
        assert c.receive()[:2] == ("READ_BATCH", 60)
        c.send("CANCEL", [], 60)
        while True:
            message, _, body, _ = c.receive()
            if message == "ERROR":
                break
        assert body[0] == CANCELLED, body
        c.send("CREDIT", [1000], 60)  # Nothing is under way any more: ignored.
        c.call("PING", [])


@check
def loads_beyond_the_bound_of_a_connection_are_refused(server):
    with server.client() as c:
        stream = stream_of(c, 500)
        begun, told = set(), []
        for request_id in range(100, 117):  # Each but one has its LOADING and a batch, and waits for credit.
            c.send("LOAD", load_body([stream], 1), request_id)
        while len(begun) < 16 or not told:
            message, request_id, body, _ = c.receive()
            assert message in ("LOADING", "READ_BATCH", "ERROR"), message
            if message == "ERROR":
                told.append(body[0])
            else:
                begun.add(request_id)
        assert told == [OVERLOADED] and len(begun) == 16, told


@check
def clients_that_leave_their_loads_behind_cost_nothing(server):
    with server.client() as c:
        stream = stream_of(c, 50)
        c.snapshot_put(stream, 9, b"x" * MIB, content_type=2)
        before = server.resident_bytes()
        for _ in range(40):
            lost = Client(server.address)
            for request_id in range(100, 110):
                lost.send("LOAD", load_body([stream] * 100, MIB), request_id)
            lost.receive()
            lost.close()
        (one,), _ = c.load([stream])
        assert one["snapshot"]["version"] == 9 and len(one["records"]) == 40
        grown = server.resident_bytes() - before
        assert grown < 256 << 20, "%d MiB taken" % (grown >> 20)


@check
def random_changes_of_snapshots_are_answered_or_end_the_connection(server):
    source = random.Random(17)
    with server.client() as c:
        stream = stream_of(c, 20)
        valid = [vp.frame("SNAPSHOT_PUT", 1, [stream, 3, "a", 1, 0, b"{}", 2]),
                 vp.frame("SNAPSHOT_GET", 1, [stream, None, "", 0]),
                 vp.frame("SNAPSHOT_LIST", 1, [stream, "", -1, 10]), vp.frame("SNAPSHOT_DELETE", 1, [stream, 0, 9]),
                 vp.frame("LOAD", 1, load_body([stream, stream], 1 << 16))]
        for _ in range(400):
            data = bytearray(source.choice(valid))
            for _ in range(source.randint(1, 6)):
                data[source.randrange(8 if source.random() < 0.1 else 16, len(data))] = source.randrange(256)
            with server.client() as other:
                other.send_bytes(bytes(data))
                other.socket.shutdown(socket.SHUT_WR)
                with contextlib.suppress(Closed):
                    while True:
                        other.receive()
        c.call("PING", [])
        (one,), _ = c.load([stream], no_snapshots=True)
        assert len(one["records"]) == 20
