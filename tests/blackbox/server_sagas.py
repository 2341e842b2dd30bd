#!/usr/bin/env python3
"""Transactions and sagas of a real varved: all or nothing with every part that failed named, work shared by claims,
deadlines that are fired once, also those that passed while varved was down, and a storm of them."""
import os
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "lib"), HERE]
from harness import (FENCED, INVALID_ARGUMENT, NOT_DELIVERED, SAGA_CONFLICT, SAGA_EXISTS, SAGA_FINISHED,  # noqa: E402
                     SAGA_NOT_FOUND, WRONG_EXPECTED_VERSION, Client, event, refused)
from sagas import (BEGIN, BY_DEADLINE, COMPLETE, COMPLETED, FAIL, PART_ACK, PART_CHECKPOINT, PART_SAGA,  # noqa: E402
                   PART_STREAM, RUNNING, STEP, TIMED_OUT, change, checkpoint)
from varved import PATIENCE_S, Server, bin_dir, run  # noqa: E402
import varve_protocol as vp  # noqa: E402
from waiting import wait_until  # noqa: E402

SANITIZED = any(word in bin_dir() for word in ("-thread", "-address"))
STORM = 5000 if SANITIZED else 100000
PORTION = 1000
HOUR_US = 3600 * 1000000


class Talker(Client):
    """A Client as a context manager, with the patience of these tests."""

    def __init__(self, server):
        super().__init__(("127.0.0.1", server.port))
        self.socket.settimeout(PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def last_position(self):
        return self.call("PING", [])[1]

    def stats(self):
        return self.call("STATS", [])[0]

    def begin_many(self, kind, count, deadline=None):
        for first in range(0, count, PORTION):
            numbers = range(first, min(first + PORTION, count))
            self.transact(sagas=[change(BEGIN, kind, str(n), step="wait", deadline=deadline) for n in numbers])


def now_us():
    return int(time.time() * 1000000)


# ---- transactions ----------------------------------------------------------------------------------------------------


def all_or_nothing(directory):
    """One part after the other is spoilt, alone and with all others: what failed is named, and nothing is stored."""
    with Server(directory) as server, Talker(server) as c, Talker(server) as m:
        c.append("checked-1", vp.NO_STREAM, [event()])
        c.append("work-1", vp.NO_STREAM, [event()])
        c.move_saga(BEGIN, "order", "there", step="a")
        c.move_saga(BEGIN, "order", "done", step="a")
        c.move_saga(COMPLETE, "order", "done", 0)
        c.transact(checkpoints=[checkpoint("reader", 1)])
        c.group_create("g")
        member = m.join("g", "me")
        (_, first), (_, second) = member.events(2)
        positions = [first["position"], second["position"]]

        good = {"written": vp.NO_STREAM, "checked": 0, "there": 0, "checkpoint": 0}
        bad = {"written": (3, PART_STREAM, 0, WRONG_EXPECTED_VERSION, 3, -1),
               "checked": (5, PART_STREAM, 1, WRONG_EXPECTED_VERSION, 5, 0),
               "there": (8, PART_SAGA, 0, SAGA_CONFLICT, 8, 0),
               "checkpoint": (4, PART_CHECKPOINT, 0, WRONG_EXPECTED_VERSION, 4, 0)}

        def attempt(expected, acked=tuple(positions), **more):
            sagas = [change(STEP, "order", "there", expected["there"], step="b"),
                     *more.get("sagas", [change(BEGIN, "order", "new", step="a")])]
            return m.transact(streams=[["written-1", expected["written"]], ["checked-1", expected["checked"]]],
                              events=[event()], sagas=sagas,
                              checkpoints=[checkpoint("reader", positions[1], expected["checkpoint"])],
                              ack=["g", member.epoch, list(acked)])

        before = c.last_position()
        for spoilt in [[name] for name in bad] + [list(bad)]:
            expected = dict(good, **{name: bad[name][0] for name in spoilt})
            error = refused(bad[spoilt[0]][3], attempt, expected)
            told = sorted(tuple(conflict[:5]) for conflict in error.conflicts)
            wanted = sorted((index, status, wanted, actual, part)
                            for _, part, index, status, wanted, actual in (bad[name] for name in spoilt))
            assert told == wanted, (spoilt, told, wanted)
        for number, more in ((SAGA_EXISTS, change(BEGIN, "order", "done", step="a")),
                             (SAGA_FINISHED, change(STEP, "order", "done", 1, step="b")),
                             (SAGA_NOT_FOUND, change(FAIL, "order", "never", 0, error="why"))):
            error = refused(number, attempt, good, sagas=[more])
            assert [conflict[0:2] for conflict in error.conflicts] == [[1, number]], error.conflicts
        error = refused(NOT_DELIVERED, attempt, good, acked=(positions[0], 9999))
        assert [c[0:2] + c[4:5] for c in error.conflicts] == [[1, NOT_DELIVERED, PART_ACK]], error.conflicts
        refused(INVALID_ARGUMENT, c.transact, checkpoints=[checkpoint("reader", before + 1000)])
        assert c.last_position() == before
        assert c.checkpoint("reader") == (0, 1) and c.saga("order", "there")["version"] == 0

        replayed, streams, sagas, moved = attempt(good)
        assert not replayed and streams[0][:2] == [0, 0] and streams[1][0] == -1, streams
        assert [saga[0] for saga in sagas] == [1, 0] and moved[0][0] == 1, (sagas, moved)
        assert c.checkpoint("reader") == (1, positions[1])
        assert member.ack(positions[0])[1] == {positions[0]: FENCED}, "it is finished"


def history_is_in_the_log(directory):
    """A saga is its stream; the row is what the stream says."""
    with Server(directory) as server, Talker(server) as c:
        c.move_saga(BEGIN, "order", "1", step="reserve", state=b'{"n":1}')
        c.move_saga(STEP, "order", "1", 0, step="charge")
        c.move_saga(FAIL, "order", "1", 1, error="no money", state=b'{"n":2}')
        saga = c.saga("order", "1")
        assert saga["state"] == b'{"n":2}' and saga["error"] == "no money" and saga["version"] == 2, saga
        records = c.read(vp.STREAM, "$saga-order-1", include_system=True)
        assert [r["type"] for r in records] == ["$saga.started", "$saga.stepped", "$saga.failed"]
        assert saga["position"] == records[-1]["position"] and saga["started_at"] == records[0]["recorded_at"]
        server.kill()
    with Server(directory) as server, Talker(server) as c:
        assert c.saga("order", "1") == saga


# ---- claims ----------------------------------------------------------------------------------------------------------


class Worker(threading.Thread):
    """Claims sagas and takes them one step on, until it is told to stop."""

    def __init__(self, server, number, seen):
        super().__init__()
        self.server, self.number, self.seen, self.stopping, self.fault = server, number, seen, False, None
        self.start()

    def work(self, c):
        for saga in c.claim("job", "w%d" % self.number, limit=1 + self.number % 3, wait_ms=200):
            key = (saga["id"], saga["version"])
            assert key not in self.seen, "%r was given twice" % (key,)
            self.seen[key] = self.number
            action = COMPLETE if saga["version"] == 2 else STEP
            c.move_saga(action, "job", saga["id"], saga["version"], step="more" if action == STEP else "")

    def run(self):
        try:
            with Talker(self.server) as c:
                while not self.stopping:
                    self.work(c)
        except Exception as fault:  # Told by the test.
            self.fault = fault


def workers_share_the_work(directory):
    """Eight at once: every version of every saga is given to one of them, and all get done."""
    count = 60 if SANITIZED else 300
    with Server(directory) as server, Talker(server) as c:
        seen = {}
        workers = [Worker(server, number, seen) for number in range(8)]
        try:
            c.begin_many("job", count)
            wait_until(lambda: c.saga_counts()["job"][COMPLETED] == count or any(w.fault for w in workers))
        finally:
            for worker in workers:
                worker.stopping = True
            for worker in workers:
                worker.join()
        assert not any(worker.fault for worker in workers), [worker.fault for worker in workers]
        assert len(seen) == 3 * count and len(set(seen.values())) > 1
        assert c.stats()["saga_leases"] == 0 and c.stats()["sagas_claimed"] == 3 * count


def a_lease_ends(directory):
    """By its time: who waits gets the saga; not because its worker is gone; and with the server."""
    with Server(directory) as server:
        with Talker(server) as c:
            c.move_saga(BEGIN, "job", "1", step="a")
            c.move_saga(BEGIN, "short", "1", step="a")
            assert [saga["id"] for saga in c.claim("job", lease_ms=600000)] == ["1"]
            assert [saga["id"] for saga in c.claim("short", lease_ms=300)] == ["1"]
            assert c.claim("job", lease_ms=600000) == []
        with Talker(server) as c:
            assert [saga["id"] for saga in c.claim("short", lease_ms=600000, wait_ms=30000)] == ["1"]
        with Talker(server) as c:
            assert c.claim("job", lease_ms=600000) == [] and c.claim("short", lease_ms=600000) == []
        server.kill()
    with Server(directory) as server, Talker(server) as c:
        assert [saga["id"] for saga in c.claim("job")] == ["1"]


# ---- deadlines -------------------------------------------------------------------------------------------------------


def fired_once(c, kind, count):
    """All of them, by one event each."""
    wait_until(lambda: c.saga_counts()[kind][TIMED_OUT] >= count)
    assert c.saga_counts()[kind][TIMED_OUT] == count
    records = c.read(vp.TYPE, "$saga.timed_out", include_system=True)
    streams = [record["stream"] for record in records if record["stream"].startswith("$saga-%s-" % kind)]
    assert len(streams) == count and len(set(streams)) == count, (len(streams), len(set(streams)))
    return records


def deadlines_are_fired(directory):
    with Server(directory) as server, Talker(server) as c:
        deadline = now_us() + 300000
        c.move_saga(BEGIN, "order", "late", step="a", deadline=deadline)
        c.move_saga(BEGIN, "order", "later", step="a", deadline=now_us() + HOUR_US)
        record, = fired_once(c, "order", 1)
        assert deadline <= record["recorded_at"] < deadline + 20 * 1000000, record["recorded_at"] - deadline
        assert c.saga_list(order=BY_DEADLINE, statuses=1 << RUNNING)[0][0]["id"] == "later"
        assert c.move_saga(STEP, "order", "late", 1, step="again") == 2
        assert c.saga("order", "late")["status"] == RUNNING


def what_passed_while_it_was_down_is_fired(directory):
    """Killed before the deadlines, started after them; killed again while it fires them."""
    count = 3000
    with Server(directory) as server, Talker(server) as c:
        deadline = now_us() + 2000000
        c.begin_many("order", count, deadline)
        c.move_saga(BEGIN, "other", "1", step="a")
        server.kill()
    wait_until(lambda: now_us() > deadline)
    with Server(directory) as server:
        server.kill()
    with Server(directory) as server, Talker(server) as c:
        fired_once(c, "order", count)
        assert c.saga_counts()["other"][RUNNING] == 1
        server.stop()
    with Server(directory) as server, Talker(server) as c:
        fired_once(c, "order", count)


def a_storm_of_deadlines(directory):
    """All due at once: each is fired once, and appends are answered meanwhile."""
    with Server(directory) as server, Talker(server) as c:
        began = time.monotonic()
        deadline = now_us() + 2000000
        c.begin_many("storm", STORM, deadline)
        c.begin_many("calm", PORTION, now_us() + HOUR_US)
        print("  %d sagas begun in %.1f s" % (STORM + PORTION, time.monotonic() - began))
        server.kill()
    wait_until(lambda: now_us() > deadline)
    with Server(directory) as server, Talker(server) as c:
        began = time.monotonic()
        slowest = appended = 0
        while c.saga_counts()["storm"][TIMED_OUT] < STORM:
            asked = time.monotonic()
            c.append("ordinary-1", vp.ANY, [event()])
            slowest, appended = max(slowest, time.monotonic() - asked), appended + 1
            assert asked < began + 2 * PATIENCE_S
        print("  all fired in %.1f s, and %d appends answered meanwhile, the slowest after %.0f ms" %
              (time.monotonic() - began, appended, slowest * 1000))
        fired_once(c, "storm", STORM)
        assert c.saga_counts()["calm"][RUNNING] == PORTION


if __name__ == "__main__":
    run([all_or_nothing, history_is_in_the_log, workers_share_the_work, a_lease_ends, deadlines_are_fired,
         what_passed_while_it_was_down_is_fired, a_storm_of_deadlines])
