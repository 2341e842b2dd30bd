#!/usr/bin/env python3
"""Every request against a running varved, through a client that shares no code with it."""
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import Error, Server, append_body, event, fails_with, protocol, run  # noqa: E402

ID = bytes(range(16))


def hello_tells_limits_and_capabilities(directory):
    with Server(directory, "--max-event-bytes", "100KiB", "--max-requests", "77", "--index", "type,id") as server:
        with server.connect() as c:
            version, server_version, database_id, limits, capabilities, last_position = c.hello
            assert version == 1 and server_version and len(database_id) == 16 and last_position == 0
            assert limits[1] == 100 << 10 and limits[2] == 8 << 20 and limits[4] == 77, limits
            assert set(capabilities) == {"append", "read", "subscribe", "group", "transact", "saga", "outbox", "type",
                                         "id", "snapshot"}, capabilities
            fails_with("PROTOCOL", c.ask, "HELLO", [1, 1, "again", []])
            assert c.ask("PING", [])[1] == 0  # The connection goes on.
            error = fails_with("INDEX_NOT_KEPT", c.read, protocol.CATEGORY, "a")
            assert error.field, error


def append_and_read_back(directory):
    with Server(directory) as server, server.connect() as c:
        replayed, results = c.append("order-1", 3, protocol.NO_STREAM)
        assert (replayed, results) == (False, [[0, 2, 1, 3]]), results
        replayed, results = c.append("order-1", 2, 2)
        assert results == [[3, 4, 4, 5]], results
        records, last = c.read(protocol.STREAM, "order-1")
        assert last == 5 and [r["version"] for r in records] == [0, 1, 2, 3, 4]
        assert records[1]["data"] == b'{"n":1}' and records[0]["type"] == "thing.happened"
        records, _ = c.read(protocol.STREAM, "order-1", backwards=True, limit=2)
        assert [r["version"] for r in records] == [4, 3]
        records, _ = c.read(protocol.ALL, start=4)
        assert [r["position"] for r in records] == [4, 5]
        fails_with("STREAM_NOT_FOUND", c.read, protocol.STREAM, "order-2")
        assert c.read(protocol.CATEGORY, "nothing") == ([], 5)


def conflict_names_every_stream(directory):
    with Server(directory) as server, server.connect() as c:
        c.append("a", 1)
        body = [[["a", 5], ["b", protocol.STREAM_EXISTS], ["c", protocol.NO_STREAM]], [event(index=0)]]
        error = fails_with("WRONG_EXPECTED_VERSION", c.ask, "APPEND", body)
        assert [x[:1] + x[2:4] for x in error.conflicts] == [[0, 5, 0], [1, -3, -1]], error.conflicts
        assert "a" in error.message
        assert c.ask("PING", [])[1] == 1


def many_streams_in_one_append(directory):
    with Server(directory) as server, server.connect() as c:
        body = [[["a", -1], ["b", -1], ["c", -1]], [event(index=1), event(index=0), event(index=1)]]
        _, results = c.ask("APPEND", body)
        assert results == [[0, 0, 2, 2], [0, 1, 1, 3], [-1, -1, 0, 0]], results


def replay_is_recognised(directory):
    with Server(directory) as server, server.connect() as c:
        body = append_body("a", [event(id_=ID)], protocol.NO_STREAM)
        assert c.ask("APPEND", body) == [False, [[0, 0, 1, 1]]]
        assert c.ask("APPEND", body) == [True, [[0, 0, 1, 1]]]
        other = append_body("a", [event(b'{"x":1}', id_=ID)], protocol.NO_STREAM)
        fails_with("ID_REUSED", c.ask, "APPEND", other)


def bad_appends_are_refused(directory):
    with Server(directory, "--max-event-bytes", "1000") as server, server.connect() as c:
        assert fails_with("INVALID_ARGUMENT", c.append, "$system", 1).field
        fails_with("INVALID_ARGUMENT", c.append, "", 1)
        fails_with("INVALID_ARGUMENT", c.append, "x" * 481, 1)
        fails_with("INVALID_ARGUMENT", c.append, "a\x01", 1)
        assert fails_with("INVALID_ARGUMENT", c.append, "a", [event(b"{")]).field == "events[0].data"
        assert fails_with("INVALID_ARGUMENT", c.append, "a", [event(), event(kind="")]).field == "events[1].type"
        assert fails_with("EVENT_TOO_LARGE", c.append, "a", [event(b"x" * 1001, content_type=2)]).limit == 1000
        fails_with("PROTOCOL", c.ask, "APPEND", [])
        fails_with("PROTOCOL", c.ask, "APPEND", b"\xdd\xff\xff\xff\xff", raw=True)
        assert c.append("a", [event(b"x" * 1000, content_type=2)])[1] == [[0, 0, 1, 1]]


