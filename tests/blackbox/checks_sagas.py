"""Transactions and sagas that nobody should send: each gets its error, nothing of it is stored, and others are served
as before. What single fields may be stands in the vectors, which checks_hostile.py sends."""
import contextlib
import random
import select
import socket
import uuid

import varve_protocol as vp
from harness import (APPEND_TOO_LARGE, CANCELLED, Client, Closed, EVENT_TOO_LARGE, FENCED, GROUP_NOT_FOUND, ID_REUSED,
                     INVALID_ARGUMENT, NOT_DELIVERED, OVERLOADED, PATIENCE_S, SAGA_CONFLICT, SAGA_EXISTS, SAGA_FINISHED,
                     SAGA_NOT_FOUND, WRONG_EXPECTED_VERSION, check, event, name, refused)
from sagas import (ARCHIVE, BEGIN, BY_DEADLINE, COMPENSATE, COMPLETE, FAIL, PART_ACK, PART_CHECKPOINT, PART_SAGA,
                   PART_STREAM, STEP, change, checkpoint)
from varve_protocol import ANY, NO_STREAM

MIB = 1 << 20


def some_type():
    return "t" + uuid.uuid4().hex


def position(c):
    return c.call("PING", [])[1]


@check
def transactions_that_contradict_themselves_are_refused(server):
    t, stream, same = some_type(), name(), uuid.uuid4().bytes
    begun, other = change(BEGIN, t, "1"), change(BEGIN, t, "2")
    cases = (
        ("nothing at all", "events", {}),
        ("a check alone", "events", {"streams": [[stream, NO_STREAM]]}),
        ("a saga twice", "sagas[2]", {"sagas": [begun, other, change(STEP, t, "1", 0, step="s")]}),
        ("a checkpoint twice", "checkpoints[1].name", {"checkpoints": [checkpoint("c", 0), checkpoint("c", 0)]}),
        ("a checkpoint behind the end of the log", "checkpoints[0].position", {
            "checkpoints": [checkpoint("c", 1 << 60)]}),
        ("a stream twice", "streams[1]", {"streams": [[stream, ANY], [stream, ANY]], "events": [event()]}),
        ("an event id twice", "events[1].id", {"streams": [[stream, ANY]], "events": [event(id=same), event(id=same)]}),
        ("an event's id as a saga's", "sagas[0].event_id", {
            "streams": [[stream, ANY]], "events": [event(id=same)], "sagas": [change(BEGIN, t, "1", event_id=same)]}),
        ("a saga's stream written by hand", "streams[0]", {"streams": [["$saga-%s-1" % t, ANY]], "events": [event()]}),
        ("a checkpoint written by hand", "streams[1]", {"streams": [[stream, ANY], ["$checkpoint-c", ANY]],
                                                        "events": [event()]}))
    with server.client() as c:
        before = position(c)
        for label, field, parts in cases:
            error = refused(INVALID_ARGUMENT, c.transact, **parts)
            assert error.field == field, (label, error.field, error.message)
        assert position(c) == before


@check
def what_is_too_large_is_refused(server):
    t = some_type()
    with server.client() as c:
        before = position(c)
        error = refused(EVENT_TOO_LARGE, c.move_saga, BEGIN, t, "1", state=b"x" * (MIB + 1), content_type=2)
        assert error.limit == MIB, error.limit
        error = refused(APPEND_TOO_LARGE, c.transact, sagas=[
            change(BEGIN, t, str(i), state=b"x" * MIB, content_type=2) for i in range(8)])
        assert error.limit == c.limits[2], error.limit
        error = refused(APPEND_TOO_LARGE, c.transact, sagas=[change(BEGIN, t, str(i)) for i in range(10001)])
        assert error.limit == 10000, error.limit
        error = refused(INVALID_ARGUMENT, c.move_saga, BEGIN, t, "1", state=b"[" * 200 + b"]" * 200)
        assert error.field == "sagas[0].state", error.field
        assert position(c) == before
        assert c.move_saga(BEGIN, t, "1", state=b"x" * MIB, content_type=2) == 0
        assert len(c.saga(t, "1")["state"]) == MIB


@check
def every_part_that_fails_is_named(server):
    """Also where a thousand do."""
    t, stream = some_type(), name()
    with server.client() as c:
        c.transact(sagas=[change(BEGIN, t, str(i)) for i in range(1000)])
        before = position(c)
        error = refused(WRONG_EXPECTED_VERSION, c.transact, streams=[[stream, 5]], events=[event()],
                        sagas=[change(STEP, t, str(i), 7, step="s") for i in range(1000)],
                        checkpoints=[checkpoint(name("c"), 0, 3)])
        assert len(error.conflicts) == 1002
        assert error.conflicts[0] == [0, WRONG_EXPECTED_VERSION, 5, -1, PART_STREAM]
        assert error.conflicts[1000] == [999, SAGA_CONFLICT, 7, 0, PART_SAGA]
        assert error.conflicts[1001] == [0, WRONG_EXPECTED_VERSION, 3, -1, PART_CHECKPOINT]
        assert position(c) == before


