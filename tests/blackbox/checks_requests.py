"""Every request but READ as docs/protocol.md describes it: what it does, and which of its fields are refused."""
import contextlib
import socket
import time
import uuid

import varve_protocol as vp
from harness import (APPEND_TOO_LARGE, Client, EVENT_NOT_FOUND, EVENT_TOO_LARGE, ID_REUSED, INVALID_ARGUMENT,
                     PATIENCE_S, PROTOCOL, Refused, STREAM_NOT_FOUND, STREAM_TOMBSTONED, UNSUPPORTED,
                     WRONG_EXPECTED_VERSION, check, event, name, refused)
from varve_protocol import ANY, NO_STREAM, STREAM_EXISTS


@check
def hello_tells_limits_and_capabilities(server):
    with server.client() as c:
        version, server_version, database_id, limits, capabilities, last_position = c.hello[:6]
        assert version == 1 and isinstance(server_version, str) and len(database_id) == 16
        assert len(limits) >= 6 and all(limit > 0 for limit in limits) and limits[0] <= 32 << 20
        assert {"append", "read"} <= set(capabilities) and last_position >= 0
    with server.client() as other:
        assert other.hello[2] == database_id


@check
def hello_of_several_versions_takes_ours(server):
    with server.client(greet=False) as c:
        assert c.call("HELLO", [1, 9, "", ["unknown"], {"new": 1}])[0] == 1


@check
def hello_of_later_versions_only_is_refused(server):
    with server.client(greet=False) as c:
        c.send("HELLO", [2, 9, "", []], 5)
        c.dismissed(UNSUPPORTED, 5)


@check
def hello_that_is_none_is_refused(server):
    for body, number in ((b"\xc0", PROTOCOL), (vp.pack([1, 1]), PROTOCOL), (vp.pack([0, 1, "", []]), INVALID_ARGUMENT),
                         (b"\xdd\xff\xff\xff\xff", PROTOCOL)):
        with server.client(greet=False) as c:
            c.send("HELLO", body, 5, raw=True)
            c.dismissed(number, 5)


@check
def a_second_hello_is_refused_and_the_connection_stays(server):
    with server.client() as c:
        refused(PROTOCOL, c.call, "HELLO", [1, 1, "", []])
        c.call("PING", [])


@check
def requests_may_follow_hello_at_once(server):
    with server.client(greet=False) as c:
        c.send_bytes(vp.frame("HELLO", 1, [1, 1, "", []]) + vp.frame("PING", 2, []))
        c.answer(1, "HELLO_OK")
        c.answer(2, "PONG")


@check
def anything_before_hello_is_refused(server):
    for opcode, body in (("PING", []), ("STATS", []), (0x42, [])):
        with server.client(greet=False) as c:
            c.send(opcode, body, 9)
            c.dismissed(PROTOCOL, 9)


@check
def large_frames_before_hello_are_refused(server):
    with server.client(greet=False) as c:
        c.send_bytes(vp.HEADER.pack(vp.MAGIC, 1, 1, 0, 0, 1025, 1))
        c.dismissed(PROTOCOL)
    with server.client(greet=False) as c:
        assert c.call("HELLO", [1, 1, "n" * 128, ["x" * 840]])[0] == 1


@check
def ping_tells_time_and_position(server):
    with server.client() as c:
        now, position = c.call("PING", [])[:2]
        assert abs(now / 1e6 - time.time()) < 60
        c.append(name(), NO_STREAM, [event()])
        assert c.call("PING", [])[1] > position


@check
def append_and_read_back(server):
    stream, correlation, cause = name("order"), uuid.uuid4().bytes, uuid.uuid4().bytes
    full = event("order.paid", b"\x00\xff\x80", schema_version=7, time=-5, correlation_id=correlation,
                 causation_id=cause, source="shop", user_id="u\u00e9", content_type=2, metadata=b'{"trace": 1}',
                 **{"class": 1})
    with server.client() as c:
        replayed, results = c.append(stream, NO_STREAM, [event("order.placed", b'{"total": 42}'), full])[:2]
        first_version, last_version, first_position, last_position = results[0][:4]
        assert not replayed and (first_version, last_version) == (0, 1) and last_position == first_position + 1
        records = c.read(vp.STREAM, stream)
        assert [r["version"] for r in records] == [0, 1]
        assert [r["position"] for r in records] == [first_position, last_position]
        r = records[1]
        assert (r["stream"], r["type"], r["schema_version"], r["time"]) == (stream, "order.paid", 7, -5)
        assert (r["correlation_id"], r["causation_id"], r["id"]) == (correlation, cause, full[1])
        assert (r["source"], r["user_id"], r["class"], r["content_type"]) == ("shop", "u\u00e9", 1, 2)
        assert (r["data"], r["metadata"]) == (b"\x00\xff\x80", b'{"trace": 1}')
        assert records[0]["data"] == b'{"total": 42}' and records[0]["metadata"] is None
        assert records[0]["recorded_at"] == r["recorded_at"] or records[0]["recorded_at"] < r["recorded_at"]
        assert abs(r["recorded_at"] / 1e6 - time.time()) < 60
        assert c.read_end >= last_position


