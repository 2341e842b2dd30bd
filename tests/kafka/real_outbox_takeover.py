#!/usr/bin/env python3
"""A server that is killed in the middle of a transaction: consumers wait for it, but not for ever; and how soon one
that is started again takes over."""
import sys
import time

import real_status
from real_ci_tools import each_version, expect, main
from real_scene import scene

DATA, TIMEOUT_S, PATIENCE_S, TAKEOVERS = "varve.loan", 10, 60, 5
SETTINGS = {"txn.max_events": "20000", "transaction.timeout": f"{TIMEOUT_S}s"}


def is_held(kafka):
    """Are there records that no consumer of committed transactions is given yet?"""
    return any(stable < end for _, stable, end in kafka.offsets(DATA).values())


def kill_in_a_transaction(scene, pieces):
    """Tries until one was open; how many pieces that took."""
    for piece in range(1, pieces + 1):
        scene.import_piece()
        scene.wait_for_more()
        scene.server.kill()
        if is_held(scene.kafka):
            return piece
        scene.server.start()
        scene.catch_up()
    raise AssertionError(f"{pieces} kills, and none fell into a transaction")


@each_version
def test_consumers_go_on_when_nobody_starts_the_server_again(_folder, version):
    with scene(version, pieces=20, settings=SETTINGS) as made:
        made.import_piece()
        made.catch_up()
        began = time.monotonic()
        kills = kill_in_a_transaction(made, 15)
        killed = time.monotonic()
        while is_held(made.kafka):
            expect(time.monotonic() < killed + TIMEOUT_S + PATIENCE_S, True, "consumers go on")
        print(f"Kafka {version}: kill number {kills} fell into a transaction ({killed - began:.0f} s); consumers were "
              f"held for {time.monotonic() - killed:.1f} s, transaction.timeout is {TIMEOUT_S} s", flush=True)
        made.server.start()
        while len(made.imports) < 20:
            made.import_piece()
        made.catch_up()
        made.check()
        made.stop()


@each_version
def test_one_that_is_started_again_takes_over_at_once(_folder, version):
    with scene(version, pieces=1 + TAKEOVERS, settings=SETTINGS) as made, real_status.Watch(made.server) as watch:
        made.import_piece()
        made.catch_up()
        took = []
        for _ in range(TAKEOVERS):
            made.import_piece()
            made.wait_for_more()
            made.server.kill()
            made.server.start()
            said = real_status.wait_for(made.server, lambda said: said["phase"] == "RUN", "RUN")
            took.append(said["takeover_us_max"] // 1000)
            expect(said["takeover_us_max"] < PATIENCE_S * 1000000, True, f"taken over: {said}")
            made.catch_up()
        print(f"Kafka {version}: taken over within {took} ms", flush=True)
        made.check()
        made.stop()
    watch.expect_truth()


if __name__ == "__main__":
    sys.exit(main(globals()))
