"""A record batch (format v2): its header of 61 bytes, and the control batches that end transactions. The records in it
stay bytes, compressed or not."""
import struct

from .wire import I32, I64, Malformed

# base offset, length, leader epoch, magic, crc, attributes, last offset delta, base and max timestamp, producer id,
# producer epoch, base sequence, records
HEADER = struct.Struct(">qiibIhiqqqhii")
CRC_FROM = 21  # What lies before attributes may be rewritten by a broker.
TRANSACTIONAL, CONTROL = 0x10, 0x20
CRC_TABLE = []


def crc32c(data):
    """Castagnoli's; slow, for the few bytes of a control batch."""
    if not CRC_TABLE:
        for value in range(256):
            for _ in range(8):
                value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
            CRC_TABLE.append(value)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Batch:
    """`data` is the whole of it; base and last are its first and last offset, both known once it is in a log."""

    __slots__ = ("base", "last", "count", "data", "attributes", "max_timestamp", "producer_id", "epoch",
                 "first_sequence", "last_sequence")

    def __init__(self, data):
        if len(data) < HEADER.size:
            raise Malformed(f"a batch of {len(data)} bytes")
        (self.base, length, _, magic, _, self.attributes, delta, _, self.max_timestamp, self.producer_id, self.epoch,
         self.first_sequence, self.count) = HEADER.unpack_from(data)
        if magic != 2 or length != len(data) - 12 or delta != self.count - 1 or self.count < 1:
            raise Malformed(f"not one batch of format v2: magic {magic}, length {length} of {len(data)}, "
                            f"{self.count} records")
        self.data = data
        self.last = self.base + delta
        self.last_sequence = (self.first_sequence + delta) % (1 << 31) if self.first_sequence >= 0 else -1

    def place(self, offset):
        """Writes its offset into it. The bytes must be ours to change."""
        I64.pack_into(self.data, 0, offset)
        I32.pack_into(self.data, 12, 0)
        self.base, self.last = offset, offset + self.count - 1

    @property
    def transactional(self):
        return bool(self.attributes & TRANSACTIONAL)

    @property
    def control(self):
        return bool(self.attributes & CONTROL)


def control_batch(producer_id, epoch, committed, timestamp):
    """One record: key {version 0, 0 abort or 1 commit}, value {version 0, coordinator epoch 0}."""
    key, value = struct.pack(">hh", 0, 1 if committed else 0), struct.pack(">hi", 0, 0)
    body = b"\0\0\0" + bytes([len(key) * 2]) + key + bytes([len(value) * 2]) + value + b"\0"
    record = bytes([len(body) * 2]) + body
    data = bytearray(HEADER.pack(0, HEADER.size - 12 + len(record), 0, 2, 0, TRANSACTIONAL | CONTROL, 0, timestamp,
                                 timestamp, producer_id, epoch, -1, 1) + record)
    struct.pack_into(">I", data, 17, crc32c(data[CRC_FROM:]))
    return Batch(data)
