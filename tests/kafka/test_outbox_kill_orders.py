#!/usr/bin/env python3
"""varved kills itself at every step of what it sets aside, tries again, gives up and replays: each event is in Kafka
once, the later ones of a stream wait for the earlier, and what was given up never comes.

A stream has a large event, the fourth of ten, so seven are set aside. The first transaction of a process is its claim,
and when nothing else waits, the next are the portions of a retry (one event, two, four) or of a replay.
"""
import contextlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox")]
import harness  # noqa: E402
from outbox_operator import DISCARD, REPLAY, RETRY, operator  # noqa: E402
from outbox_world import LONG, side_by_side  # noqa: E402
from varved import run  # noqa: E402

STRICT, LAX = {"txn.max_events": "10", "max_message_bytes": "4096"}, {"txn.max_events": "10"}
EVENTS, LARGE, ASIDE = 10, 3, 7  # Of the stream: in all, the one before which so many are, set aside.


def calls(transaction, record):
    """Of one transaction; `record` is the number of its last, which is a note. After the commit it is in Kafka, and the
    log does not know yet."""
    return [f"{call} {time} {nth}" for call, nth in (("begin_transaction", transaction), ("producev", record),
                                                     ("report", transaction), ("commit_transaction", transaction))
            for time in ("before", "after")]


def append_all(world):
    """Two streams at once, one with a large event."""
    events = [harness.event("went", b'"%s"' % (b"x" * 5000 if n == 2 * LARGE else b"%d" % n), stream_index=n % 2)
              for n in range(2 * EVENTS)]
    world.client.call("APPEND", [[["bad-1", -2], ["good-1", -2]], events])


def set_aside(world):
    append_all(world)
    world.wait_for_records(2 * EVENTS - ASIDE)
    world.wait_for("parked_events", ASIDE)


def retry(world):
    """Whatever is still set aside; who dies forgets such an order."""
    if world.status()["dead_streams"] > 0:
        world.order(RETRY)
    world.wait_for("dead_streams", 0)
    world.append("bad-1", 2)  # They also take the note of the retry away.
    world.append("good-1", 1)


def killed_while_parking(directory, kill):
    """Set aside is what the log says before Kafka passes it."""
    with operator(directory, STRICT) as world:
        world.client.close()
        world.stop()
        world.start(kill=kill)
        with contextlib.suppress(OSError, harness.Closed):  # What is in the log comes to Kafka, answered or not.
            append_all(world)
        world.wait_for_death()
        world.start()
        world.wait_for_records(2 * EVENTS - ASIDE)
        world.wait_for("parked_events", ASIDE)
        world.configure(LAX)
        world.stop_and_start()
        retry(world)
        world.expect_all_once()


def killed_while_retrying(directory, kill):
    with operator(directory, STRICT) as world:
        set_aside(world)
        world.configure(LAX)
        world.die(kill, RETRY)
        retry(world)
        world.expect_all_once()


def killed_while_discarding(directory, kill):
    """What stood behind it is tried again at once."""
    with operator(directory, STRICT) as world:
        set_aside(world)
        large = [event for event in world.log() if event.stream == "bad-1"][LARGE].position
        world.die(kill, DISCARD, position=large)
        assert world.status()["parked_events"] < ASIDE
        retry(world)
        world.expect_all_once(large)


def killed_while_replaying(directory, kill):
    with operator(directory, LAX) as world:
        append_all(world)
        world.wait_for_records(2 * EVENTS)
        positions = [event.position for event in world.log()]
        world.die(kill, REPLAY, position=positions[2], until=positions[-3])
        world.wait_for("replay_number", 0)
        world.append("good-1", 1)
        world.expect_all_once()
        again = sorted(int(found.headers["v-pos"]) for found in world.came(replays=True))
        assert again == positions[2:-2], again


def each(test, directory, points):
    side_by_side(test, directory, [(point,) for point in points])


def parking(directory):
    """Eight messages and the checkpoint, then five."""
    each(killed_while_parking, directory, calls(2, 10) + (calls(3, 16) if LONG else []))


def retrying(directory):
    """Each portion takes two notes: how far the stream is, and the checkpoint."""
    each(killed_while_retrying, directory, calls(2, 4) + (calls(3, 8) + calls(4, 14) if LONG else calls(3, 8)[1::2]))


def discarding(directory):
    each(killed_while_discarding, directory, calls(2, 4) if LONG else calls(2, 4)[::3])


def replaying(directory):
    each(killed_while_replaying, directory, calls(2, 12) + calls(3, 19) if LONG else calls(2, 12)[1::2])


run([parking, retrying, discarding, replaying])
