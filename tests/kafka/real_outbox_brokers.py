#!/usr/bin/env python3
"""Three brokers that are killed, paused and restarted while events are published: none is lost, doubled or out of
order, and status says what is going on."""
import sys

import real_status
from real_ci_tools import each_version, expect, main
from real_scene import scene

DATA = "varve.loan"


def kill_the_leader(scene):
    node = scene.kafka.leader_of(DATA)
    scene.import_piece()
    scene.kafka.kill(node)
    scene.catch_up()
    scene.kafka.start(node)


def kill_the_coordinator(scene):
    node = scene.kafka.coordinator_of(scene.kafka.transactional_ids()[0])
    scene.import_piece()
    scene.wait_for_more()
    scene.kafka.kill(node)
    scene.catch_up()
    scene.kafka.start(node)


def pause_the_coordinator(scene):
    """Its connections stay, and nothing comes over them; the others take its partitions over."""
    node = scene.kafka.coordinator_of(scene.kafka.transactional_ids()[0])
    scene.import_piece()
    scene.wait_for_more()
    scene.kafka.pause(node)
    scene.catch_up()
    scene.kafka.resume(node)


def too_few_replicas(scene):
    """Acknowledgements are put off until all three have a record, and one is away."""
    scene.kafka.configure_topic(DATA, "min.insync.replicas", 3)
    node = scene.kafka.leader_of(DATA)
    scene.kafka.kill(node)
    scene.import_piece()
    said = real_status.wait_for_failure(scene.server, "too few replicas in sync")
    expect(said["lag_events"] > 0, True, f"a lag in {said}")
    scene.kafka.start(node)
    scene.catch_up()
    scene.kafka.configure_topic(DATA, "min.insync.replicas", 2)


def no_majority(scene):
    scene.import_piece()
    scene.wait_for_more()
    scene.kafka.kill(1)
    scene.kafka.kill(3)
    scene.import_piece()
    said = real_status.wait_for_failure(scene.server)
    expect(said["lag_events"] > 0, True, f"a lag in {said}")
    print(f"  no majority: {said['reason']}", flush=True)
    scene.kafka.start(1, 3)
    scene.catch_up()


def restart_one_after_the_other(scene):
    for node in (1, 2, 3):
        scene.import_piece()
        scene.wait_for_more()
        scene.kafka.restart(node)
    scene.catch_up()


HARM = [kill_the_leader, kill_the_coordinator, pause_the_coordinator, too_few_replicas, no_majority,
        restart_one_after_the_other]
PIECES = 1 + len(HARM) + 1 + 2  # One to begin with; no_majority has two, the last three.


@each_version
def test_three_brokers_with_one_or_two_of_them_away(_folder, version):
    print(f"Kafka {version}", flush=True)
    with scene(version, brokers=3, pieces=PIECES) as three, real_status.Watch(three.server) as watch:
        three.import_piece()
        three.catch_up()
        for harm in HARM:
            print(f"  {harm.__name__}", flush=True)
            harm(three)
        three.check()
        three.stop()
    watch.expect_truth()
    print(watch.summary(), flush=True)


if __name__ == "__main__":
    sys.exit(main(globals()))
