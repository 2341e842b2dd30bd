"""One partition: its log, what it remembers of each producer, which transactions are open in it and which were aborted.

The rules are Kafka's: a batch with an older epoch is refused, sequences have no gap, one of the last five batches that
comes again is answered as before, and a consumer with read_committed sees nothing at or above the first offset of a
transaction that is still open (the last stable offset).
"""
import bisect
import collections

from .batch import control_batch
from .names import ERRORS, NONE

REMEMBERED_BATCHES = 5


class Producer:
    """What the partition knows of a producer id."""

    def __init__(self):
        self.epoch = -1
        self.batches = collections.deque(maxlen=REMEMBERED_BATCHES)  # (first sequence, last sequence, base offset)
        self.first_tried = None  # The lowest sequence that was ever tried, though nothing was stored yet.

    def begin_epoch(self, epoch):
        if epoch != self.epoch:
            self.epoch = epoch
            self.batches.clear()

    def duplicate(self, batch):
        """The offset it has already; None when it is new."""
        same = (batch.first_sequence, batch.last_sequence)
        return next((known[2] for known in self.batches if batch.epoch == self.epoch and known[:2] == same), None)

    def refuses(self, batch):
        """An error, or NONE."""
        first = batch.first_sequence
        if batch.epoch < self.epoch:
            return ERRORS["INVALID_PRODUCER_EPOCH"]
        if self.epoch == -1:
            fits = self.first_tried is None or first <= self.first_tried
        elif batch.epoch != self.epoch:
            fits = first == 0
        else:
            last = self.batches[-1][1] if self.batches else -1
            fits = first == (last + 1) % (1 << 31)
        return NONE if fits else ERRORS["OUT_OF_ORDER_SEQUENCE_NUMBER"]


class Partition:
    def __init__(self, index):
        self.index = index
        self.start = self.end = 0  # Offsets of the first record that is there and of the next one.
        self.watchers = set()  # Called when there may be more to read.
        self.clear()

    def clear(self):
        self.batches, self.bases = [], []
        self.producers = collections.defaultdict(Producer)
        self.open = {}  # producer id: first offset of its open transaction
        self.aborted = []  # (producer id, first offset, offset of the marker), by marker

    @property
    def stable_end(self):
        return min(self.open.values(), default=self.end)

    def try_sequence(self, batch):
        """A batch is on its way that may yet fail for other reasons: none with a higher sequence may pass it."""
        producer = self.producers[batch.producer_id]
        if producer.epoch == -1 and (producer.first_tried is None or batch.first_sequence < producer.first_tried):
            producer.first_tried = batch.first_sequence

    def append(self, batch):
        """(error, base offset)"""
        if batch.producer_id >= 0:
            producer = self.producers[batch.producer_id]
            known = producer.duplicate(batch)
            if known is not None:
                return NONE, known
            error = producer.refuses(batch)
            if error == NONE and not batch.transactional and batch.producer_id in self.open:
                error = ERRORS["INVALID_TXN_STATE"]
            if error != NONE:
                return error, -1
        batch.place(self.end)
        self.store(batch)
        self.changed()
        return NONE, batch.base

    def mark(self, producer_id, epoch, committed, timestamp):
        """Ends a producer's transaction here, with a marker even when it wrote nothing. An older epoch's is dropped."""
        if epoch < self.producers[producer_id].epoch:
            return
        marker = control_batch(producer_id, epoch, committed, timestamp)
        marker.place(self.end)
        self.store(marker)
        self.changed()

    def store(self, batch):
        """Takes in a batch that has its offset, and what it means for its producer."""
        self.batches.append(batch)
        self.bases.append(batch.base)
        self.end = batch.last + 1
        if batch.producer_id < 0:
            return
        producer = self.producers[batch.producer_id]
        producer.begin_epoch(batch.epoch)
        if batch.control:
            first = self.open.pop(batch.producer_id, None)
            if first is not None and not self.commits(batch):
                self.aborted.append((batch.producer_id, first, batch.base))
            return
        producer.batches.append((batch.first_sequence, batch.last_sequence, batch.base))
        if batch.transactional:
            self.open.setdefault(batch.producer_id, batch.base)

    @staticmethod
    def commits(marker):
        return marker.data[69] == 1  # Header, five bytes of the record, version of the key, then its kind.

    def changed(self):
        for watcher in list(self.watchers):
            watcher()

    def read(self, offset, max_bytes, committed):
        """(batches as bytes, [(producer id, first offset)] of aborted transactions among them)"""
        limit = self.stable_end if committed else self.end
        at = max(bisect.bisect_right(self.bases, offset) - 1, 0)
        found, size, upto = [], 0, offset
        while at < len(self.batches) and self.batches[at].base < limit:
            batch = self.batches[at]
            if batch.last >= offset:
                if found and size + len(batch.data) > max_bytes:
                    break
                found.append(batch.data)
                size, upto = size + len(batch.data), batch.last + 1
            at += 1
        return found, self.aborted_between(offset, upto) if committed else None

    def aborted_between(self, offset, upto):
        at = bisect.bisect_left(self.aborted, offset, key=lambda entry: entry[2])
        return [entry[:2] for entry in self.aborted[at:] if entry[1] < upto]

    def offset_at(self, timestamp):
        """(offset, timestamp) of the first batch with a record of that time or later; (-1, -1) for none."""
        for batch in self.batches:
            if batch.max_timestamp >= timestamp and not batch.control:
                return max(batch.base, self.start), batch.max_timestamp
        return -1, -1

    def delete_before(self, offset):
        """As retention does: what is older is gone, the offsets stay."""
        self.start = max(self.start, min(offset, self.end))
        gone = bisect.bisect_right(self.bases, self.start)
        while gone and self.batches[gone - 1].last >= self.start:
            gone -= 1
        del self.batches[:gone], self.bases[:gone]

    def truncate_to(self, offset):
        """As an unclean election does: what is newer is gone, and with it what it meant. Cuts between batches only."""
        kept = [batch for batch in self.batches if batch.last < offset]
        self.clear()
        self.end = self.start
        for batch in kept:
            self.store(batch)
        self.changed()