def reads_of_every_kind(directory):
    with Server(directory) as server, server.connect() as c:
        for i in range(10):
            c.append(f"order-{i % 2}", [event(kind=f"kind.{i % 5}", correlation=ID if i % 3 == 0 else None)])
        c.append("user-1", 1)
        positions = lambda result: [r["position"] for r in result[0]]  # noqa: E731
        assert positions(c.read()) == list(range(1, 12))
        assert positions(c.read(protocol.CATEGORY, "order")) == list(range(1, 11))
        assert positions(c.read(protocol.TYPE, "kind.2")) == [3, 8]
        assert positions(c.read(protocol.CORRELATION, correlation=ID)) == [1, 4, 7, 10]
        assert positions(c.read(protocol.CATEGORY, "order", backwards=True, limit=3)) == [10, 9, 8]
        times = [r["recorded_at"] for r in c.read()[0]]
        assert positions(c.read(since=times[5], until=times[8])) == [
            i + 1 for i, t in enumerate(times) if times[5] <= t < times[8]]


def credit_bounds_what_is_sent(directory):
    with Server(directory) as server, server.connect() as c:
        for _ in range(20):
            c.append("a", [event(b"x" * 1000, content_type=2) for _ in range(10)])
        read = c.send("READ", [0, None, None, False, False, None, 0, None, None, 5000, 2000])
        credit, count = 5000, 0
        while credit > 0:
            name, got, body = c.receive_raw()
            assert (name, got) == ("READ_BATCH", read)
            credit -= len(body)
            count += len(protocol.unpack(body)[0])
        assert c.is_silent(0.2)
        assert c.send("PING", []) and c.receive()[0] == "PONG"  # Others are not held up.
        c.send("CREDIT", [1 << 20], read)
        while True:
            name, got, body = c.receive()
            if name == "READ_END":
                break
            count += len(body[0])
        assert count == 200, count
        c.send("CREDIT", [5], read)  # Its end crossed it: ignored.
        c.send("CANCEL", [], read)
        assert c.ask("PING", [])


def cancel_ends_a_read(directory):
    with Server(directory) as server, server.connect() as c:
        c.append("a", [event(b"x" * 1000, content_type=2) for _ in range(100)])
        read = c.send("READ", [0, None, None, False, False, None, 0, None, None, 1, 1000])
        assert c.receive()[0] == "READ_BATCH"
        c.send("CANCEL", [], read)
        try:
            c.reply_to(read)
            raise AssertionError("not cancelled")
        except Error as error:
            assert error.name == "CANCELLED"
        c.send("CREDIT", [1000], read)
        assert c.ask("PING", [])


def a_read_with_bad_credit_ends(directory):
    with Server(directory) as server, server.connect() as c:
        c.append("a", 100)
        read = c.send("READ", [0, None, None, False, False, None, 0, None, None, 1, 100])
        assert c.receive()[0] == "READ_BATCH"
        c.send("CREDIT", [], read)
        name, got, body = c.receive()
        assert (name, got, body[1]) == ("ERROR", read, "PROTOCOL"), body
        assert c.ask("PING", [])


def several_reads_at_once(directory):
    with Server(directory) as server, server.connect() as c:
        c.append("a", 1000)
        request = [0, None, None, False, False, None, 0, None, None, 1, 2000]
        ids = [c.send("READ", request) for _ in range(16)]
        assert {c.receive()[1] for _ in ids} == set(ids)  # A batch of each, then they wait.
        error = fails_with("OVERLOADED", c.ask, "READ", request)
        assert error.retry_after_ms > 0
        c.send("READ", request, ids[3])
        name, got, body = c.receive()
        assert (name, got, body[1]) == ("ERROR", ids[3], "INVALID_ARGUMENT"), body
        for id_ in ids:
            c.send("CREDIT", [10 << 20], id_)
        ended = set()
        while ended != set(ids):
            name, got, _ = c.receive()
            if name == "READ_END":
                ended.add(got)


def stream_info_list_and_changes(directory):
    with Server(directory) as server, server.connect() as c:
        for i in range(25):
            c.append(f"s-{i:02}", 4)
        info = c.ask("STREAM_INFO", ["s-03"])
        assert info[:4] == ["s-03", 3, 0, 16] and info[9:] == [False, False], info
        fails_with("STREAM_NOT_FOUND", c.ask, "STREAM_INFO", ["s-99"])
        entries, end = c.ask("STREAM_LIST", ["s-1", "s-12", 5, False])
        assert [e[0] for e in entries] == ["s-13", "s-14", "s-15", "s-16", "s-17"] and not end
        entries, end = c.ask("STREAM_LIST", ["", "", 10000, False])
        assert len(entries) == 25 and end
        fails_with("INVALID_ARGUMENT", c.ask, "STREAM_LIST", ["", "", 0, False])
        c.ask("STREAM_CHANGE", [0, "s-03", -2, 2, 0, 0])
        assert [r["version"] for r in c.read(protocol.STREAM, "s-03")[0]] == [2, 3]
        c.ask("STREAM_CHANGE", [1, "s-04", -2, 0, 1, 0])
        assert [r["version"] for r in c.read(protocol.STREAM, "s-04")[0]] == [3]
        c.ask("STREAM_CHANGE", [2, "s-05", 3, 0, 0, 0])
        fails_with("STREAM_NOT_FOUND", c.read, protocol.STREAM, "s-05")
        assert c.append("s-05", 1, protocol.NO_STREAM)[1][0][0] == 4
        c.ask("STREAM_CHANGE", [3, "s-06", -2, 0, 0, 0])
        fails_with("STREAM_TOMBSTONED", c.append, "s-06", 1)
        fails_with("STREAM_NOT_FOUND", c.ask, "STREAM_CHANGE", [2, "never", -2, 0, 0, 0])
        entries, _ = c.ask("STREAM_LIST", ["$", "", 100, True])
        assert len(entries) == 4, entries