@check
def append_without_ids_gets_some(server):
    stream = name()
    with server.client() as c:
        c.append(stream, NO_STREAM, [event(id=None), event(id=None)])
        ids = [r["id"] for r in c.read(vp.STREAM, stream)]
        assert len(set(ids)) == 2 and all(i[6] >> 4 == 7 and i[8] >> 6 == 2 for i in ids), "not UUIDs of version 7"


@check
def append_to_several_streams_with_a_check(server):
    a, b, checked = name("a"), name("b"), name("c")
    with server.client() as c:
        c.append(checked, NO_STREAM, [event(), event()])
        weave = [event(stream_index=0), event(stream_index=1), event(stream_index=0)]
        results = c.call("APPEND", [[[a, NO_STREAM], [b, ANY], [checked, 1]], weave])[1]
        p = results[0][2]
        assert [r[:4] for r in results] == [[0, 1, p, p + 2], [0, 0, p + 1, p + 1], [-1, 1, 0, 0]]
        error = refused(WRONG_EXPECTED_VERSION, c.call, "APPEND",
                        [[[a, 0], [b, 0], [checked, 7]], [event(), event(stream_index=1)]])
        assert sorted(x[0] for x in error.conflicts) == [0, 2]
        assert {x[0]: (x[1], x[2], x[3]) for x in error.conflicts}[2] == (WRONG_EXPECTED_VERSION, 7, 1)
        assert [len(c.read(vp.STREAM, s)) for s in (a, b, checked)] == [2, 1, 2], "all or nothing"


@check
def expected_versions_of_the_table(server):
    with server.client() as c:
        def lives(stream):
            c.append(stream, NO_STREAM, [event(), event()])

        def deleted(stream):
            lives(stream)
            c.call("STREAM_CHANGE", [2, stream, ANY, 0, 0, 0])

        def tombstoned(stream):
            lives(stream)
            c.call("STREAM_CHANGE", [3, stream, 1, 0, 0, 0])

        wrong, ended = WRONG_EXPECTED_VERSION, STREAM_TOMBSTONED
        table = {None: (0, 0, wrong, wrong, wrong, wrong), lives: (0, wrong, 0, wrong, 0, wrong),
                 deleted: (0, 0, wrong, wrong, 0, wrong), tombstoned: (ended,) * 6}
        for prepare, outcomes in table.items():
            for expected, outcome in zip((ANY, NO_STREAM, STREAM_EXISTS, 0, 1, 2), outcomes):
                stream = name()
                if prepare:
                    prepare(stream)
                label = "%s, expected %d" % (prepare.__name__ if prepare else "never existed", expected)
                try:
                    result = c.append(stream, expected, [event()])[1][0]
                    assert outcome == 0, label + ": accepted"
                    assert result[0] == (2 if prepare else 0), label
                except Refused as error:
                    assert error.number == outcome, "%s: %s" % (label, error)
                    assert error.conflicts[0][:3] == [0, outcome, expected], label


@check
def a_conflict_tells_expected_and_actual(server):
    stream = name()
    with server.client() as c:
        c.append(stream, NO_STREAM, [event()])
        error = refused(WRONG_EXPECTED_VERSION, c.append, stream, 5, [event()])
        assert error.name == "WRONG_EXPECTED_VERSION" and error.conflicts == [[0, WRONG_EXPECTED_VERSION, 5, 0, 0]]
        assert stream in error.message
        error = refused(WRONG_EXPECTED_VERSION, c.append, name(), 0, [event()])
        assert error.conflicts[0][3] == -1


