"""The transaction coordinator: a state machine per transactional id, as Kafka's (for clients of protocol TV1).

    Empty, Complete --partitions added--> Ongoing --EndTxn--> Prepare --markers written--> Complete
                                          Ongoing --InitProducerId, timeout--> epoch + 1, Prepare(abort)

EndTxn is answered when Prepare is reached; markers follow after a while, and until then everything else about that
transactional id is answered CONCURRENT_TRANSACTIONS.
"""
from .names import ERRORS, NONE

EMPTY, ONGOING, PREPARE_COMMIT, PREPARE_ABORT, COMPLETE_COMMIT, COMPLETE_ABORT = (
    "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort")
PREPARING = (PREPARE_COMMIT, PREPARE_ABORT)
LAST_EPOCH = 32766  # The one above it is kept for fencing.


class Transactions:
    """One transactional id and its transactions, one after the other."""

    def __init__(self, name, producer_id):
        self.name, self.producer_id = name, producer_id
        self.epoch = self.last_epoch = -1
        self.state, self.timeout_ms = EMPTY, 0
        self.partitions = set()  # (topic, index)
        self.offsets = {}  # group: {(topic, index): (offset, metadata)}
        self.number = 0  # Of the transaction that is open; tells a late timeout from one in time.


class Coordinator:
    """Keeps time by `later(seconds, function)`; markers go through `write_marker(topic, index, producer_id, epoch,
    committed)`, offsets of groups through `store_offsets(group, offsets)`."""

    def __init__(self, later, write_marker, store_offsets, marker_delay_ms=2, max_timeout_ms=900000):
        self.later, self.write_marker, self.store_offsets = later, write_marker, store_offsets
        self.marker_delay_ms, self.max_timeout_ms = marker_delay_ms, max_timeout_ms
        self.ids = {}
        self.next_producer_id = 1000

    def new_producer_id(self):
        self.next_producer_id += 1
        return self.next_producer_id

    def init(self, name, timeout_ms, expected=None):
        """(error, producer id, epoch). `expected` is the (producer id, epoch) of a producer that goes on after an
        error; None for a new one."""
        if name == "":
            return ERRORS["INVALID_REQUEST"], -1, -1
        if not 0 < timeout_ms <= self.max_timeout_ms:
            return ERRORS["INVALID_TRANSACTION_TIMEOUT"], -1, -1
        if name not in self.ids:
            self.ids[name] = Transactions(name, self.new_producer_id())
        txn = self.ids[name]
        if expected and txn.epoch != -1 and expected[0] != txn.producer_id:
            return ERRORS["PRODUCER_FENCED"], -1, -1
        if txn.state in PREPARING:
            return ERRORS["CONCURRENT_TRANSACTIONS"], -1, -1
        if txn.state == ONGOING:
            self.fence(txn)
            return ERRORS["CONCURRENT_TRANSACTIONS"], -1, -1
        return self.bump(txn, timeout_ms, expected)

    def bump(self, txn, timeout_ms, expected):
        if expected and txn.epoch not in (-1, expected[1]):
            if expected[1] != txn.last_epoch:
                return ERRORS["PRODUCER_FENCED"], -1, -1
            return NONE, txn.producer_id, txn.epoch  # It asked before and the answer was lost.
        txn.last_epoch = txn.epoch if expected else -1
        if txn.epoch >= LAST_EPOCH:
            txn.producer_id, txn.epoch = self.new_producer_id(), 0
        else:
            txn.epoch += 1
        txn.state, txn.timeout_ms = EMPTY, timeout_ms
        return NONE, txn.producer_id, txn.epoch

    def find(self, name, producer_id, epoch):
        """(error, transactions)"""
        txn = self.ids.get(name)
        if txn is None or txn.producer_id != producer_id:
            return ERRORS["INVALID_PRODUCER_ID_MAPPING"], None
        if txn.epoch != epoch:
            return ERRORS["PRODUCER_FENCED"], None
        return NONE, txn

    def verify(self, name, producer_id, epoch, partition):
        """Was the partition added to the transaction that is open? As the leader of a partition asks it."""
        error, txn = self.find(name, producer_id, epoch)
        if error != NONE:
            return error
        if txn.state in PREPARING:
            return ERRORS["CONCURRENT_TRANSACTIONS"]
        return NONE if partition in txn.partitions else ERRORS["INVALID_TXN_STATE"]

    def begin(self, name, producer_id, epoch):
        """(error, transactions), which are open then."""
        error, txn = self.find(name, producer_id, epoch)
        if error == NONE and txn.state in PREPARING:
            error = ERRORS["CONCURRENT_TRANSACTIONS"]
        if error == NONE and txn.state != ONGOING:
            txn.state = ONGOING
            txn.number += 1
            self.later(txn.timeout_ms / 1000, lambda number=txn.number: self.time_out(txn, number))
        return error, txn

    def add_partitions(self, name, producer_id, epoch, partitions):
        error, txn = self.begin(name, producer_id, epoch)
        if error == NONE:
            txn.partitions.update(partitions)
        return error

    def add_offsets(self, name, producer_id, epoch, group):
        error, txn = self.begin(name, producer_id, epoch)
        if error == NONE:
            txn.offsets.setdefault(group, {})
        return error

    def commit_offsets(self, name, producer_id, epoch, group, offsets):
        error, txn = self.find(name, producer_id, epoch)
        if error == NONE and (txn.state != ONGOING or group not in txn.offsets):
            error = ERRORS["INVALID_TXN_STATE"]
        if error == NONE:
            txn.offsets[group].update(offsets)
        return error

    def end(self, name, producer_id, epoch, commit):
        error, txn = self.find(name, producer_id, epoch)
        if error != NONE:
            return error
        if txn.state == ONGOING:
            self.prepare(txn, commit)
            return NONE
        if txn.state == (COMPLETE_COMMIT if commit else COMPLETE_ABORT):
            return NONE
        if txn.state == (PREPARE_COMMIT if commit else PREPARE_ABORT):
            return ERRORS["CONCURRENT_TRANSACTIONS"]
        return ERRORS["INVALID_TXN_STATE"]

    def prepare(self, txn, commit):
        txn.state = PREPARE_COMMIT if commit else PREPARE_ABORT
        self.later(self.marker_delay_ms / 1000, lambda: self.complete(txn))

    def complete(self, txn):
        committed = txn.state == PREPARE_COMMIT
        for topic, index in sorted(txn.partitions):
            self.write_marker(topic, index, txn.producer_id, txn.epoch, committed)
        for group, offsets in txn.offsets.items():
            if committed:
                self.store_offsets(group, offsets)
        txn.partitions, txn.offsets = set(), {}
        txn.state = COMPLETE_COMMIT if committed else COMPLETE_ABORT

    def fence(self, txn):
        """Aborts what is open under an epoch that is never told to anybody."""
        txn.epoch, txn.last_epoch = txn.epoch + 1, -1
        self.prepare(txn, False)

    def time_out(self, txn, number):
        if txn.state == ONGOING and txn.number == number:
            self.fence(txn)

    def unstable(self, group):
        """Does an open transaction hold offsets of this group?"""
        return any(group in txn.offsets for txn in self.ids.values())
