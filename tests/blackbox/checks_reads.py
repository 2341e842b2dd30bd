"""READ with CREDIT and CANCEL, as docs/protocol.md describes them."""
import time
import uuid

import varve_protocol as vp
from harness import (CANCELLED, INVALID_ARGUMENT, OVERLOADED, STREAM_NOT_FOUND, check, event, name, refused)
from varve_protocol import ANY, NO_STREAM


@check
def reads_of_every_kind(server):
    category, correlation, kind = "cat" + uuid.uuid4().hex, uuid.uuid4().bytes, "type." + uuid.uuid4().hex
    with server.client() as c:
        a, b = category + "-a", category + "-b"
        c.append(a, NO_STREAM, [event("x", correlation_id=correlation), event(kind)])
        c.append(b, NO_STREAM, [event(kind, correlation_id=correlation), event("x")])

        def seen(**arguments):
            return [(r["stream"][-1], r["version"]) for r in c.read(**arguments)]

        both = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
        assert seen(kind=vp.CATEGORY, name=category) == both
        assert seen(kind=vp.CATEGORY, name=category, backwards=True) == both[::-1]
        assert seen(kind=vp.TYPE, name=kind) == [("a", 1), ("b", 0)]
        assert seen(kind=vp.CORRELATION, correlation_id=correlation) == [("a", 0), ("b", 0)]
        assert seen(kind=vp.ALL, backwards=True, limit=4) == both[::-1]
        p = c.read(kind=vp.STREAM, name=a)[0]["position"]
        assert seen(kind=vp.ALL, start=p, limit=4) == both
        assert seen(kind=vp.CATEGORY, name=category, start=p + 1) == both[1:]
        assert seen(kind=vp.CATEGORY, name=category, start=p + 1, backwards=True) == both[1::-1]
        assert seen(kind=vp.STREAM, name=a, start=1) == [("a", 1)]
        assert seen(kind=vp.STREAM, name=a, start=2) == []
        assert seen(kind=vp.STREAM, name=a, limit=1) == [("a", 0)]
        assert seen(kind=vp.STREAM, name=a, limit=1, backwards=True) == [("a", 1)]
        assert seen(kind=vp.CATEGORY, name="no" + category) == []
        refused(STREAM_NOT_FOUND, c.read, kind=vp.STREAM, name="no" + a)


@check
def reads_between_times(server):
    category = "time" + uuid.uuid4().hex
    with server.client() as c:
        for i in range(3):
            c.append("%s-%d" % (category, i), NO_STREAM, [event()])
            time.sleep(0.002)
        at = [r["recorded_at"] for r in c.read(kind=vp.CATEGORY, name=category)]
        assert at == sorted(set(at)) and len(at) == 3
        for since, until, expected in ((at[1], None, at[1:]), (None, at[1], at[:1]), (at[0] + 1, at[2], at[1:2]),
                                       (at[2] + 1, None, []), (at[1], at[1], [])):
            records = c.read(kind=vp.CATEGORY, name=category, since=since, until=until)
            assert [r["recorded_at"] for r in records] == expected, (since, until)


@check
def fields_of_reads_are_checked(server):
    good = [1, "x", None, False, False, None, 0, None, None, 1, 0]
    with server.client() as c:
        for place, value, field in ((0, 5, "kind"), (1, None, "name"), (1, "", "name"),
                                    (2, b"x" * 16, "correlation_id"), (5, -1, "from"), (6, -1, "limit"),
                                    (9, 0, "credit_bytes")):
            body = list(good)
            body[place] = value
            error = refused(INVALID_ARGUMENT, c.call, "READ", body)
            assert error.field == field, error.field


