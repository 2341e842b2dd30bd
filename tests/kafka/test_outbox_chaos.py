#!/usr/bin/env python3
"""Kills, faults, ghosts, outages and orders at random: none of the events is lost, none comes twice, each stream in
order. The seed is printed; VARVE_CHAOS_SEED=N does the same again, as far as time allows. `tools/test --long`: more of
everything."""
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker  # noqa: E402
from outbox_world import LONG, RUNNING, World  # noqa: E402
from varved import run  # noqa: E402

EVENTS, STEPS = (300000, 1000) if LONG else (15000, 40)
ERRORS = [6, 7, 14, 15, 16, 19, 45, 47, 48, 49, 51, 59]  # Of leaders, coordinators, sequences, epochs.
ACTIONS = ["drop_before", "drop_after", "delay", "error", "ghost", "hang_after"]


def lay_down_fault(world, chance):
    action = chance.choice(ACTIONS)
    fault = {"api": chance.choice(RUNNING + ["InitProducerId"]), "action": action, "nth": chance.randrange(1, 4)}
    if action in ("delay", "ghost"):
        fault["ms"] = chance.randrange(1, 400)
    if action == "ghost":
        fault["first"] = chance.choice(["drop_before", "drop_after", "answer"])
    if action == "error":
        fault["error"] = chance.choice(ERRORS)
    world.broker.fault(**fault)


def kill(world, _):
    world.restart()


def stop(world, _):
    world.stop()
    world.start()


def hang_up(world, _):
    world.broker.cut()


def be_away(world, chance):
    leave, come_back = chance.choice([(world.broker.down, world.broker.up), (world.broker.pause, world.broker.resume)])
    leave()
    world.status()
    come_back()


def be_told(world, _):
    world.varve("outbox", "pause")
    world.varve("outbox", "resume")


STEPS_WITH_WEIGHTS = {lay_down_fault: 12, kill: 3, stop: 1, hang_up: 2, be_away: 2, be_told: 1}


def chaos(directory):
    seed = int(os.environ.get("VARVE_CHAOS_SEED", random.randrange(1 << 32)))
    print(f"VARVE_CHAOS_SEED={seed}", flush=True)
    chance = random.Random(seed)
    with TxBroker() as broker, World(directory, broker, {"txn.max_events": "200"}) as world:
        world.import_history(EVENTS, seed=seed)
        for number in range(STEPS):
            world.wait_until_published(EVENTS * number // (STEPS + 5))
            step = chance.choices(list(STEPS_WITH_WEIGHTS), list(STEPS_WITH_WEIGHTS.values()))[0]
            step(world, chance)
            broker.release()
        broker.clear_faults()
        world.wait_for_imports()
        assert world.check() == EVENTS + 1


run([chaos])
