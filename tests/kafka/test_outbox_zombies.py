#!/usr/bin/env python3
"""varved sleeps at some moment while it publishes, and a second one takes over with a copy of its store: only that goes
on. The first is halted when it wakes, however far it was, and nothing that it believes is published or lost."""
import os
import random
import shutil
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from outbox_world import LONG, SMALL, World, side_by_side  # noqa: E402
from varved import run  # noqa: E402

EVENTS = 3000


def sleep_in_the_middle(world, seed):
    """And a copy of what it has by then."""
    world.import_history(EVENTS)
    world.wait_until_published(random.Random(seed).randrange(1, EVENTS * 3 // 4))
    world.server.signal(signal.SIGSTOP)
    shutil.copytree(world.directory, world.directory + "-copy")
    return World(world.directory + "-copy", world.broker, SMALL)


def take_over(directory, seed):
    with TxBroker() as broker, World(directory, broker, SMALL) as first:
        with sleep_in_the_middle(first, seed) as second:
            second.wait_for_log("event=outbox.running")
            second.import_history(EVENTS)  # What the copy has of them already is not stored again.
            second.import_history(300, seed=2)
            second.wait_for_imports()
            first.server.signal(signal.SIGCONT)
            first.wait_for_imports()
            first.varve("append", "zombie-1", "walks", "{}")
            first.wait_for_log("halt=SUPERSEDED")
            assert second.check() == EVENTS + 301
            assert not is_halted(second), second.server.log()
            first.stop()


def wake_at_once(directory, seed):
    """While the second one is only about to take over: then it may be the first that goes on."""
    with TxBroker() as broker, World(directory, broker, SMALL) as first:
        with sleep_in_the_middle(first, seed) as second:
            first.server.signal(signal.SIGCONT)
            second.import_history(300, seed=2)
            second.wait_for_imports()
            first.wait_for_imports()
            first.varve("append", "zombie-1", "walks", "{}")
            wait_until(lambda: is_halted(first) or is_halted(second), "one of them to give up")
            survivor = first if is_halted(second) else second
            survivor.check()
            assert is_halted(first) != is_halted(second), (first.server.log(), second.server.log())


def is_halted(world):
    return "event=outbox.halted" in world.server.log()


def a_copy_takes_over(directory):
    side_by_side(take_over, directory, [(seed,) for seed in range(24 if LONG else 4)])


def two_at_once(directory):
    side_by_side(wake_at_once, directory, [(seed,) for seed in range(24 if LONG else 4)])


run([a_copy_takes_over, two_at_once])
