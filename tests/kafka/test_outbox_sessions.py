#!/usr/bin/env python3
"""What applications do while events wait to be published: many finish at the same moment and say everything twice,
streams are deleted and cut short; and what at_least_once promises of the same."""
import os
import random
import socket
import sys
import threading
import time
import uuid
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from exactly_once import out_of_order, position_of  # noqa: E402
from outbox_world import CATCH_UP_S, SMALL, World  # noqa: E402
from varved import Closed, Connection, Error, append_body, event, run  # noqa: E402

SESSIONS, STEPS = 100, 4
AT_LEAST_ONCE = {**SMALL, "mode": "at_least_once"}


class Session(threading.Thread):
    """Some steps, each said until it is acknowledged and then once more; the last one when all others are there."""

    def __init__(self, world, number, together):
        super().__init__(daemon=True)
        self.path, self.stream, self.together = world.socket, f"session-{number}", together
        self.connection = self.fault = None
        self.start()

    def run(self):
        try:
            for step in range(STEPS):
                self.say(f"step-{step}")
            self.together.wait(CATCH_UP_S)
            self.say("completed")
        except Exception as fault:  # Told by the main thread.
            self.fault = fault

    def say(self, what):
        said = event(b'{"what":"%s"}' % what.encode(), "session." + what, uuid.uuid4().bytes)
        body = append_body(self.stream, [said])
        until, times = time.monotonic() + CATCH_UP_S, 0
        while times < 2:
            try:
                if self.connection is None:
                    self.connection = self.connect()
                self.connection.ask("APPEND", body)
                times += 1
            except (OSError, Closed, Error) as fault:
                self.connection = None
                if time.monotonic() > until:
                    raise AssertionError(f"{self.stream} cannot say {what}") from fault
                time.sleep(0.01)

    def connect(self):
        line = socket.socket(socket.AF_UNIX)
        line.connect(self.path)
        return Connection(line)


def sessions_complete_at_once(directory):
    together = threading.Barrier(SESSIONS + 1)
    with TxBroker() as broker, World(directory, broker, SMALL) as world:
        sessions = [Session(world, number, together) for number in range(SESSIONS)]
        world.wait_until_published(SESSIONS)
        world.restart()
        broker.fault(api="EndTxn", action="drop_after")
        wait_until(lambda: together.n_waiting == SESSIONS, "all sessions", CATCH_UP_S)
        together.wait()
        world.restart()
        broker.cut()
        world.restart()
        for session in sessions:
            session.join(CATCH_UP_S)
            assert not session.is_alive() and session.fault is None, (session.stream, session.fault)
        assert world.check() == SESSIONS * (STEPS + 1) + 1
        completed = Counter(found.key for found in world.committed.records
                            if found.headers["v-type"] == b"session.completed")
        assert len(completed) == SESSIONS and set(completed.values()) == {1}


def hidden_before_they_are_published(directory):
    """Deleted, cut short, buried: that came later, and consumers hear of things in their order."""
    with TxBroker() as broker, World(directory, broker, SMALL) as world:
        world.import_history(200)
        world.wait_until_published(200)
        broker.down()
        world.import_history(500, seed=2, streams=20)
        world.wait_for_imports()
        log = list(world.log())
        world.varve("stream", "delete", "loan-1")
        world.varve("stream", "truncate", "loan-2", "--before", "5")
        world.varve("stream", "tombstone", "loan-3", "--yes")
        world.append("loan-1", "returned", {})
        shown = {event.position for event in world.log()}
        hidden = [event for event in log if event.position not in shown]
        assert {event.stream for event in hidden} == {"loan-1", "loan-2", "loan-3"}
        world.restart()
        broker.up()
        world.check(hidden=hidden)


def what_was_sent(world):
    """Of at_least_once: (records of events that came again, sentences about what is wrong)"""
    log = {event.position: event for event in world.log()}
    times, firsts = Counter(), []
    for found in sorted(world.committed.records, key=lambda found: (found.topic, found.partition, found.offset)):
        if times[position_of(found)] == 0:
            firsts.append(found)
        times[position_of(found)] += 1
    wrong = list(out_of_order(log, firsts))
    if log.keys() != times.keys():
        wrong.append(f"lost: {sorted(log.keys() - times.keys())[:5]}")
    return sum(times.values()) - len(times), wrong


def at_least_once_loses_nothing(directory):
    """It says nothing twice but after a kill."""
    chance = random.Random(7)
    with TxBroker() as broker, World(directory, broker, AT_LEAST_ONCE) as world:
        world.import_history(2000)
        world.wait_until_published(1000)
        world.stop()
        world.start()
        world.wait_for_imports()
        world.wait_until_published(2000)
        assert what_was_sent(world) == (0, [])
        world.import_history(3000, seed=2)
        for part in range(4):
            world.wait_until_published(2000 + 500 * part)
            time.sleep(chance.random() * 0.02)
            world.restart()
        world.wait_for_imports()
        wait_until(lambda: is_published(world), "all of it", CATCH_UP_S)
        again, wrong = what_was_sent(world)
        assert not wrong, wrong
        print(f"{again} of 5000 events came again after 4 kills")


def is_published(world):
    world.published()
    return len({position_of(found) for found in world.committed.records}) == 5000


run([sessions_complete_at_once, hidden_before_they_are_published, at_least_once_loses_nothing])