@check
def changes_that_do_not_fit_are_refused(server):
    """The table of actions and statuses."""
    t = some_type()
    with server.client() as c:
        for saga, action in (("running", None), ("compensating", COMPENSATE), ("completed", COMPLETE),
                             ("failed", FAIL)):
            c.move_saga(BEGIN, t, saga)
            if action is not None:
                c.move_saga(action, t, saga, 0, step="s" if action == COMPENSATE else "")
        c.move_saga(BEGIN, t, "archived")
        c.move_saga(FAIL, t, "archived")
        c.move_saga(ARCHIVE, t, "archived")
        cases = (("running", ARCHIVE, SAGA_FINISHED), ("compensating", COMPLETE, SAGA_FINISHED),
                 ("compensating", ARCHIVE, SAGA_FINISHED), ("completed", STEP, SAGA_FINISHED),
                 ("completed", FAIL, SAGA_FINISHED), ("failed", COMPENSATE, SAGA_FINISHED),
                 ("failed", COMPLETE, SAGA_FINISHED), ("archived", BEGIN, SAGA_EXISTS),
                 ("archived", STEP, SAGA_NOT_FOUND), ("archived", ARCHIVE, SAGA_NOT_FOUND),
                 ("running", BEGIN, SAGA_EXISTS), ("nobody", FAIL, SAGA_NOT_FOUND))
        for saga, action, number in cases:
            step = "s" if action in (STEP, COMPENSATE) else ""
            error = refused(number, c.move_saga, action, t, saga, step=step)
            assert [conflict[:2] + conflict[4:5] for conflict in error.conflicts] == [[0, number, PART_SAGA]], saga
        refused(SAGA_NOT_FOUND, c.call, "SAGA_GET", [t, "archived"])
        assert c.saga_counts()[t] == [1, 1, 0, 1, 1]


@check
def repeated_transactions_are_recognised_or_refused(server):
    t, stream, same = some_type(), name(), uuid.uuid4().bytes
    with server.client() as c:
        parts = {"streams": [[stream, NO_STREAM]], "events": [event()],
                 "sagas": [change(BEGIN, t, "1", event_id=uuid.uuid4().bytes)],
                 "checkpoints": [checkpoint(name("c"), 0)]}
        first = c.transact(**parts)
        again = c.transact(**parts)
        assert not first[0] and again[0] and again[1:] == first[1:], (first, again)
        c.move_saga(STEP, t, "1", 0, step="a", event_id=same)
        error = refused(ID_REUSED, c.move_saga, STEP, t, "1", 0, step="b", event_id=same)
        assert error.conflicts[0][1] == ID_REUSED and error.conflicts[0][4] == PART_SAGA, error.conflicts
        assert c.saga(t, "1")["version"] == 1


@check
def acks_that_are_refused_store_nothing(server):
    group, stream = name("g"), name()
    with server.client() as c, server.client() as other:
        mark = position(c)
        c.append(stream, NO_STREAM, [event(), event()])
        refused(GROUP_NOT_FOUND, c.transact, streams=[[stream, ANY]], events=[event()], ack=[group, 1, [1]])
        c.group_create(group, after=mark)
        member = c.join(group, "me", max_in_flight=1)
        (_, record), = member.events(1)
        before = position(c)

        def attempt(client, epoch, *positions):
            return client.transact(streams=[[stream, ANY]], events=[event()], ack=[group, epoch, list(positions)])

        refused(FENCED, attempt, c, member.epoch + 1, record["position"])
        refused(FENCED, attempt, other, member.epoch, record["position"])
        error = refused(NOT_DELIVERED, attempt, c, member.epoch, record["position"], record["position"] + 1)
        assert error.conflicts == [[1, NOT_DELIVERED, 0, 0, PART_ACK]], error.conflicts
        assert position(c) == before
        attempt(c, member.epoch, record["position"])
        refused(FENCED, attempt, c, member.epoch, record["position"])
        member.cancel()
        c.group_delete(group)


# ---- looking and claiming --------------------------------------------------------------------------------------------


