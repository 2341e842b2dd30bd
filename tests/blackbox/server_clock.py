#!/usr/bin/env python3
"""The wall clock of a varved jumps, forwards and backwards, while it runs and while it is down: only timestamps change,
and what they say about deadlines. Needs libfaketime (Debian: faketime); says so and passes when that is not there."""
import glob
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "lib"), HERE]
from harness import event  # noqa: E402
from sagas import BEGIN, RUNNING, STEP, TIMED_OUT  # noqa: E402
from server_sagas import SANITIZED, Talker  # noqa: E402
from varved import Server, run  # noqa: E402
import varve_protocol as vp  # noqa: E402
from waiting import wait_until  # noqa: E402

HOUR_US = 3600 * 1000000
LIBRARIES = [path for folder in ("/usr/lib/*", "/usr/lib64", "/usr/lib")
             for path in glob.glob(folder + "/faketime/libfaketimeMT.so.1")]


class Clock:
    """The clock of the processes started with `start`: the true one and so many hours."""

    def __init__(self, directory):
        self.path = directory + ".clock"
        self.jump(0)

    def jump(self, hours):
        self.hours = hours
        with open(self.path + ".new", "w") as file:
            file.write("%+dh\n" % hours)
        os.rename(self.path + ".new", self.path)

    def now_us(self):
        return int(time.time() * 1000000) + self.hours * HOUR_US

    def start(self):
        """In the process that becomes varved. Its clock for intervals goes on: as when somebody sets the time."""
        os.environ.update(LD_PRELOAD=LIBRARIES[0], FAKETIME_TIMESTAMP_FILE=self.path, FAKETIME_NO_CACHE="1",
                          FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")


def server_time_us(client):
    return client.call("PING", [])[0]


def follows(client, clock):
    """The server's clock has jumped."""
    wait_until(lambda: abs(server_time_us(client) - clock.now_us()) < HOUR_US // 2)


def the_log_is_in_order(client, count):
    """Dense positions, and times that never go back."""
    records = client.read(include_system=True)
    assert [record["position"] for record in records] == list(range(1, len(records) + 1))
    assert len(records) >= count
    times = [record["recorded_at"] for record in records]
    assert times == sorted(times), "recorded_at went back"
    return records


def jumps_while_it_runs(directory):
    clock = Clock(directory)
    with Server(directory, before=clock.start) as server, Talker(server) as c, Talker(server) as follower:
        subscription = follower.subscribe()
        follows(c, clock)
        c.move_saga(BEGIN, "order", "a", step="x", deadline=clock.now_us() + HOUR_US)
        c.move_saga(BEGIN, "order", "leased", step="x")
        assert [saga["id"] for saga in c.claim("order", step="x", limit=2, lease_ms=3000000)] == ["a", "leased"]
        c.append("s-1", vp.NO_STREAM, [event()])

        clock.jump(+2)
        follows(c, clock)
        wait_until(lambda: c.saga("order", "a")["status"] == TIMED_OUT)  # What its clock says counts.
        assert [saga["id"] for saga in c.claim("order", limit=9)] == ["a"]  # It changed; a lease goes by another clock.
        c.append("s-1", 0, [event()])
        forwards = c.read(vp.STREAM, "s-1")[-1]["recorded_at"]
        assert abs(forwards - clock.now_us()) < HOUR_US // 2

        c.move_saga(BEGIN, "trip", "b", step="x", deadline=clock.now_us() + HOUR_US)
        assert len(c.claim("trip", lease_ms=300)) == 1
        clock.jump(-3)
        follows(c, clock)
        assert len(c.claim("trip", lease_ms=300, wait_ms=30000)) == 1  # The first lease ended in its time.
        c.append("s-1", 1, [event(), event()])
        assert c.read(vp.STREAM, "s-1")[-1]["recorded_at"] >= forwards
        assert c.saga("trip", "b")["status"] == RUNNING
        assert c.move_saga(STEP, "trip", "b", 0, step="y", deadline=clock.now_us() + HOUR_US) == 1
        assert len(subscription.events(4)) == 4  # Who follows the log noticed nothing.

        clock.jump(+10)
        wait_until(lambda: c.saga("trip", "b")["status"] == TIMED_OUT)
        records = the_log_is_in_order(c, 9)
        assert [r["stream"] for r in records if r["type"] == "$saga.timed_out"] == ["$saga-order-a", "$saga-trip-b"]
        server.stop()


def jumps_while_it_is_down(directory):
    """Killed, and started days earlier, then days later: all that was stored is there, and times go on upwards."""
    clock = Clock(directory)
    count = 0
    for hours in (0, -50, +50, -100, 0):
        clock.jump(hours)
        with Server(directory, before=clock.start) as server, Talker(server) as c:
            follows(c, clock)
            for _ in range(20):
                c.append("s-1", count - 1, [event()])
                count += 1
            c.move_saga(BEGIN, "order", str(count), step="x", deadline=clock.now_us() + 24 * HOUR_US)
            the_log_is_in_order(c, count)
            server.kill()
    clock.jump(+200)
    with Server(directory, before=clock.start) as server, Talker(server) as c:
        wait_until(lambda: c.saga_counts()["order"][TIMED_OUT] == 5)
        records = the_log_is_in_order(c, count)
        assert len([r for r in records if r["type"] == "$saga.timed_out"]) == 5
        assert [r["version"] for r in records if r["stream"] == "s-1"] == list(range(count))
        server.stop()


if __name__ == "__main__":
    if not LIBRARIES or SANITIZED:
        print("skipped: " + ("a sanitizer does not go together with libfaketime" if SANITIZED else
                             "libfaketime is not here; tools/install-packages installs faketime"))
        print("1 passed, 0 failed")
        sys.exit(0)
    run([jumps_while_it_runs, jumps_while_it_is_down])
