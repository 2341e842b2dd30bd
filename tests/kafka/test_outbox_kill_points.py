#!/usr/bin/env python3
"""varved kills itself before and after every call of librdkafka, once and twice in a row: each event is in Kafka once.
With `tools/test --long` also in later passes of them.

The log has 300 events when the outbox begins, 20 of which make a transaction: 21 records with the checkpoint. Before
the first comes the claim, a transaction with one record.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker  # noqa: E402
from outbox_world import LONG, World, side_by_side  # noqa: E402
from varved import run  # noqa: E402

EVENTS, RECORDS, STREAMS = 300, 21, 7
SETTINGS = {"txn.max_events": str(RECORDS - 1), "topic.partitions": "3"}

# Once in a start: what makes a producer, takes over, and reads the checkpoint (which a first start does not find).
STARTING = ["new before 1", "new after 1", "init_transactions before 1", "init_transactions after 1", "new before 2",
            "offsets_for_times before 1", "offsets_for_times after 1"]
CREATING = ["CreateTopics before 1", "CreateTopics after 1", "CreateTopics before 2", "CreateTopics after 2"]
READING = ["assign before 1", "assign after 1", "consumer_poll before 1", "consumer_poll after 1"]
# Again in each transaction: (call, which one of them in a transaction of so many).
IN_TRANSACTION = [("begin_transaction", 1, 1), ("producev", 1, RECORDS), ("producev", RECORDS // 2, RECORDS),
                  ("producev", RECORDS - 1, RECORDS), ("producev", RECORDS, RECORDS), ("report", 1, 1),
                  ("commit_transaction", 1, 1)]
CLAIMING = ["begin_transaction", "producev", "report", "commit_transaction"]


def in_passes(passes):
    """Of the transactions behind the claim, which has one call of each."""
    return [f"{call} {when} {1 + (number - 1) * of + nth}" for number in passes for call, nth, of in IN_TRANSACTION
            for when in ("before", "after")]


def claims():
    return [f"{call} {when} 1" for call in CLAIMING for when in ("before", "after")]


def kill(directory, broker, point, times, begun):
    """`begun`: a process before had published some of it, so that there is a checkpoint to be read."""
    category = os.path.basename(directory).replace("-", "")
    with World(directory, broker, SETTINGS, category=category) as world:
        world.load(EVENTS, streams=STREAMS)
        if begun:
            world.start_to_die("begin_transaction before 4")
        for _ in range(times):
            world.start_to_die(point)
        world.start()
        world.wait_until_published(EVENTS)
        assert world.check() == EVENTS + 1
        world.stop()


def kill_at(directory, points, times=1, begun=False):
    with TxBroker() as broker:
        side_by_side(kill, directory + ("begun" if begun else ""), [(broker, point, times, begun) for point in points])


def before_anything_is_there(directory):
    kill_at(directory, CREATING + STARTING + claims())


def when_it_starts_again(directory):
    kill_at(directory, READING + STARTING + claims(), begun=True)


def in_the_first_transaction(directory):
    kill_at(directory, in_passes([1]))


def in_later_transactions(directory):
    kill_at(directory, in_passes([3, 7]) if LONG else in_passes([7])[3::4])


def twice_in_a_row(directory):
    kill_at(directory, in_passes([1, 3, 7]) if LONG else in_passes([1])[1::3], times=2)
    kill_at(directory, READING + STARTING + claims() if LONG else claims()[1::3], times=2, begun=True)


run([before_anything_is_there, when_it_starts_again, in_the_first_transaction, in_later_transactions, twice_in_a_row])