@check
def cursors_of_ones_own_making_harm_nobody(server):
    source = random.Random(11)
    t = some_type()
    with server.client() as c:
        c.transact(sagas=[change(BEGIN, t, str(i), deadline=1 << 50) for i in range(20)])
        _, following = c.saga_list(type=t, limit=5)
        for order in (0, BY_DEADLINE):
            for _ in range(200):
                after = bytearray(following if source.random() < 0.5 else source.randbytes(source.randint(1, 128)))
                after[source.randrange(len(after))] = source.randrange(256)
                try:
                    c.saga_list(order=order, type=t, limit=5, after=bytes(after))
                except c.refusal as error:
                    assert error.number == INVALID_ARGUMENT and error.field == "after", error
        assert len(c.all_sagas(type=t, limit=3)) == 20


def claim_body(t, wait_ms=30000):  # The longest there is: nothing here waits for it to be over.
    return [t, 0, "", "worker", 1000, 1, wait_ms]


@check
def waiting_claims_end_as_documented(server):
    t = some_type()
    with server.client() as c:
        c.send("SAGA_CLAIM", claim_body(t), 50)
        c.send("SAGA_CLAIM", claim_body(t), 50)
        error = refused(INVALID_ARGUMENT, c.answer, 50, "SAGA_CLAIM_OK")
        assert error.field == "request_id", error.field
        c.call("PING", [])
        c.send("CANCEL", [], 50)
        refused(CANCELLED, c.answer, 50, "SAGA_CLAIM_OK")
        c.send("CANCEL", [], 50)  # Nothing is under way any more: ignored.
        assert c.claim(t) == [] and c.claim(t, wait_ms=50) == []
        c.send("SAGA_CLAIM", claim_body(t), 51)
        c.socket.shutdown(socket.SHUT_WR)
        assert c.answer(51, "SAGA_CLAIM_OK") == [[]]
        c.expect_closed()


@check
def workers_that_are_gone_keep_nothing(server):
    t = some_type()
    for _ in range(3):
        lost = Client(server.address)
        for request_id in range(100, 200):
            lost.send("SAGA_CLAIM", claim_body(t), request_id)
        lost.call("PING", [])
        lost.close()
    with server.client() as c:
        c.move_saga(BEGIN, t, "1")
        saga, = c.claim(t, wait_ms=20000)  # If one that is gone was given it, its lease of a second ends.
        assert saga["id"] == "1"


@check
def claims_beyond_the_bound_are_refused_and_cost_little(server):
    t = some_type()
    with server.client() as c:
        before, clients, told = server.resident_bytes(), [Client(server.address) for _ in range(5)], 0
        try:
            for client in clients:
                client.send_bytes(b"".join(vp.frame("SAGA_CLAIM", n, claim_body(t + str(n % 7)))
                                           for n in range(1000, 2000)))
            while told < 5000 - 4096:  # So many wait in all; the others are told so.
                ready, _, _ = select.select([client.socket for client in clients], [], [], PATIENCE_S)
                assert ready, "%d were refused" % told
                message, _, body, _ = next(client for client in clients if client.socket in ready).receive()
                assert message == "SAGA_CLAIM_OK" or body[0] == OVERLOADED, body
                told += message == "ERROR"
            grown = server.resident_bytes() - before
            assert grown < 64 << 20, "%d MiB taken" % (grown >> 20)
            c.call("PING", [])
        finally:
            for client in clients:
                client.close()


# ---- bytes -----------------------------------------------------------------------------------------------------------


@check
def random_changes_of_transactions_are_answered_or_end_the_connection(server):
    source = random.Random(13)
    t = some_type()
    valid = [vp.frame("TRANSACT", 1, [[[name(), ANY]], [event()], [change(BEGIN, t, "1", state=b"{}", deadline=1)],
                                      [checkpoint("hostile", 0)], ["g", 1, [1]]]),
             vp.frame("TRANSACT", 1, [[], [], [change(STEP, t, "1", step="s"), change(FAIL, t, "2", error="e")], [],
                                      None]),
             vp.frame("SAGA_GET", 1, [t, "1"]), vp.frame("SAGA_LIST", 1, [0, t, 7, "s", None, 5, True, b"", 10]),
             vp.frame("SAGA_CLAIM", 1, claim_body(t, 0)), vp.frame("SAGA_COUNTS", 1, [])]
    for _ in range(400):
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
def many_small_parts_take_little_memory(server):
    """As many sagas as there may be in a request, each as small as can be: refused, over and over."""
    body = vp.pack([[], [], [[5, "", "", 0, "", None, 0, None, "", None, None, None]] * 10000, [], None])
    with server.client() as c:
        before = server.resident_bytes()
        for _ in range(300):
            error = refused(INVALID_ARGUMENT, c.answer, c.send("TRANSACT", body, raw=True), "TRANSACT_OK")
            assert error.field == "sagas[0].type", error.field
        grown = server.resident_bytes() - before
        assert grown < 320 << 20, "%d MiB taken" % (grown >> 20)  # Decoded they come to 1.6 MiB each.
