"""Exchanges with a broker whose every answer is known: tried with the double in test_double_scenarios.py, and with a
Kafka by `tests/kafka/test_double_scenarios.py --kafka PORT`, which shows that the double answers as Kafka does.

A scenario gets a Scene, asks, and says what it expects. Errors are told by name.
"""
import itertools
import os
import sys
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from broker import wait_until  # noqa: E402
from double.names import ERROR_NAMES  # noqa: E402
from raw import EARLIEST, Raw, make_batch  # noqa: E402

NOT_YET = ("COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR")
BUSY = ("CONCURRENT_TRANSACTIONS",)


# A partition that was made a moment ago, or a coordinator that could not be asked about a transaction.
NOT_READY = ("NOT_LEADER_OR_FOLLOWER", "NOT_ENOUGH_REPLICAS", "NETWORK_EXCEPTION")


def name_of(error):
    return ERROR_NAMES.get(error, error)


def same(got, wanted):
    assert got == wanted, f"{got!r}, expected {wanted!r}"


class Scene:
    """A topic of two partitions of its own, and producers on one connection."""

    def __init__(self, port, settings=None):
        self.raw = Raw(port)
        self.numbers = itertools.count()
        self.name = "scene-" + uuid.uuid4().hex
        self.topic = self.name
        assert self.raw.create_topic(self.topic, 2, settings) == 0
        wait_until(lambda: self.raw.partitions(self.topic) == 2, "the topic")
        self.patiently(lambda: [self.raw.find_coordinator(self.name)], NOT_YET)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.raw.socket.close()

    def patiently(self, ask, unwanted):
        """The first answer without these errors, which are those of a broker that is not ready."""
        answers = []

        def settled():
            answers.append(ask())
            return name_of(answers[-1][0]) not in unwanted

        wait_until(settled, "an answer")
        return answers[-1]

    def producer(self, transactional_id, timeout_ms=60000):
        """(producer id, epoch), whatever must be aborted first."""
        error, *producer = self.patiently(lambda: self.raw.init_producer(transactional_id, timeout_ms), NOT_YET + BUSY)
        assert error == 0, name_of(error)
        return producer

    def add(self, transactional_id, producer, *partitions):
        """Errors in order of the partitions, once the transaction before is over."""
        def ask():
            found = self.raw.add_partitions(transactional_id, producer, self.topic, list(partitions))
            return [found[partition] for partition in partitions]

        return [name_of(error) for error in self.patiently(ask, NOT_YET + BUSY)]

    def write(self, producer, sequence, partition=0, transactional_id=None, count=1):
        batch = make_batch([b"%d" % next(self.numbers) for _ in range(count)], *producer, sequence,
                           transactional_id is not None)
        error, base = self.patiently(lambda: self.raw.produce(self.topic, partition, batch, transactional_id),
                                     NOT_READY)
        return (name_of(error), base) if error == 0 else name_of(error)

    def end(self, transactional_id, producer, commit):
        return name_of(self.raw.end(transactional_id, producer, commit))

    def end_settled(self, transactional_id, producer, commit):
        """The answer once the markers are written."""
        return name_of(self.patiently(lambda: [self.raw.end(transactional_id, producer, commit)], BUSY)[0])

    def ends(self, partition=0):
        """(first offset, last stable offset, end)"""
        first, end = self.raw.offset(self.topic, partition, EARLIEST), self.raw.offset(self.topic, partition)
        return first, self.raw.offset(self.topic, partition, committed=True), end

    def wait_for_ends(self, *wanted, partition=0):
        wait_until(lambda: self.ends(partition) == wanted, f"{wanted} in partition {partition}")

    def states(self, partition=0):
        return [(record.offset, record.state) for record in self.raw.records(self.topic, partition)]


# ---- the scenarios --------------------------------------------------------------------------------------------------

def sequences(scene):
    producer = scene.producer(None)
    same(scene.write(producer, 0, count=3), ("NONE", 0))
    same(scene.write(producer, 3), ("NONE", 3))
    same(scene.write(producer, 0, count=3), ("NONE", 0))
    same([scene.write(producer, 5), scene.write(producer, 1)], ["OUT_OF_ORDER_SEQUENCE_NUMBER"] * 2)
    same([scene.write(producer, 4 + i) for i in range(5)], [("NONE", 4 + i) for i in range(5)])
    same(scene.write(producer, 4), ("NONE", 4))
    assert scene.write(producer, 3) in ("OUT_OF_ORDER_SEQUENCE_NUMBER", "DUPLICATE_SEQUENCE_NUMBER")
    newer = [producer[0], producer[1] + 1]
    same(scene.write(newer, 1), "OUT_OF_ORDER_SEQUENCE_NUMBER")
    same(scene.write(newer, 0), ("NONE", 9))
    same(scene.write(producer, 1), "INVALID_PRODUCER_EPOCH")
    same(scene.ends(), (0, 10, 10))


