#!/usr/bin/env python3
"""varved is killed at every step of its outbox: each event is in Kafka once, each stream in order, whatever the
step."""
import os
import random
import shutil
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from outbox_world import LONG, SMALL, World  # noqa: E402
from varved import run  # noqa: E402

# The requests of an outbox that starts, in order, and those of its transactions: (request, the how manieth).
STARTING = [("Metadata", 1), ("Metadata", 2), ("InitProducerId", 1), ("ListOffsets", 1), ("ListOffsets", 2),
            ("Fetch", 1)]
RUNNING = [("AddPartitionsToTxn", 1), ("AddPartitionsToTxn", 3), ("Produce", 1), ("Produce", 3), ("EndTxn", 1),
           ("EndTxn", 2)]

KILLS, KILLED_EVENTS = (60, 200000) if LONG else (12, 30000)


def kill_at(world, broker, api, action, nth, late):
    """The n-th request of a kind hangs, not applied yet or just not answered; then varved dies. What hangs goes on at
    once, or `late`: when the next varved is at work already, as if the network had kept it."""
    broker.fault(api=api, action=action, nth=nth)
    if (api, nth) in STARTING:
        world.restart()
    world.import_history(120, seed=random.random())
    wait_until(lambda: broker.held() > 0, f"{api} to hang")
    world.kill()
    if not late:
        broker.release()
    broker.clear_faults()
    world.start()
    if late:
        world.wait_for_log("outbox.running")
        broker.release()
    world.wait_for_imports()


def at_every_step(directory, steps, late):
    with TxBroker() as broker, World(directory, broker, SMALL) as world:
        world.import_history(200)
        world.wait_until_published(200)  # So that there is a checkpoint to be read.
        for api, nth in steps:
            for action in "hang_before", "hang_after":
                kill_at(world, broker, api, action, nth, late)
        assert world.check() == 201 + 2 * 120 * len(steps)


def killed_while_starting(directory):
    at_every_step(directory, STARTING, False)


def killed_in_a_transaction(directory):
    at_every_step(directory, RUNNING, False)


def what_a_dead_one_sent_comes_late(directory):
    at_every_step(directory, [("InitProducerId", 1), *RUNNING], True)


def killed_before_anything_is_there(directory):
    """Not even the checkpoint topic: each time on a store and a broker of its own, for the first life makes what is
    missing."""
    for api in "CreateTopics", "InitProducerId", "AddPartitionsToTxn", "EndTxn":
        for action in "hang_before", "hang_after":
            with TxBroker() as broker, World(f"{directory}-{api}-{action}", broker) as world:
                kill_at(world, broker, api, action, 1, False)
                world.check()


def killed_again_and_again(directory):
    """Wherever it is."""
    chance = random.Random(3)
    with TxBroker() as broker, World(directory, broker, {"txn.max_events": "300"}) as world:
        world.import_history(KILLED_EVENTS)
        for number in range(KILLS):
            world.wait_until_published(KILLED_EVENTS * number // (KILLS + 2))
            time.sleep(chance.random() * 0.05)
            world.restart()
        world.wait_for_imports()
        assert world.check() == KILLED_EVENTS + 1


def a_zombie_is_stopped(directory):
    """A copy of the store takes over while the first one sleeps; when that wakes, it must not go on."""
    with TxBroker() as broker, World(directory, broker, SMALL) as first:
        first.import_history(500)
        first.wait_for_imports()
        first.wait_until_published(500)
        first.server.signal(signal.SIGSTOP)
        shutil.copytree(directory, directory + "2")
        with World(directory + "2", broker, SMALL) as second:
            second.import_history(300, seed=2)
            second.wait_for_imports()
            second.wait_until_published(800)
            first.server.signal(signal.SIGCONT)
            first.varve("append", "zombie-1", "walks", "{}")
            first.wait_for_log("SUPERSEDED|superseded")
            assert second.check() == 801


run([killed_while_starting, killed_in_a_transaction, what_a_dead_one_sent_comes_late, killed_before_anything_is_there,
     killed_again_and_again, a_zombie_is_stopped])