def find_and_get(directory):
    with Server(directory) as server, server.connect() as c:
        ids = [bytes([i]) * 16 for i in range(1, 9)]
        c.append("a", [event(id_=i) for i in ids])
        assert c.ask("FIND", [[ids[4], ID, ids[0]]]) == [[5, 0, 1]]
        record = protocol.read_record(c.ask("GET", [5])[0])
        assert record["id"] == ids[4] and record["version"] == 4
        fails_with("EVENT_NOT_FOUND", c.ask, "GET", [9])
        fails_with("INVALID_ARGUMENT", c.ask, "GET", [0])
        fails_with("INVALID_ARGUMENT", c.ask, "FIND", [[]])


def stats_have_both_halves(directory):
    with Server(directory) as server, server.connect() as c, server.connect() as other:
        c.append("a", 7)
        other.ask("PING", [])
        stats = c.ask("STATS", [])[0]
        assert stats["last_position"] == 7 and stats["events_appended"] == 7 and stats["stream_count"] == 1
        assert stats["connections"] == 2 and stats["connections_total"] == 2 and stats["requests"] >= 5
        assert stats["bytes_in"] > 0 and stats["bytes_out"] > 0 and stats["version"] and stats["uptime_s"] >= 0
        assert stats["requests_under_way"] == 1 and stats["reads_under_way"] == 0


def pipelined_appends_keep_their_order(directory):
    with Server(directory) as server, server.connect() as c:
        count = 3000  # Far more than may be in flight.
        frames = b"".join(protocol.frame("APPEND", i + 1, append_body("a", 1, i - 1)) for i in range(count))
        sender = threading.Thread(target=c.send_bytes, args=(frames,))
        sender.start()
        versions = {}
        for _ in range(count):
            name, got, body = c.receive()
            assert name == "APPEND_OK", body
            versions[got] = body[1][0][0]
        sender.join()
        assert all(versions[i + 1] == i for i in range(count))


def unknown_operations_are_unsupported(directory):
    with Server(directory) as server, server.connect() as c:
        fails_with("UNSUPPORTED", c.ask, 0x7E, [])
        fails_with("UNSUPPORTED", c.ask, 0x81, [])
        assert c.ask("PING", [])


def half_closed_still_gets_answers(directory):
    with Server(directory) as server, server.connect() as c:
        c.append("a", 500)
        c.send("APPEND", append_body("a", 1))
        c.send("READ", [0, None, None, False, False, None, 0, None, None, 1 << 20, 1000])
        starved = c.send("READ", [0, None, None, False, False, None, 0, None, None, 1, 1000])
        c.sock.shutdown(socket.SHUT_WR)
        frames = c.wait_closed()
        names = [name for name, _, _ in frames]
        assert "APPEND_OK" in names and names.count("READ_END") == 1, names
        assert [name for name, got, _ in frames if got == starved] == ["READ_BATCH"]


def large_events_go_both_ways(directory):
    with Server(directory, "--max-event-bytes", "16MiB", "--max-append-bytes", "31MiB") as server:
        with server.connect() as c:
            data = os.urandom(1 << 20) * 15
            c.append("big", [event(data, content_type=2)])
            c.append("big", [event(data, content_type=2), event(data, content_type=2)])
            name, _, body = c.receive_raw() if c.send("GET", [2]) else None
            assert name == "GET_OK" and data in body
            read = c.send("READ", [1, "big", None, False, False, None, 0, None, None, 1 << 26, 0])
            batches = 0
            while True:
                name, got, body = c.receive_raw()
                assert got == read
                if name == "READ_END":
                    break
                assert name == "READ_BATCH" and data in body
                batches += 1
            assert batches == 3, batches


run([hello_tells_limits_and_capabilities, append_and_read_back, conflict_names_every_stream, many_streams_in_one_append,
     replay_is_recognised, bad_appends_are_refused, reads_of_every_kind, credit_bounds_what_is_sent, cancel_ends_a_read,
     a_read_with_bad_credit_ends, several_reads_at_once, stream_info_list_and_changes, find_and_get,
     stats_have_both_halves, pipelined_appends_keep_their_order, unknown_operations_are_unsupported,
     half_closed_still_gets_answers, large_events_go_both_ways])