def a_plain_transaction(scene):
    producer = scene.producer(scene.name)
    same(scene.add(scene.name, producer, 0, 1), ["NONE", "NONE"])
    same(scene.write(producer, 0, 0, scene.name, 2), ("NONE", 0))
    same(scene.ends(), (0, 0, 2))
    same(scene.end(scene.name, producer, True), "NONE")
    scene.wait_for_ends(0, 3, 3)
    scene.wait_for_ends(0, 1, 1, partition=1)  # A marker, though nothing was written there.
    assert scene.states() == [(0, "committed"), (1, "committed")] and scene.states(1) == []
    same(scene.end_settled(scene.name, producer, True), "NONE")
    same(scene.end_settled(scene.name, producer, False), "INVALID_TXN_STATE")


def aborted_ones_are_named(scene):
    first, second = scene.producer(scene.name), scene.producer(scene.name + "2")
    for producer, name in (first, scene.name), (second, scene.name + "2"):
        same(scene.add(name, producer, 0), ["NONE"])
        same(scene.write(producer, 0, 0, name)[0], "NONE")
    same(scene.end(scene.name, first, False), "NONE")
    scene.wait_for_ends(0, 1, 3)
    same(scene.end(scene.name + "2", second, True), "NONE")
    scene.wait_for_ends(0, 4, 4)
    error, end, stable, aborted, _ = scene.raw.fetch(scene.topic, 0, 0, True)
    same((error, end, stable, aborted), (0, 4, 4, [(first[0], 0)]))
    same(scene.raw.fetch(scene.topic, 0, 3, True)[3], [])
    same(scene.states(), [(0, "aborted"), (1, "committed")])
    same([name_of(scene.raw.fetch(scene.topic, 0, offset)[0]) for offset in (4, 5, -7)],
         ["NONE", "OFFSET_OUT_OF_RANGE", "OFFSET_OUT_OF_RANGE"])


def what_was_not_added_is_refused(scene):
    producer = scene.producer(scene.name)
    same(scene.end(scene.name, producer, True), "INVALID_TXN_STATE")
    same(scene.write(producer, 0, 0, scene.name), "INVALID_TXN_STATE")
    same(scene.add(scene.name, producer, 0, 7), ["OPERATION_NOT_ATTEMPTED", "UNKNOWN_TOPIC_OR_PARTITION"])
    same(scene.add(scene.name, producer, 0), ["NONE"])
    same(scene.write(producer, 0, 0, scene.name), ("NONE", 0))
    same(scene.write(producer, 0, 1, scene.name), "INVALID_TXN_STATE")
    same(scene.add(scene.name, [producer[0] + 1000000, 0], 0), ["INVALID_PRODUCER_ID_MAPPING"])
    same(scene.add(scene.name + "other", producer, 0), ["INVALID_PRODUCER_ID_MAPPING"])
    same(scene.end(scene.name, producer, True), "NONE")
    scene.wait_for_ends(0, 2, 2)
    same(scene.write(producer, 1, 0, scene.name), "INVALID_TXN_STATE")  # Too late.
    same(scene.write(producer, 0, 0, scene.name), "INVALID_TXN_STATE")  # And so is a repetition.
    same(scene.ends(), (0, 2, 2))


def a_batch_before_its_partition_is_added(scene):
    """The first sequence that was seen bars higher ones, though it was refused."""
    producer = scene.producer(scene.name)
    same(scene.write(producer, 0, 0, scene.name), "INVALID_TXN_STATE")
    same(scene.add(scene.name, producer, 0), ["NONE"])
    same(scene.write(producer, 1, 0, scene.name), "OUT_OF_ORDER_SEQUENCE_NUMBER")
    same(scene.write(producer, 0, 0, scene.name), ("NONE", 0))


def fencing(scene):
    old = scene.producer(scene.name)
    new = scene.producer(scene.name)
    same(new, [old[0], old[1] + 1])
    same(scene.add(scene.name, old, 0), ["INVALID_PRODUCER_EPOCH"])
    same(scene.end(scene.name, old, True), "INVALID_PRODUCER_EPOCH")
    same(scene.write(old, 0, 0, scene.name), "INVALID_PRODUCER_EPOCH")
    same(scene.add(scene.name, new, 0), ["NONE"])
    same(scene.write(new, 0, 0, scene.name), ("NONE", 0))
    same(scene.write(old, 0, 0, scene.name), "INVALID_PRODUCER_EPOCH")
    same(scene.end(scene.name, old, True), "INVALID_PRODUCER_EPOCH")
    same(scene.ends(), (0, 0, 1))


