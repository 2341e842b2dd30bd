#!/usr/bin/env python3
"""Kafka is away while a large backlog builds up: the server's memory stays within its bound, its store holds the events
and nothing else, the breaker says what is going on, and afterwards all is caught up. `tools/test --long`: a million
events."""
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from outbox_world import LONG, World  # noqa: E402
from varved import run  # noqa: E402

EVENTS, PART = (1000000, 100000) if LONG else (200000, 40000)
FIRST = 100
MIB = 1 << 20
BUDGET = ("--memory-budget", "64MiB", "--settle-size", "8MiB", "--settle-events", "20000", "--recent-ids", "1000")


def store_bytes(directory):
    """On disk, holes left out."""
    return sum(os.stat(os.path.join(folder, name)).st_blocks * 512
               for folder, _, names in os.walk(directory) for name in names)


def wait_for_breaker(world, seen, wanted):
    """Every status on the way is kept, by its breaker."""
    def holds():
        status = world.status()
        seen.setdefault(status["breaker"], status)
        return wanted in seen

    wait_until(holds, f"breaker {wanted}", 120, 0.001)


def grow(world, bound):
    """The backlog, and the most memory that was ever taken."""
    most = 0
    for part in range(EVENTS // PART):
        world.import_history(PART, seed=part + 2, streams=2000)
        while any(task.is_alive() for task in world.imports):
            most = max(most, world.server.resident_bytes())
            assert most < bound, f"{most // MIB} MiB, and the bound is {bound // MIB}"
            time.sleep(0.05)
    return most


def an_outage(directory):
    settings = {"backoff.min": "50ms", "backoff.max": "500ms"}
    with TxBroker() as broker, World(directory, broker, settings, BUDGET) as world:
        bound = int(re.search(r"memory_bound_mib=(\d+)", world.server.log())[1]) * MIB
        world.import_history(FIRST)
        world.wait_until_published(FIRST)
        assert world.status()["breaker"] == "CLOSED"
        broker.down()
        most, seen = grow(world, bound), {}
        wait_for_breaker(world, seen, "OPEN")
        status = world.status()
        assert status["failures"] > 0 and status["reason"] and status["lag_events"] >= EVENTS, status
        assert seen["OPEN"]["next_attempt"] > seen["OPEN"]["since"] > 0, seen
        wait_for_breaker(world, seen, "HALF_OPEN")
        catch_up(world, broker, most)


def catch_up(world, broker, most):
    before, began = store_bytes(world.directory), time.monotonic()
    broker.up()
    while world.status()["lag_events"] > 0:
        most = max(most, world.server.resident_bytes())
        time.sleep(0.05)
    rate = EVENTS / (time.monotonic() - began)
    status = world.wait_for_status("a closed breaker", breaker="CLOSED", phase="RUN", failures=0)
    assert status["reason"] == "" and status["next_attempt"] == 0, status
    after = store_bytes(world.directory)
    print(f"{EVENTS} events, {rate:.0f}/s; {most // MIB} MiB of memory; store {before // MIB} -> {after // MIB} MiB")
    assert after < before + before // 4 + 32 * MIB
    assert world.check() == EVENTS + FIRST + 1


run([an_outage])
