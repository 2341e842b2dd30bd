"""A consumer with read_committed that remembers everything: it reads on where it stopped, in all topics that a pattern
names, also in those that come into being meanwhile."""
import os
import re
import sys
from collections import namedtuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import records  # noqa: E402
from double import names  # noqa: E402
from raw import EARLIEST, Raw  # noqa: E402

# headers: {name: value}; a name that comes twice has its last value.
Found = namedtuple("Found", "topic partition offset key value headers timestamp")


class Committed:
    """`records` grows with each read_on(), in each partition by offset. Connects anew whenever the broker has gone."""

    def __init__(self, port, pattern):
        self.port, self.pattern = port, re.compile(pattern)
        self.records, self.next, self.raw = [], {}, None

    def close(self):
        if self.raw is not None:
            self.raw.socket.close()
            self.raw = None

    def read_on(self):
        """Reads to the last stable offsets of the moment; how many records there are in all, or None when the broker
        is away."""
        try:
            if self.raw is None:
                self.raw = Raw(self.port, "committed")
            self.partition_counts = {topic: count for topic, count in self.raw.topics().items()
                                     if self.pattern.fullmatch(topic)}
            for topic, count in self.partition_counts.items():
                for index in range(count):
                    self.read_partition(topic, index)
            return len(self.records)
        except OSError:
            self.close()
            return None

    def read_partition(self, topic, index):
        offset = self.next.get((topic, index))
        if offset is None:
            offset = self.raw.offset(topic, index, EARLIEST)
        while True:
            error, _, stable, aborted, data = self.raw.fetch(topic, index, offset, True)
            assert error == 0, f"{topic} {index} at {offset}: {names.ERROR_NAMES.get(error, error)}"
            offset = self.take(topic, index, offset, aborted, data)
            self.next[topic, index] = offset
            if offset >= stable:
                return

    def take(self, topic, index, offset, aborted, data):
        """Keeps what is committed, as Kafka's consumers tell it: a producer's records are aborted from the offset that
        the list names until its next marker. Returns the offset behind."""
        aborted, inside = sorted(aborted, key=lambda entry: entry[1]), set()
        for batch in records.split(data):
            while aborted and aborted[0][1] <= batch.last:
                inside.add(aborted.pop(0)[0])
            if batch.control:
                inside.discard(batch.producer_id)
            elif not (batch.transactional and batch.producer_id in inside):
                self.records += [Found(topic, index, r.offset, r.key, r.value, dict(r.headers), r.timestamp)
                                 for r in records.decode(batch) if r.offset >= offset]
            offset = batch.last + 1
        return offset
