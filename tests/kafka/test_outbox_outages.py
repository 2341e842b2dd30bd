#!/usr/bin/env python3
"""A broker that is away for longer than requests, messages and transactions may take, and requests that hang: the
outbox goes on when it can, without losing or doubling anything, and varved ends when it is told, whatever hangs.

Patience is short here, so that a test of its end need not take long.
"""
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from outbox_world import LONG, RUNNING, World, side_by_side  # noqa: E402
from varved import run  # noqa: E402

# Transactions of 2 s, and requests that are given up before that, or only when it is too late for their transaction.
HASTY = {"txn.max_events": "50", "transaction.timeout": "2s", "message.timeout": "1500ms", "backoff.max": "200ms",
         "rdkafka.socket.timeout.ms": "600"}
TARDY = {**HASTY, "rdkafka.socket.timeout.ms": "1900"}
# Nothing of librdkafka ends by itself within a test's patience.
ENDLESS = {"txn.max_events": "50", "transaction.timeout": "600s", "message.timeout": "540s",
           "rdkafka.socket.timeout.ms": "300000"}
EVENTS = 2000


def away(broker, leave, come_back, seconds):
    """How long is what is tried here; nothing else depends on it."""
    leave()
    time.sleep(seconds)
    come_back()


def outage(directory, how, seconds, settings):
    """In the middle of some transaction, twice; the log goes on meanwhile."""
    with TxBroker() as broker, World(directory, broker, settings) as world:
        leave, come_back = {"down": (broker.down, broker.up), "paused": (broker.pause, broker.resume),
                            "stopped": (broker.stop, broker.go_on)}[how]
        world.import_history(EVENTS)
        for portion in 1, 2:
            world.wait_until_published(EVENTS * portion // 4)
            away(broker, leave, come_back, seconds)
        world.wait_for_imports()
        assert world.check() == EVENTS + 1
        world.stop()


def hang(directory, api, action, settings):
    """And once more in what comes after it."""
    with TxBroker() as broker, World(directory, broker, settings) as world:
        for number in 1, 2:
            rule = broker.fault(api=api, action=action, nth=2)
            world.import_history(200, seed=number)
            wait_until(lambda rule=rule: broker.acted(number=rule) > 0, f"{api} to hang")
        world.wait_for_imports()
        assert world.check() == 401
        world.stop()


def claim_fails(directory, api, action, error):
    """The first transaction of a process, several times in a row."""
    with TxBroker() as broker, World(directory, broker, HASTY) as world:
        world.import_history(100)
        world.wait_until_published(100)
        world.kill()
        broker.fault(api=api, action=action, times=3, **({"error": error} if error else {}))
        world.start()
        world.import_history(100, seed=2)
        world.wait_for_imports()
        assert world.check() == 201
        world.stop()


def outages(directory):
    """Shorter than all patience, than that of a message, than that of a transaction; and than none."""
    lengths = (0.3, 1, 1.8, 2.5, 6) if LONG else (1, 3)
    side_by_side(outage, directory, [(how, seconds, settings) for how in ("down", "paused", "stopped")
                                     for seconds in lengths for settings in ((HASTY, TARDY) if LONG else (HASTY,))])


def hung_requests(directory):
    side_by_side(hang, directory, [(api, action, settings) for api in RUNNING
                                   for action in ("hang_before", "hang_after") for settings in (HASTY, TARDY)])


def failing_claims(directory):
    errors = [("AddPartitionsToTxn", 51), ("Produce", 19), ("Produce", 29), ("EndTxn", 48), ("InitProducerId", 15)]
    more = [("AddPartitionsToTxn", 49), ("Produce", 7), ("Produce", 10), ("Produce", 45), ("Produce", 59),
            ("Produce", 2), ("Produce", -1), ("EndTxn", 51), ("EndTxn", -1)] if LONG else []
    side_by_side(claim_fails, directory, [(api, "error", error) for api, error in errors + more] +
                 [(api, action, None) for api in RUNNING for action in ("drop_before", "drop_after")])


def a_queue_that_is_full(directory):
    """librdkafka takes 60 records at a time, and a transaction has more."""
    with TxBroker() as broker, World(directory, broker, {"rdkafka.queue.buffering.max.messages": "60",
                                                         "txn.max_events": "500"}) as world:
        broker.latency(api="Produce", ms=5)
        world.import_history(EVENTS)
        world.wait_for_imports()
        assert world.check() == EVENTS + 1
        assert '"queue_full":0' not in world.varve("outbox", "status", "-o", "json").replace(" ", "")


def stops(directory, how):
    """varved ends when it is told to, within some seconds: a minute is the patience of this test, ten that of Kafka."""
    with TxBroker() as broker, World(directory, broker, ENDLESS) as world:
        if how in RUNNING:
            broker.fault(api=how, action="hang_before", nth=3)
        world.import_history(500)
        if how in RUNNING:
            wait_until(broker.held, f"{how} to hang")
        world.wait_for_imports()
        if how == "starting":
            world.kill()
            broker.fault(api="InitProducerId", action="hang_before")
            world.start()
            wait_until(broker.held, "InitProducerId to hang")
        {"stopped": broker.stop, "down": broker.down}.get(how, int)()
        world.server.signal(signal.SIGTERM)
        code = world.server.wait()
        assert code == 0, f"varved ended with {code}"
        world.server.__exit__(None)
        {"stopped": broker.go_on, "down": broker.up}.get(how, broker.release)()
        world.configure(HASTY)
        world.start()
        assert world.check() == 501


def an_end_by_order(directory):
    side_by_side(stops, directory, [(how,) for how in ["starting", "stopped", "down"] + RUNNING])


run([outages, hung_requests, failing_claims, a_queue_that_is_full, an_end_by_order])
