#!/usr/bin/env python3
"""Requests that come again when nobody expects them, a broker that goes and comes, and all of it at once: none of the
events is lost, none comes twice."""
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker  # noqa: E402
from outbox_world import RUNNING, SMALL, World, one_after_the_other  # noqa: E402
from varved import run  # noqa: E402


def requests_come_again_late(directory):
    """Ghosts, the worst of which is a commit that ends the next transaction in the middle."""
    one_after_the_other(directory, [{"api": api, "action": "ghost", "ms": ms, "first": first} for api in RUNNING
                                    for first in ("drop_before", "drop_after") for ms in (3, 30, 150, 300)])


def ghosts_under_load(directory):
    """Transactions that take their time, so that the ghost of a commit meets one in the middle."""
    chance = random.Random(5)
    with TxBroker() as broker, World(directory, broker, {"txn.max_events": "100"}) as world:
        broker.latency(api="Produce", ms=4)
        world.import_history(20000)
        for number in range(15):
            world.wait_until_published(20000 * number // 20)
            broker.fault(api="EndTxn", action="ghost", first="drop_before", ms=chance.randrange(50, 300))
        world.wait_for_imports()
        assert world.check() == 20001


def these_tests_would_notice(directory):
    """Deaf for errors of connections, the outbox believes that a commit which was repeated was the only one; then a
    ghost ends its next transactions, some of them in the middle."""
    chance = random.Random(5)
    with TxBroker() as broker, World(directory, broker, {"txn.max_events": "100"}, category="deaf") as world:
        world.start(deaf=1)
        world.import_history(6000, category="deaf")
        world.wait_for_imports()
        broker.latency(api="Produce", ms=20)  # So that there is a middle.
        for number in range(6):
            world.wait_until_published(6000 * number // 12)
            broker.fault(api="EndTxn", action="ghost", first="drop_before", ms=chance.randrange(131, 303))
        broker.latency(api="Produce", ms=0)
        world.append_last()
        assert world.wrong(list(world.log())), "each event is there once"


def the_broker_is_away(directory):
    with TxBroker() as broker, World(directory, broker, SMALL) as world:
        world.import_history(5000)
        for leave, come_back in ((broker.down, broker.up), (broker.pause, broker.resume), (broker.stop, broker.go_on)):
            before = world.published() or 0
            leave()
            world.import_history(200, seed=random.random())
            world.wait_for_imports()  # The log does not wait for Kafka.
            come_back()
            world.wait_until_published(before + 1)
        assert world.check() == 5601


def everything_at_once(directory):
    """Kills and faults at random."""
    chance = random.Random(11)
    with TxBroker() as broker, World(directory, broker, {"txn.max_events": "200"}) as world:
        world.import_history(30000)
        for number in range(40):
            world.wait_until_published(30000 * number // 45)
            if chance.random() < 0.2:
                world.restart()
                continue
            action = chance.choice(["drop_before", "drop_after", "ghost", "delay", "error"])
            broker.fault(api=chance.choice(RUNNING), action=action, nth=chance.randrange(1, 4),
                         ms=chance.randrange(1, 300), error=chance.choice([7, 15, 51]) if action == "error" else None)
        world.wait_for_imports()
        assert world.check() == 30001


run([requests_come_again_late, ghosts_under_load, these_tests_would_notice, the_broker_is_away, everything_at_once])