@check
def reads_run_on_credit(server):
    stream, count, size = name("credit"), 60, 5000
    with server.client() as c:
        for _ in range(3):
            c.append(stream, ANY, [event(data=b"x" * size, content_type=2) for _ in range(count // 3)])
        request_id = c.send("READ", [1, stream, None, False, False, 0, 0, None, None, 12000, 10000])
        credit, grants, versions = 12000, 0, []
        while True:
            if credit <= 0:
                c.silent(0.1 if grants < 3 else 0.005)
                c.send("CREDIT", [7000], request_id)
                c.send("CREDIT", [5000], request_id)
                credit += 12000
                grants += 1
                continue
            got, got_id, body, length = c.receive()
            assert got_id == request_id and got in ("READ_BATCH", "READ_END"), got
            if got == "READ_END":
                break
            assert length < 3 * 10000, "a batch much larger than asked for"
            credit -= length
            versions += [vp.read_record(data)["version"] for data in body[0]]
        assert versions == list(range(count)) and grants >= count * size // 12000 // 2
        c.call("PING", [])


@check
def a_read_waiting_for_credit_disturbs_nobody(server):
    stream = name()
    with server.client() as c, server.client() as other:
        c.append(stream, NO_STREAM, [event(data=b"x" * 50000, content_type=2) for _ in range(4)])
        request_id = c.send("READ", [1, stream, None, False, False, 0, 0, None, None, 1, 1])
        assert c.receive()[0] == "READ_BATCH"
        c.silent(0.1)
        c.append(stream, 3, [event()])
        assert len(c.read(vp.STREAM, stream)) == 5 and len(other.read(vp.STREAM, stream)) == 5
        c.send("CREDIT", [1 << 20], request_id)
        versions = []
        while True:
            got, got_id, body, _ = c.receive()
            assert got_id == request_id
            if got == "READ_END":
                break
            versions += [vp.read_record(data)["version"] for data in body[0]]
        assert versions == [1, 2, 3], "what came after its beginning is not in the view"


@check
def a_read_can_be_cancelled(server):
    stream = name()
    with server.client() as c:
        c.append(stream, NO_STREAM, [event(data=b"x" * 50000, content_type=2) for _ in range(8)])
        request_id = c.send("READ", [1, stream, None, False, False, 0, 0, None, None, 1, 1])
        assert c.receive()[0] == "READ_BATCH"
        c.send("CANCEL", [], request_id)
        refused(CANCELLED, c.answer, request_id, "READ_END")
        c.send("CANCEL", [], request_id)
        c.send("CREDIT", [1], request_id)
        c.send("CANCEL", [], 99999)
        c.silent(0.1)
        c.call("PING", [])


@check
def a_read_in_many_batches_goes_on_where_next_says(server):
    stream, count = name(), 50
    with server.client() as c:
        c.append(stream, NO_STREAM, [event(data=b"x" * 1000, content_type=2) for _ in range(count)])
        records = c.read(vp.STREAM, stream, batch_bytes=3000)
        assert len(records) == count and len(c.batches) > 5
        seen = 0
        for _, records_in_it, following in c.batches:
            seen += records_in_it
            if following is not None:
                assert following == seen and len(c.read(vp.STREAM, stream, start=following)) == count - seen


@check
def a_request_id_names_one_read_at_a_time(server):
    stream = name()
    with server.client() as c:
        c.append(stream, NO_STREAM, [event(data=b"x" * 50000, content_type=2) for _ in range(4)])
        body = [1, stream, None, False, False, 0, 0, None, None, 1, 1]
        c.send("READ", body, 500)
        assert c.receive()[0] == "READ_BATCH"
        c.send("READ", body, 500)
        assert refused(INVALID_ARGUMENT, c.answer, 500, "READ_END").field == "request_id"
        c.send("CREDIT", [0], 500)
        refused(INVALID_ARGUMENT, c.answer, 500, "READ_END")
        c.send("CREDIT", [1 << 20], 500)
        c.silent(0.1)


@check
def more_reads_than_a_server_holds_are_refused(server):
    stream = name()
    with server.client() as c:
        c.append(stream, NO_STREAM, [event(data=b"x" * 50000, content_type=2) for _ in range(4)])
        ids = [c.send("READ", [1, stream, None, False, False, 0, 0, None, None, 1, 1]) for _ in range(17)]
        answers = [c.receive() for _ in ids]
        errors = [body for got, _, body, _ in answers if got == "ERROR"]
        assert len(errors) == 1 and errors[0][0] == OVERLOADED and errors[0][5] > 0
        assert sorted(got_id for _, got_id, _, _ in answers) == ids
