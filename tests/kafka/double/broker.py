"""The state of the double: topics with their settings, who may do what, offsets of groups, and the coordinator. No
sockets and no clock of its own."""
import re
import time

from .batch import Batch
from .coordinator import Coordinator
from .names import ERRORS, NONE
from .partition import Partition
from .wire import Malformed

DEFAULT_SETTINGS = {"cleanup.policy": "delete", "max.message.bytes": "1048588", "min.insync.replicas": "1",
                    "segment.bytes": "1073741824", "min.cleanable.dirty.ratio": "0.5", "retention.ms": "604800000",
                    "compression.type": "producer", "message.timestamp.type": "CreateTime"}
MAX_PARTITIONS = 1000
# What a leader answers a producer when it cannot ask the coordinator about the transaction.
UNVERIFIED = {ERRORS["PRODUCER_FENCED"]: ERRORS["INVALID_PRODUCER_EPOCH"],
              ERRORS["CONCURRENT_TRANSACTIONS"]: ERRORS["NOT_ENOUGH_REPLICAS"]}


class Topic:
    def __init__(self, name, partitions, settings):
        self.name, self.settings = name, {**DEFAULT_SETTINGS, **settings}
        self.partitions = [Partition(index) for index in range(partitions)]


class Broker:
    def __init__(self, later, marker_delay_ms=2, auto_create=0, default_partitions=1, max_timeout_ms=900000):
        """`auto_create` is the number of partitions of topics that come into being when asked for; 0 for never."""
        self.topics, self.groups = {}, {}
        self.auto_create, self.default_partitions = auto_create, default_partitions
        self.credentials = None  # (name, password) that clients must prove themselves with.
        self.denied = {}  # topic: operations ("read", "write", "describe", "create") that are not allowed
        self.coordinator = Coordinator(later, self.write_marker, self.store_offsets, marker_delay_ms, max_timeout_ms)

    # ---- topics ----

    def allows(self, topic, operation):
        return operation not in self.denied.get(topic, ())

    def create(self, name, partitions, settings):
        """An error, or NONE."""
        partitions = self.default_partitions if partitions == -1 else partitions
        if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name or "") or name in (".", ".."):
            return ERRORS["INVALID_TOPIC_EXCEPTION"]
        if not self.allows(name, "create"):
            return ERRORS["TOPIC_AUTHORIZATION_FAILED"]
        if name in self.topics:
            return ERRORS["TOPIC_ALREADY_EXISTS"]
        if not 1 <= partitions <= MAX_PARTITIONS:
            return ERRORS["INVALID_PARTITIONS"]
        self.topics[name] = Topic(name, partitions, settings)
        return NONE

    def describe(self, name):
        """(error, topic), as metadata shows it."""
        if not self.allows(name, "describe"):
            return ERRORS["TOPIC_AUTHORIZATION_FAILED"], None
        return (NONE, self.topics[name]) if name in self.topics else (ERRORS["UNKNOWN_TOPIC_OR_PARTITION"], None)

    def delete(self, name):
        topic = self.topics.pop(name, None)
        for partition in topic.partitions if topic else []:
            partition.changed()  # Who waits for more of it learns that it is gone.
        return NONE if topic else ERRORS["UNKNOWN_TOPIC_OR_PARTITION"]

    def add_partitions(self, name, count):
        topic = self.topics.get(name)
        if topic is None:
            return ERRORS["UNKNOWN_TOPIC_OR_PARTITION"]
        if not len(topic.partitions) < count <= MAX_PARTITIONS:
            return ERRORS["INVALID_PARTITIONS"]
        topic.partitions += [Partition(index) for index in range(len(topic.partitions), count)]
        return NONE

    def find(self, name, index, operation):
        """(error, partition)"""
        if not self.allows(name, operation):
            return ERRORS["TOPIC_AUTHORIZATION_FAILED"], None
        topic = self.topics.get(name)
        if topic is None or not 0 <= index < len(topic.partitions):
            return ERRORS["UNKNOWN_TOPIC_OR_PARTITION"], None
        return NONE, topic.partitions[index]

    # ---- writing ----

    def produce(self, transactional_id, name, index, data):
        """(error, base offset)"""
        error, partition = self.find(name, index, "write")
        if error != NONE:
            return error, -1
        try:
            batch = Batch(data)
        except Malformed:
            return ERRORS["CORRUPT_MESSAGE"], -1
        if batch.control:
            return ERRORS["INVALID_RECORD"], -1
        if len(data) > int(self.topics[name].settings["max.message.bytes"]):
            return ERRORS["MESSAGE_TOO_LARGE"], -1
        if batch.transactional:
            error = self.verify(transactional_id, name, partition, batch)
        return (error, -1) if error != NONE else partition.append(batch)

    def verify(self, transactional_id, name, partition, batch):
        """A batch that begins a transaction in a partition must belong to one that the coordinator knows."""
        known = partition.producers.get(batch.producer_id)
        if batch.producer_id in partition.open and known.epoch == batch.epoch:
            return NONE
        partition.try_sequence(batch)
        error = self.coordinator.verify(transactional_id, batch.producer_id, batch.epoch, (name, partition.index))
        return UNVERIFIED.get(error, error)

    def note_failure(self, name, index, data):
        """A batch is going to be refused for no reason of its own: those behind it must not pass."""
        error, partition = self.find(name, index, "write")
        if error == NONE:
            partition.try_sequence(Batch(data))

    def write_marker(self, name, index, producer_id, epoch, committed):
        """A topic that was deleted meanwhile needs none."""
        topic = self.topics.get(name)
        if topic and index < len(topic.partitions):
            topic.partitions[index].mark(producer_id, epoch, committed, int(time.time() * 1000))

    def store_offsets(self, group, offsets):
        self.groups.setdefault(group, {}).update(offsets)
