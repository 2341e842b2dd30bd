"""What a partition holds, record by record: batches as bytes in, records with the fate of their transaction out."""
import gzip
import os
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lz4  # noqa: E402
from double.batch import HEADER, Batch  # noqa: E402

COMMITTED, ABORTED, OPEN = "committed", "aborted", "open"
COMPRESSION = {0: None, 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}


class Record:
    """`state` is COMMITTED for what was written outside of transactions, too. Headers are (name, value) pairs."""

    __slots__ = ("offset", "timestamp", "key", "value", "headers", "state", "producer_id", "epoch")

    def __init__(self, offset, timestamp, key, value, headers):
        self.offset, self.timestamp, self.key, self.value, self.headers = offset, timestamp, key, value, headers
        self.state, self.producer_id, self.epoch = COMMITTED, -1, -1

    def header(self, name):
        """The value of the first header of that name; None when there is none."""
        return next((value for known, value in self.headers if known == name), None)

    def __repr__(self):
        return f"<{self.offset} {self.key!r} {self.value!r} {self.headers!r} {self.state}>"


def split(data):
    """The batches in what a fetch brought; a part of one at the end is left out, as Kafka may cut there."""
    at, data = 0, memoryview(data)
    while at + HEADER.size <= len(data):
        size = 12 + struct.unpack_from(">i", data, at + 8)[0]
        if at + size > len(data):
            return
        yield Batch(data[at:at + size])
        at += size


def plain(batch):
    """The records of a batch as bytes, not compressed any more."""
    kind, body = COMPRESSION[batch.attributes & 7], batch.data[HEADER.size:]
    if kind is None:
        return bytes(body)
    if kind == "gzip":
        return gzip.decompress(body)
    if kind == "lz4":
        return lz4.decompress(body)
    raise ValueError(f"records compressed by {kind} cannot be read here")


def varint(data, at):
    """(number, where it ends)"""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value >> 1 ^ -(value & 1), at
        shift += 7


def field(data, at):
    """(bytes or None, where they end)"""
    size, at = varint(data, at)
    return (None, at) if size < 0 else (data[at:at + size], at + size)


def decode(batch):
    """Its records, in order."""
    data, at = plain(batch), 0
    base_timestamp = HEADER.unpack_from(batch.data)[7]
    for _ in range(batch.count):
        size, at = varint(data, at)
        end = at + size
        after, at = varint(data, at + 1)
        delta, at = varint(data, at)
        key, at = field(data, at)
        value, at = field(data, at)
        count, at = varint(data, at)
        headers = []
        for _ in range(count):
            name, at = field(data, at)
            content, at = field(data, at)
            headers.append((name.decode(), content))
        if at != end:
            raise ValueError(f"a record of {size} bytes at offset {batch.base + delta} has another length")
        yield Record(batch.base + delta, base_timestamp + after, key, value, headers)


def committed(marker):
    """Of a control batch: does it commit?"""
    key = next(decode(marker)).key
    return struct.unpack(">hh", key)[1] == 1


def read(batches):
    """All records of a partition, read from its beginning without regard to transactions, each with its fate."""
    found, undecided = [], {}
    for batch in batches:
        if batch.control:
            state = COMMITTED if committed(batch) else ABORTED
            for record in undecided.pop(batch.producer_id, []):
                record.state = state
            continue
        records = list(decode(batch))
        for record in records:
            record.producer_id, record.epoch = batch.producer_id, batch.epoch
            if batch.transactional:
                record.state = OPEN
        if batch.transactional:
            undecided.setdefault(batch.producer_id, []).extend(records)
        found += records
    return found