@check
def repeated_appends_are_recognised(server):
    with server.client() as c:
        for expected in (NO_STREAM, ANY):
            stream, events = name(), [event(), event()]
            first = c.append(stream, expected, events)
            c.append(stream, 1, [event()])
            again = c.append(stream, expected, events)
            assert again[0] is True and again[1][0][:1] == first[1][0][:1] and again[1][0][2:4] == first[1][0][2:4]
            assert len(c.read(vp.STREAM, stream)) == 3
        stream, events = name(), [event()]
        c.append(stream, NO_STREAM, [event()])
        c.append(stream, 0, events)
        assert c.append(stream, 0, events)[0] is True
        refused(WRONG_EXPECTED_VERSION, c.append, stream, 0, [events[0], event()])
        other = list(events[0])
        other[11] = b'{"other": true}'
        refused(ID_REUSED, c.append, stream, 0, [other])
        refused(ID_REUSED, c.append, stream, ANY, [other])


@check
def appends_are_checked(server):
    stream = name()
    with server.client() as c:
        for field, arguments in (
                ("stream", ("", ANY, [event()])), ("stream", ("x" * 481, ANY, [event()])),
                ("stream", ("a\nb", ANY, [event()])), ("stream", ("$x", ANY, [event()])),
                ("streams[0].expected", (stream, -4, [event()])), ("events", (stream, ANY, [])),
                ("events[0].type", (stream, ANY, [event("")])),
                ("events[1].type", (stream, ANY, [event(), event("t" * 256)])),
                ("events[0].id", (stream, ANY, [event(id=bytes(16))])),
                ("events[0].id", (stream, ANY, [event(id=b"short")])),
                ("events[0].class", (stream, ANY, [event(**{"class": 3})])),
                ("events[0].content_type", (stream, ANY, [event(content_type=3)])),
                ("events[0].stream_index", (stream, ANY, [event(stream_index=1)])),
                ("events[0].data", (stream, ANY, [event(data=b"{")])),
                ("events[0].data", (stream, ANY, [event(data=b"\xc1", content_type=1)])),
                ("events[0].metadata", (stream, ANY, [event(metadata=b"")])),
                ("events[0].source", (stream, ANY, [event(source="")])),
                ("events[0].time", (stream, ANY, [event(time=1 << 63)]))):
            error = refused(INVALID_ARGUMENT, c.append, *arguments)
            assert error.field == field, "%s, expected %s" % (error.field, field)
        refused(INVALID_ARGUMENT, c.call, "APPEND", [[[stream, ANY], [stream, ANY]], [event()]])
        twice = event()
        refused(INVALID_ARGUMENT, c.append, stream, ANY, [twice, twice])
        refused(STREAM_NOT_FOUND, c.call, "STREAM_INFO", [stream])


@check
def sizes_are_limited(server):
    stream = name()
    with server.client() as c:
        max_frame, max_event, max_append, max_events = c.limits[:4]
        error = refused(EVENT_TOO_LARGE, c.append, stream, ANY, [event(data=b"x" * (max_event + 1), content_type=2)])
        assert error.limit == max_event
        c.append(stream, NO_STREAM, [event(data=b"x" * max_event, content_type=2)])
        assert len(c.read(vp.STREAM, stream)[0]["data"]) == max_event
        count = max_append // max_event + 1
        if (count + 1) * max_event < max_frame:
            big = [event(data=b"x" * max_event, content_type=2) for _ in range(count)]
            assert refused(APPEND_TOO_LARGE, c.append, stream, 0, big).limit == max_append
        small = event(id=None, data=b"")
        if (max_events + 1) * len(vp.pack(small)) < max_frame:
            assert refused(APPEND_TOO_LARGE, c.append, stream, 0, [small] * (max_events + 1)).limit == max_events
        assert c.call("STREAM_INFO", [stream])[1] == 0


@check
def stream_info_tells_all(server):
    stream = name()
    with server.client() as c:
        refused(STREAM_NOT_FOUND, c.call, "STREAM_INFO", [stream])
        position = c.append(stream, NO_STREAM, [event(), event()])[1][0][3]
        info = c.call("STREAM_INFO", [stream])
        records = c.read(vp.STREAM, stream)
        assert info[:4] == [stream, 1, 0, position]
        assert info[4:6] == [r["recorded_at"] for r in records]
        assert info[6:11] == [0, 0, 0, False, False]
        assert refused(INVALID_ARGUMENT, c.call, "STREAM_INFO", [""]).field == "stream"


