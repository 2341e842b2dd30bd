#!/usr/bin/env python3
"""The wall clock of a varved jumps while its outbox is at work, forwards and backwards: nothing is lost, nothing comes
twice, and nothing waits for the time that was."""
import datetime
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from outbox_world import SMALL, World  # noqa: E402
from varved import bin_dir, run  # noqa: E402

PRELOAD = os.path.join(bin_dir(), "..", "tests", "preload", "preload_clock.so")
HOUR_S = 3600


class Clock:
    """The wall clock of a process that is started with set_up(): the true one and so many hours. The clock for
    intervals goes on, as when somebody sets the time."""

    def __init__(self, directory):
        self.path = directory + ".clock"
        self.jump(0)

    def jump(self, hours):
        with open(self.path + ".new", "w", encoding="ascii") as file:
            file.write(str(hours * HOUR_S))
        os.rename(self.path + ".new", self.path)

    def set_up(self):
        os.environ.update(LD_PRELOAD=PRELOAD, VARVE_CLOCK_FILE=self.path)


def recorded_hours_ahead(world):
    """Of the last event: the log's time never goes back."""
    last = json.loads(world.varve("read", "--all", "-o", "ndjson").splitlines()[-1])
    recorded = datetime.datetime.fromisoformat(last["recorded_at"].replace("Z", "+00:00"))
    return (recorded - datetime.datetime.now(datetime.timezone.utc)).total_seconds() / HOUR_S


def the_clock_jumps(directory):
    """Timestamps are all that shows it."""
    clock = Clock(directory)
    with TxBroker() as broker, World(directory, broker, SMALL) as world:
        world.stop()
        world.start(before=clock.set_up)
        for number, hours in enumerate([30, -50, 0, -1, 1000], 1):
            clock.jump(hours)
            world.import_history(300, seed=number)
            world.wait_for_imports()
            world.wait_until_published(300 * number)
            assert world.status()["lag_us"] < 60 * 1000000
            broker.cut()
            if number % 2 == 0:
                world.kill()
                world.start(before=clock.set_up)
        assert recorded_hours_ahead(world) > 900
        broker.down()
        world.import_history(100, seed=99)
        wait_until(lambda: world.status()["breaker"] == "OPEN", "an open breaker")
        clock.jump(-2000)
        broker.up()
        world.wait_for_imports()
        assert world.check() == 1601


run([the_clock_jumps])