def an_open_transaction_is_aborted_by_the_heir(scene):
    old = scene.producer(scene.name)
    same(scene.add(scene.name, old, 0), ["NONE"])
    same(scene.write(old, 0, 0, scene.name), ("NONE", 0))
    same(name_of(scene.raw.init_producer(scene.name)[0]), "CONCURRENT_TRANSACTIONS")
    new = scene.producer(scene.name)
    same(new, [old[0], old[1] + 2])
    assert scene.ends() == (0, 2, 2) and scene.states() == [(0, "aborted")]
    same(scene.end(scene.name, old, False), "INVALID_PRODUCER_EPOCH")


def going_on_after_an_error(scene):
    """KIP-360: a producer that names its id and epoch."""
    first = scene.producer(scene.name)
    second = scene.raw.continue_producer(scene.name, first)
    same(second, (0, first[0], first[1] + 1))
    same(scene.raw.continue_producer(scene.name, first), second)  # Asked again: the answer may have been lost.
    third = scene.raw.continue_producer(scene.name, second[1:])
    same(third, (0, first[0], first[1] + 2))
    same(name_of(scene.raw.continue_producer(scene.name, first)[0]), "PRODUCER_FENCED")
    scene.producer(scene.name)
    same(name_of(scene.raw.continue_producer(scene.name, third[1:])[0]), "PRODUCER_FENCED")
    same(name_of(scene.raw.continue_producer(scene.name, (first[0] + 1000000, 0))[0]), "PRODUCER_FENCED")


def a_transaction_that_takes_too_long(scene):
    old = scene.producer(scene.name, 1000)
    same(scene.add(scene.name, old, 0), ["NONE"])
    same(scene.write(old, 0, 0, scene.name), ("NONE", 0))
    scene.wait_for_ends(0, 2, 2)
    same(scene.states(), [(0, "aborted")])
    same(scene.end(scene.name, old, True), "INVALID_PRODUCER_EPOCH")
    same(scene.add(scene.name, old, 0), ["INVALID_PRODUCER_EPOCH"])
    same(scene.write(old, 1, 0, scene.name), "INVALID_PRODUCER_EPOCH")
    # Kafka 4 lets the producer go on by itself; before, as here, only a new one can.
    assert name_of(scene.raw.continue_producer(scene.name, old, 1000)[0]) in ("PRODUCER_FENCED", "NONE")
    same(scene.producer(scene.name)[0], old[0])


def a_commit_that_comes_late(scene):
    """KAFKA-17754: nothing tells it from one of the transaction that is open now."""
    producer = scene.producer(scene.name)
    for sequence in range(2):
        same(scene.add(scene.name, producer, 0), ["NONE"])
        same(scene.write(producer, sequence, 0, scene.name)[0], "NONE")
        same(scene.end(scene.name, producer, True), "NONE")  # The second time in the place of the late one.
        scene.wait_for_ends(0, 2 * sequence + 2, 2 * sequence + 2)
    same(scene.end_settled(scene.name, producer, False), "INVALID_TXN_STATE")


def limits(scene):
    same(name_of(scene.raw.init_producer(scene.name, 900001)[0]), "INVALID_TRANSACTION_TIMEOUT")
    same(name_of(scene.raw.init_producer("")[0]), "INVALID_REQUEST")
    same(name_of(scene.raw.produce(scene.topic, 0, make_batch([b"x" * 1100000]))[0]), "MESSAGE_TOO_LARGE")
    same(name_of(scene.raw.produce(scene.topic, 2, make_batch([b"x"]))[0]), "UNKNOWN_TOPIC_OR_PARTITION")
    same(name_of(scene.raw.produce("missing", 0, make_batch([b"x"]))[0]), "UNKNOWN_TOPIC_OR_PARTITION")
    same(name_of(scene.raw.create_topic(scene.topic, 1)), "TOPIC_ALREADY_EXISTS")
    same(name_of(scene.raw.create_topic("no/good", 1)), "INVALID_TOPIC_EXCEPTION")
    same(name_of(scene.raw.create_topic(scene.name + "0", 0)), "INVALID_PARTITIONS")
    assert scene.raw.partitions("missing") is None


SCENARIOS = [sequences, a_plain_transaction, aborted_ones_are_named, what_was_not_added_is_refused,
             a_batch_before_its_partition_is_added, fencing, an_open_transaction_is_aborted_by_the_heir,
             going_on_after_an_error, a_transaction_that_takes_too_long, a_commit_that_comes_late, limits]