@check
def streams_are_listed_in_pages(server):
    prefix = "list" + uuid.uuid4().hex
    names = sorted("%s-%02d" % (prefix, i) for i in range(25))
    with server.client() as c:
        for stream in names[::-1]:
            c.append(stream, NO_STREAM, [event()])
        seen, after, pages = [], "", 0
        while True:
            entries, end = c.call("STREAM_LIST", [prefix, after, 10, False])[:2]
            seen += [entry[0] for entry in entries]
            assert all(entry[1] == 0 and len(entry) >= 11 for entry in entries)
            pages += 1
            if end:
                break
            after = entries[-1][0]
        assert seen == names and pages in (3, 4)
        assert c.call("STREAM_LIST", [prefix + "-zz", "", 10, False])[:2] == [[], True]
        c.call("STREAM_CHANGE", [0, names[0], ANY, 0, 0, 0])
        assert c.call("STREAM_LIST", ["$$" + prefix, "", 10, True])[0][0][0] == "$$" + names[0]
        assert c.call("STREAM_LIST", ["$$" + prefix, "", 10, False])[0] == []
        for limit in (0, 10001):
            assert refused(INVALID_ARGUMENT, c.call, "STREAM_LIST", ["", "", limit, False]).field == "limit"


@check
def streams_are_changed(server):
    stream = name()
    with server.client() as c:
        def versions():
            return [r["version"] for r in c.read(vp.STREAM, stream)]

        refused(STREAM_NOT_FOUND, c.call, "STREAM_CHANGE", [0, stream, ANY, 1, 0, 0])
        c.append(stream, NO_STREAM, [event() for _ in range(10)])
        refused(WRONG_EXPECTED_VERSION, c.call, "STREAM_CHANGE", [0, stream, 3, 1, 0, 0])
        replayed, results = c.call("STREAM_CHANGE", [0, stream, 9, 4, 0, 0])[:2]
        assert not replayed and len(results) == 1 and results[0][:2] == [0, 0] and results[0][2] > 0
        assert versions() == [4, 5, 6, 7, 8, 9]
        c.call("STREAM_CHANGE", [1, stream, ANY, 0, 3, 0])
        assert versions() == [7, 8, 9]
        info = c.call("STREAM_INFO", [stream])
        assert info[2] == 7 and info[6:9] == [4, 3, 0]
        c.call("STREAM_CHANGE", [1, stream, ANY, 0, 0, 0])
        assert versions() == [4, 5, 6, 7, 8, 9]
        c.call("STREAM_CHANGE", [2, stream, STREAM_EXISTS, 0, 0, 0])
        refused(STREAM_NOT_FOUND, c.read, vp.STREAM, stream)
        assert c.call("STREAM_INFO", [stream])[9] is True
        assert c.append(stream, NO_STREAM, [event()])[1][0][0] == 10, "versions go on"
        assert versions() == [10]
        c.call("STREAM_CHANGE", [3, stream, ANY, 0, 0, 0])
        refused(STREAM_TOMBSTONED, c.read, vp.STREAM, stream)
        refused(STREAM_TOMBSTONED, c.append, stream, ANY, [event()])
        assert c.call("STREAM_INFO", [stream])[10] is True
        meta = c.read(vp.STREAM, "$$" + stream)
        assert len(meta) == 5 and all(r["type"] == "$metadata" for r in meta)
        for body, field in (([4, stream, ANY, 0, 0, 0], "kind"), ([0, "", ANY, 0, 0, 0], "stream"),
                            ([1, stream, ANY, 0, 0, -1], "max_age_us"), ([0, "$x", ANY, 0, 0, 0], "stream")):
            assert refused(INVALID_ARGUMENT, c.call, "STREAM_CHANGE", body).field == field


@check
def system_events_show_only_when_asked_for(server):
    stream = name("sys")
    with server.client() as c:
        c.append(stream, NO_STREAM, [event()])
        p = c.call("STREAM_CHANGE", [0, stream, ANY, 0, 0, 0])[1][0][2]
        assert [r["position"] for r in c.read(start=p, limit=1, include_system=True)] == [p]
        assert all(r["position"] != p for r in c.read(start=p, limit=1))


@check
def events_are_found_by_id_and_position(server):
    stream, first, second = name(), event(), event(data=b'{"n": 2}')
    with server.client() as c:
        position = c.append(stream, NO_STREAM, [first, second])[1][0][2]
        unknown = uuid.uuid4().bytes
        assert c.call("FIND", [[second[1], unknown, first[1]]])[0] == [position + 1, 0, position]
        record = vp.read_record(c.call("GET", [position + 1])[0])
        assert (record["stream"], record["version"], record["data"]) == (stream, 1, b'{"n": 2}')
        refused(EVENT_NOT_FOUND, c.call, "GET", [1 << 60])
        assert refused(INVALID_ARGUMENT, c.call, "GET", [0]).field == "position"
        assert refused(INVALID_ARGUMENT, c.call, "FIND", [[]]).field == "ids"
        assert refused(INVALID_ARGUMENT, c.call, "FIND", [[b"x"]]).field == "ids[0]"
        assert len(c.call("FIND", [[uuid.uuid4().bytes for _ in range(10000)]])[0]) == 10000
        assert refused(INVALID_ARGUMENT, c.call, "FIND", [[uuid.uuid4().bytes] * 10001]).field == "ids"


