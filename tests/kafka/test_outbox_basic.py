#!/usr/bin/env python3
"""varved publishes its log to the double: each event once, in order, over restarts and kills; and it does as told."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from broker import wait_until  # noqa: E402
from outbox_operator import DISCARD, PAUSE, REPLAY, RESET, RESUME, RETRY, operator  # noqa: E402
from outbox_world import CATCH_UP_S  # noqa: E402
from varved import run  # noqa: E402


def each_event_comes_once_and_in_order(directory):
    with operator(directory, topics=["varve.known:6"]) as world:
        for n in range(200):
            world.append(f"order-{n % 7}", 3)
            world.append(f"known-{n % 5}")
        world.expect_all_once()
        assert "outbox.running" in world.server.log()


def a_restart_goes_on(directory):
    with operator(directory) as world:
        for _ in range(3):
            world.append("order-1", 50)
            world.stop_and_start()
            world.append("order-2", 50)
        world.expect_all_once()


def so_does_a_server_that_was_killed(directory):
    with operator(directory) as world:
        for n in range(12):
            for m in range(40):
                world.append(f"order-{m % 4}", 10)
            if n % 3 == 0:
                world.wait_for_records(1)
            world.restart()
        world.expect_all_once()


def an_outage_is_waited_for(directory):
    with operator(directory) as world:
        world.append("order-1", 10)
        world.wait_for_records(10)
        world.broker.down()
        world.append("order-1", 10)
        world.server.wait_for_log("outbox.backoff")
        world.append("order-2", 10)
        world.broker.up()
        world.expect_all_once()


def at_least_once_loses_nothing(directory):
    with operator(directory, {"mode": "at_least_once"}) as world:
        for n in range(6):
            for m in range(20):
                world.append(f"order-{m % 4}", 10)
            world.restart()
        world.append("order-1")
        positions = {event.position for event in world.log()}
        wait_until(lambda: set(world.times()) == positions, "every event, some of them again", CATCH_UP_S)


def a_pause_lasts(directory):
    with operator(directory) as world:
        world.append("order-1", 10)
        world.wait_for_records(10)
        world.order(PAUSE)
        assert world.status()["phase"] == "PAUSED"
        world.append("order-1", 10)
        for begin_again in world.stop_and_start, world.restart:
            begin_again()
            world.wait_for("phase", "PAUSED")
            assert len(world.came()) == 10
        world.order(RESUME)
        world.expect_all_once()


def a_reset_sends_again(directory):
    with operator(directory) as world:
        world.append("order-1", 10)
        world.wait_for_records(10)
        assert world.order(RESET, position=6)[0] == 6
        world.append("order-1")
        world.wait_for_records(15)
        first, *_, last = [event.position for event in world.log()]
        times = world.times()
        assert [times[n] for n in range(first, 11)] == [1] * 6 + [2] * 4, times
        assert times[last] == 1


def refuse(world, topic):
    """Kafka refuses whatever comes for the topic."""
    world.broker.fault(api="Produce", action="error", error="INVALID_RECORD", mentions=topic, times=-1)


def dead_letters_wait_and_are_retried(directory):
    with operator(directory, topics=["varve.bad:3"]) as world:
        refuse(world, "varve.bad")
        world.append("bad-1", 5)
        world.append("good-1", 5)
        world.wait_for_records(5)
        world.wait_for("dead_streams", 1)
        world.append("bad-1", 5)
        world.append("good-1", 5)
        world.wait_for_records(10)
        world.restart()
        world.wait_for("parked_events", 10)
        assert world.order(RETRY)[1] == 1
        world.wait_for("retry_streams", 0)
        assert world.status()["parked_events"] == 10
        world.broker.clear_faults()
        assert world.order(RETRY, stream="bad-1")[1] == 1
        world.wait_for("dead_streams", 0)
        world.append("bad-1", 5)
        world.expect_all_once()


def a_discarded_one_never_comes(directory):
    with operator(directory, topics=["varve.bad:3"]) as world:
        refuse(world, "varve.bad")
        world.append("bad-1", 5)
        world.wait_for("dead_streams", 1)
        first = next(world.log()).position
        world.broker.clear_faults()
        world.order(DISCARD, position=first)
        world.wait_for("dead_streams", 0)
        world.restart()
        world.append("bad-1", 5)
        world.expect_all_once(first)


def a_replay_is_marked(directory):
    with operator(directory) as world:
        world.append("order-1", 20)
        world.append("order-2", 20)
        world.wait_for_records(40)
        positions = [event.position for event in world.log()]
        world.order(REPLAY, position=positions[10], until=positions[29], stream="order-2")
        world.wait_for_records(10, replays=True)
        world.wait_for("replay_number", 0)
        again = world.came(replays=True)
        assert sorted(int(found.headers["v-pos"]) for found in again) == positions[20:30]
        assert {found.headers["v-replay"] for found in again} == {b"1"}
        world.expect_all_once()


run([each_event_comes_once_and_in_order, a_restart_goes_on, so_does_a_server_that_was_killed, an_outage_is_waited_for,
     at_least_once_loses_nothing, a_pause_lasts, a_reset_sends_again, dead_letters_wait_and_are_retried,
     a_discarded_one_never_comes, a_replay_is_marked])
