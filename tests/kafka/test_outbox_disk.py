#!/usr/bin/env python3
"""What the outbox must remember cannot be written: no checkpoint passes what is not remembered, nothing is lost and
nothing comes twice."""
import os
import resource
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from outbox_world import World  # noqa: E402
from varved import run  # noqa: E402

TOO_LARGE = {"max_message_bytes": "10000"}


def begin(world):
    """Some are published, so that nothing but a dead letter needs to be written down."""
    world.append("big-1", "began", {})
    world.import_history(300)
    world.wait_until_published(301)
    world.wait_for_imports()


def add_poison(world):
    """Positions of what will have to be set aside."""
    world.append("big-1", "grew", {"text": "x" * 20000})
    world.append("big-1", "shrank", {})
    world.append("loan-1", "went on", {})
    return [event.position for event in world.log() if event.stream == "big-1"][1:]


def set_aside(world, aside):
    """In the end it is, and everything else is there."""
    world.wait_for_status("dead letters", phase="RUN", dead_streams=1, parked_events=len(aside))
    world.check(left_out=aside)
    assert world.dead_letters()["big-1"]["position"] == aside[0]


def is_full(world):
    """The status, when it says so."""
    status = world.status()
    return status["breaker"] == "OPEN" and "DISK_FULL" in status["reason"] and status


def a_full_disk_holds_the_checkpoint(directory):
    """The store takes no more: the outbox waits with what it cannot remember, and says why."""
    with TxBroker() as broker, World(directory, broker, TOO_LARGE) as world:
        begin(world)
        broker.down()
        aside = add_poison(world)
        world.stop()
        world.options = ("--disk-reserve", str(1 << 59))
        world.start()
        broker.up()
        status = wait_until(lambda: is_full(world), "the reason why it waits")
        assert status["position"] < aside[0] and world.checkpoint() < aside[0], status
        assert world.dead_letters() == {}
        world.kill()
        world.options = ()
        world.start()
        set_aside(world, aside)


def a_write_that_fails_holds_the_checkpoint(directory):
    """Nobody knows what is on the disk then, so the server ends; the next one finds out."""
    with TxBroker() as broker, World(directory, broker, TOO_LARGE) as world:
        begin(world)
        world.stop()
        world.start(before=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        world.wait_for_status("a running outbox", phase="RUN", lag_events=0)
        broker.down()
        aside = add_poison(world)
        resource.prlimit(world.server.process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        broker.up()
        assert world.server.wait() == 1 and "store.fault" in world.server.log()
        assert world.checkpoint() < aside[0]
        world.start()
        set_aside(world, aside)


run([a_full_disk_holds_the_checkpoint, a_write_that_fails_holds_the_checkpoint])