@check
def stats_tell_figures(server):
    with server.client() as c:
        before = c.call("STATS", [])[0]
        c.append(name(), NO_STREAM, [event(), event()])
        after = c.call("STATS", [])[0]
        assert uuid.UUID(after["database_id"]).bytes == c.hello[2]
        for figure in ("settled_position", "store_bytes", "journal_bytes", "memory_bound_bytes", "disk_full",
                       "connections"):
            assert isinstance(after[figure], int), figure
        assert after["last_position"] >= before["last_position"] + 2
        assert after["stream_count"] >= before["stream_count"] + 1


@check
def pipelined_appends_keep_their_order(server):
    stream, count = name(), 150
    with server.client() as c:
        ids = [c.send("APPEND", [[[stream, i - 1]], [event(data=b"%d" % i)]]) for i in range(count)]
        answers = {}
        for _ in ids:
            got, got_id, body, _ = c.receive()
            assert got == "APPEND_OK", body
            answers[got_id] = body[1][0][0]
        assert [answers[i] for i in ids] == list(range(count))
        assert [r["data"] for r in c.read(vp.STREAM, stream)] == [b"%d" % i for i in range(count)]


@check
def one_bad_append_among_pipelined_ones(server):
    stream = name()
    with server.client() as c:
        bodies = [[[[stream, NO_STREAM]], [event()]], [[[stream, 7]], [event()]], [[[stream, 0]], [event("")]],
                  [[[stream, 0]], [event()]]]
        ids = [c.send("APPEND", body) for body in bodies]
        answers = {}
        for _ in ids:
            got, got_id, body, _ = c.receive()
            answers[got_id] = body[0] if got == "ERROR" else got
        assert [answers[i] for i in ids] == ["APPEND_OK", WRONG_EXPECTED_VERSION, INVALID_ARGUMENT, "APPEND_OK"]


@check
def ten_thousand_pings_at_once(server):
    count = 10000
    with server.client() as c:
        data = b"".join(vp.frame("PING", i + 1, []) for i in range(count))
        at, answered, buffer = 0, 0, b""
        c.socket.setblocking(False)
        deadline = time.monotonic() + PATIENCE_S
        while answered < count and time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                at += c.socket.send(data[at:at + 65536]) if at < len(data) else 0
            with contextlib.suppress(BlockingIOError):
                buffer += c.socket.recv(1 << 16)
            while len(buffer) >= 16:
                got, length, got_id = vp.parse_header(buffer[:16])
                if len(buffer) < 16 + length:
                    break
                assert got == "PONG" and got_id == answered + 1, "PING %d: %s %d" % (answered + 1, got, got_id)
                buffer, answered = buffer[16 + length:], answered + 1
        assert answered == count
        c.socket.settimeout(PATIENCE_S)


@check
def a_unix_socket_speaks_the_same(server):
    c = Client(server.unix_path)
    stream = name()
    c.append(stream, NO_STREAM, [event()])
    assert len(c.read(vp.STREAM, stream)) == 1
    c.close()


@check
def many_connections_at_once(server):
    clients = [Client(server.address) for _ in range(60)]
    ids = [c.send("APPEND", [[[name(), NO_STREAM]], [event()]]) for c in clients]
    for c, i in zip(clients, ids):
        c.answer(i, "APPEND_OK")
        c.close()


@check
def a_frame_may_come_byte_by_byte(server):
    stream = name()
    with server.client() as c:
        c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = vp.frame("APPEND", 77, [[[stream, NO_STREAM]], [event()]])
        for i in range(len(data)):
            c.send_bytes(data[i:i + 1])
        assert c.answer(77, "APPEND_OK")[1][0][0] == 0


@check
def answers_come_after_our_side_is_shut(server):
    stream = name()
    with server.client() as c:
        request_id = c.send("APPEND", [[[stream, NO_STREAM]], [event()]])
        c.socket.shutdown(socket.SHUT_WR)
        c.answer(request_id, "APPEND_OK")
        c.expect_closed()
