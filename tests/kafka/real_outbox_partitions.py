#!/usr/bin/env python3
"""Records lie where Java's own partitioner would have put them, also when a topic gets more partitions; with
`partitions.changed = halt` not before somebody has said so."""
import sys

import exactly_once
import real_status
from real_ci_tools import each_version, expect, main
from real_scene import TOPICS, scene

DATA, EVENTS = "varve.loan", 3000


def expect_places(records, counts):
    """The first EVENTS records of the log are spread over counts[0] partitions, the next over counts[1], and so on."""
    records = sorted(records, key=exactly_once.position_of)
    expect(len(records), EVENTS * len(counts), "records")
    for number, count in enumerate(counts):
        wrong = [record for record in records[EVENTS * number:EVENTS * (number + 1)]
                 if record.partition != exactly_once.partition_of(record.key, count)]
        expect(wrong[:1], [], f"records elsewhere than of {count} partitions")


def expect_misplaced(kafka, wanted):
    """By Java's own reckoning with the partitions of now."""
    expect(len(kafka.consume(TOPICS).misplaced) > 0, wanted, "records that are elsewhere than Java would have put them")


@each_version
def test_partitions_are_those_of_java_also_when_there_are_more(_folder, version):
    with scene(version, pieces=3, events=EVENTS) as made, real_status.Watch(made.server) as watch:
        made.import_piece()
        made.catch_up()
        expect_misplaced(made.kafka, False)
        made.kafka.add_partitions(DATA, 9)
        expect_misplaced(made.kafka, True)
        made.pause_and_resume()
        made.import_piece()
        made.catch_up()
        expect("outbox.partitions_changed" in made.log(), True, "told in the log")
        made.kafka.add_partitions(DATA, 11)
        made.server.kill()
        made.server.start()
        made.import_piece()
        made.catch_up()
        records = made.reading.result()
        expect_places(records, [6, 9, 11])
        expect(len({exactly_once.position_of(record) for record in records}), 3 * EVENTS, "events")
        made.stop()
    watch.expect_truth()


@each_version
def test_a_halt_waits_for_an_operator(_folder, version):
    settings = {"partitions.changed": "halt"}
    with scene(version, pieces=2, events=EVENTS, settings=settings) as made, real_status.Watch(made.server) as watch:
        made.import_piece()
        made.catch_up()
        made.kafka.add_partitions(DATA, 9)
        made.server.kill()
        made.server.start()
        made.import_piece()
        said = real_status.wait_for(made.server, lambda said: said["phase"] == "HALTED", "HALTED")
        expect(said["halt"], "PARTITIONS_CHANGED", "halt")
        expect("had 6 partitions and has 9" in said["reason"], True, said["reason"])
        expect(len(made.reading.lines), EVENTS, "records meanwhile")
        made.pause_and_resume()
        made.catch_up()
        expect_places(made.reading.result(), [6, 9])
        made.stop()
    watch.expect_truth()


if __name__ == "__main__":
    sys.exit(main(globals()))
