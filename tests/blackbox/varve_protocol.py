"""The protocol of varve in plain Python: frames, msgpack, records and their checksum.

Written from docs/protocol.md with nothing but the standard library, and sharing no code with the server: what both
agree on is what the document says. Slow and small on purpose."""
import struct

MAGIC = b"V\xa6"
VERSION = 1
HEADER = struct.Struct(">2sBBHHII")

OPCODES = {
    "HELLO": 0x01, "PING": 0x02, "APPEND": 0x03, "READ": 0x04, "CREDIT": 0x05, "CANCEL": 0x06, "STREAM_INFO": 0x07,
    "STREAM_LIST": 0x08, "STREAM_CHANGE": 0x09, "FIND": 0x0A, "GET": 0x0B, "STATS": 0x0C, "HEALTH": 0x0D,
    "CONFIG": 0x0E, "CONFIG_OK": 0x8E,
    "SUBSCRIBE": 0x10, "GROUP_CREATE": 0x18, "GROUP_UPDATE": 0x19, "GROUP_DELETE": 0x1A, "GROUP_RESET": 0x1B,
    "GROUP_INFO": 0x1C, "GROUP_LIST": 0x1D, "GROUP_JOIN": 0x1E, "GROUP_ACK": 0x1F, "GROUP_NACK": 0x20,
    "GROUP_EXTEND": 0x21, "PARKED_LIST": 0x22, "PARKED_REPLAY": 0x23, "PARKED_DISCARD": 0x24, "TRANSACT": 0x28,
    "SAGA_GET": 0x29, "SAGA_LIST": 0x2A, "SAGA_COUNTS": 0x2B, "SAGA_CLAIM": 0x2C, "SNAPSHOT_PUT": 0x30,
    "SNAPSHOT_GET": 0x31, "SNAPSHOT_LIST": 0x32, "SNAPSHOT_DELETE": 0x33, "LOAD": 0x34, "OUTBOX_LIST": 0x38,
    "OUTBOX_ORDER": 0x39, "OUTBOX_DEAD": 0x3A, "OUTBOX_HISTORY": 0x3B, "OUTBOX_VERIFY": 0x3C, "HELLO_OK": 0x81,
    "PONG": 0x82, "APPEND_OK": 0x83, "READ_BATCH": 0x84, "READ_END": 0x85, "STREAM_INFO_OK": 0x87,
    "STREAM_LIST_OK": 0x88, "STREAM_CHANGE_OK": 0x89, "FIND_OK": 0x8A, "GET_OK": 0x8B, "STATS_OK": 0x8C,
    "HEALTH_OK": 0x8D, "SUBSCRIBED": 0x90, "EVENTS": 0x91, "CAUGHT_UP": 0x92, "FELL_BEHIND": 0x93, "CHECKPOINT": 0x94,
    "GROUP_OK": 0x98, "GROUP_LIST_OK": 0x9D, "GROUP_JOINED": 0x9E, "GROUP_ACK_OK": 0x9F, "GROUP_EVENTS": 0xA0,
    "PARKED_LIST_OK": 0xA2, "PARKED_OK": 0xA3, "TRANSACT_OK": 0xA8, "SAGA_GET_OK": 0xA9, "SAGA_LIST_OK": 0xAA,
    "SAGA_COUNTS_OK": 0xAB, "SAGA_CLAIM_OK": 0xAC, "SNAPSHOT_PUT_OK": 0xB0, "SNAPSHOT_GET_OK": 0xB1,
    "SNAPSHOT_LIST_OK": 0xB2, "SNAPSHOT_DELETE_OK": 0xB3, "LOADING": 0xB4, "OUTBOX_LIST_OK": 0xB8,
    "OUTBOX_ORDER_OK": 0xB9, "OUTBOX_DEAD_OK": 0xBA, "OUTBOX_HISTORY_OK": 0xBB, "OUTBOX_VERIFY_OK": 0xBC,
    "ERROR": 0xFF,
}
NAMES = {number: name for name, number in OPCODES.items()}

NO_STREAM, ANY, STREAM_EXISTS = -1, -2, -3
ALL, STREAM, CATEGORY, TYPE, CORRELATION = range(5)


class Malformed(Exception):
    """Bytes that are not what the protocol says they must be."""


# ---- msgpack ---------------------------------------------------------------------------------------------------------


def _pack_sized(size, fixed, fixed_limit, widths):
    if size < fixed_limit:
        return bytes([fixed | size])
    for first, code, limit in widths:
        if size < limit:
            return bytes([first]) + struct.pack(code, size)
    raise ValueError("too large")


_STR = ((0xD9, ">B", 1 << 8), (0xDA, ">H", 1 << 16), (0xDB, ">I", 1 << 32))
_BIN = ((0xC4, ">B", 1 << 8), (0xC5, ">H", 1 << 16), (0xC6, ">I", 1 << 32))
_ARRAY = ((0xDC, ">H", 1 << 16), (0xDD, ">I", 1 << 32))
_MAP = ((0xDE, ">H", 1 << 16), (0xDF, ">I", 1 << 32))


def _pack_int(value):
    if 0 <= value < 0x80:
        return bytes([value])
    if -32 <= value < 0:
        return struct.pack(">b", value)
    if value >= 0:
        for first, code, limit in ((0xCC, ">B", 1 << 8), (0xCD, ">H", 1 << 16), (0xCE, ">I", 1 << 32),
                                   (0xCF, ">Q", 1 << 64)):
            if value < limit:
                return bytes([first]) + struct.pack(code, value)
    for first, code, limit in ((0xD0, ">b", 1 << 7), (0xD1, ">h", 1 << 15), (0xD2, ">i", 1 << 31),
                               (0xD3, ">q", 1 << 63)):
        if -limit <= value < 0:
            return bytes([first]) + struct.pack(code, value)
    raise ValueError("too large")


def pack(value):
    """A value in its shortest form."""
    if value is None:
        return b"\xc0"
    if value is False or value is True:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _pack_int(value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return _pack_sized(len(text), 0xA0, 32, _STR) + text
    if isinstance(value, (bytes, bytearray)):
        return _pack_sized(len(value), 0, 0, _BIN) + bytes(value)
    if isinstance(value, (list, tuple)):
        return _pack_sized(len(value), 0x90, 16, _ARRAY) + b"".join(pack(item) for item in value)
    if isinstance(value, dict):
        return _pack_sized(len(value), 0x80, 16, _MAP) + b"".join(pack(k) + pack(v) for k, v in value.items())
    raise TypeError(type(value))


_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i",
            0xD3: ">q"}
_SIZES = {0xC4: ("bin", ">B"), 0xC5: ("bin", ">H"), 0xC6: ("bin", ">I"), 0xD9: ("str", ">B"), 0xDA: ("str", ">H"),
          0xDB: ("str", ">I"), 0xDC: ("array", ">H"), 0xDD: ("array", ">I"), 0xDE: ("map", ">H"), 0xDF: ("map", ">I")}


class _Unpacker:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if size > len(self.data) - self.at:
            raise Malformed("bytes end too early")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, code):
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def sized(self, kind, size, depth):
        if kind == "bin":
            return self.take(size)
        if kind == "str":
            return self.take(size).decode()
        if size > len(self.data) - self.at or depth == 0:
            raise Malformed("count or depth")
        if kind == "array":
            return [self.value(depth - 1) for _ in range(size)]
        return {self.value(depth - 1): self.value(depth - 1) for _ in range(size)}

    def value(self, depth):
        first = self.take(1)[0]
        if first < 0x80:
            return first
        if first >= 0xE0:
            return first - 256
        if first < 0x90:
            return self.sized("map", first & 15, depth)
        if first < 0xA0:
            return self.sized("array", first & 15, depth)
        if first < 0xC0:
            return self.sized("str", first & 31, depth)
        if first in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[first]
        if first in _NUMBERS:
            return self.number(_NUMBERS[first])
        if first in _SIZES:
            kind, code = _SIZES[first]
            return self.sized(kind, self.number(code), depth)
        raise Malformed("a kind of value that is not used")


def unpack(data, max_depth=8):
    """Exactly one value."""
    unpacker = _Unpacker(bytes(data))
    value = unpacker.value(max_depth)
    if unpacker.at != len(data):
        raise Malformed("bytes follow the value")
    return value


# ---- XXH3-64, seed 0 -------------------------------------------------------------------------------------------------

_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")
_P32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
_P64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
_M = (1 << 64) - 1


def _u32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def _u64(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def _fold(a, b):
    product = a * b
    return (product & _M) ^ (product >> 64)


def _avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & _M
    return h ^ h >> 32


def _avalanche_xxh64(h):
    h ^= h >> 33
    h = h * _P64[1] & _M
    h ^= h >> 29
    h = h * _P64[2] & _M
    return h ^ h >> 32


def _rotate(h, bits):
    return (h << bits | h >> (64 - bits)) & _M


def _mix16(data, at, secret_at):
    return _fold(_u64(data, at) ^ _u64(_SECRET, secret_at), _u64(data, at + 8) ^ _u64(_SECRET, secret_at + 8))


def _up_to_16(data, n):
    if n > 8:
        low = _u64(data, 0) ^ _u64(_SECRET, 24) ^ _u64(_SECRET, 32)
        high = _u64(data, n - 8) ^ _u64(_SECRET, 40) ^ _u64(_SECRET, 48)
        swapped = int.from_bytes(low.to_bytes(8, "little"), "big")
        return _avalanche((n + swapped + high + _fold(low, high)) & _M)
    if n >= 4:
        h = (_u32(data, n - 4) + (_u32(data, 0) << 32)) ^ _u64(_SECRET, 8) ^ _u64(_SECRET, 16)
        h ^= _rotate(h, 49) ^ _rotate(h, 24)
        h = h * 0x9FB21C651E98DF25 & _M
        h ^= (h >> 35) + n
        h = h * 0x9FB21C651E98DF25 & _M
        return h ^ h >> 28
    if n > 0:
        combined = data[0] << 16 | data[n >> 1] << 24 | data[n - 1] | n << 8
        return _avalanche_xxh64(combined ^ _u32(_SECRET, 0) ^ _u32(_SECRET, 4))
    return _avalanche_xxh64(_u64(_SECRET, 56) ^ _u64(_SECRET, 64))


def _up_to_240(data, n):
    total = n * _P64[0]
    if n <= 128:
        for i in range((n - 1) // 32, -1, -1):
            total += _mix16(data, 16 * i, 32 * i) + _mix16(data, n - 16 * (i + 1), 32 * i + 16)
        return _avalanche(total & _M)
    total += sum(_mix16(data, 16 * i, 16 * i) for i in range(8))
    total = _avalanche(total & _M)
    total += sum(_mix16(data, 16 * i, 16 * (i - 8) + 3) for i in range(8, n // 16))
    return _avalanche((total + _mix16(data, n - 16, 136 - 17)) & _M)


def _accumulate(lanes, data, at, secret_at):
    for i in range(8):
        value = _u64(data, at + 8 * i)
        key = value ^ _u64(_SECRET, secret_at + 8 * i)
        lanes[i ^ 1] = (lanes[i ^ 1] + value) & _M
        lanes[i] = (lanes[i] + (key & 0xFFFFFFFF) * (key >> 32)) & _M


def _long(data, n):
    lanes = [_P32[2], _P64[0], _P64[1], _P64[2], _P64[3], _P32[1], _P64[4], _P32[0]]
    blocks = (n - 1) // 1024
    for block in range(blocks):
        for stripe in range(16):
            _accumulate(lanes, data, block * 1024 + stripe * 64, stripe * 8)
        for i in range(8):
            lanes[i] = ((lanes[i] ^ lanes[i] >> 47 ^ _u64(_SECRET, 128 + 8 * i)) * _P32[0]) & _M
    for stripe in range((n - 1 - 1024 * blocks) // 64):
        _accumulate(lanes, data, blocks * 1024 + stripe * 64, stripe * 8)
    _accumulate(lanes, data, n - 64, 192 - 64 - 7)
    total = n * _P64[0]
    for i in range(4):
        total += _fold(lanes[2 * i] ^ _u64(_SECRET, 11 + 16 * i), lanes[2 * i + 1] ^ _u64(_SECRET, 19 + 16 * i))
    return _avalanche(total & _M)


def xxh3_64(data):
    data, n = bytes(data), len(data)
    if n <= 16:
        return _up_to_16(data, n)
    return _up_to_240(data, n) if n <= 240 else _long(data, n)


# ---- records ---------------------------------------------------------------------------------------------------------

RECORD_FIELDS = ("format", "position", "version", "recorded_at", "id", "stream", "type", "class", "schema_version",
                 "time", "correlation_id", "causation_id", "source", "user_id", "content_type", "metadata", "data",
                 "checksum")


def record(event):
    """The bytes of a record, from a dict with RECORD_FIELDS (format and checksum are made here)."""
    stream, kind = event["stream"].encode(), event["type"].encode()
    body = b"\xdc\x00\x12\x01"
    for name in ("position", "version", "recorded_at"):
        body += b"\xcf" + struct.pack(">Q", event[name])
    body += pack(event["id"]) + b"\xda" + struct.pack(">H", len(stream)) + stream
    body += b"\xd9" + struct.pack(">B", len(kind)) + kind
    body += b"".join(pack(event[name]) for name in RECORD_FIELDS[7:17])
    return body + b"\xcf" + struct.pack(">Q", xxh3_64(body))


def read_record(data):
    """The fields of a record as a dict; Malformed when its checksum is wrong."""
    if len(data) < 10 or data[-9] != 0xCF or struct.unpack(">Q", data[-8:])[0] != xxh3_64(data[:-9]):
        raise Malformed("the checksum of a record is wrong")
    values = unpack(data)
    if len(values) != 18 or values[0] != 1:
        raise Malformed("not a record of format 1")
    return dict(zip(RECORD_FIELDS, values))


# ---- frames ----------------------------------------------------------------------------------------------------------


def frame(opcode, request_id, body, raw=False):
    """A whole frame; `body` is a value, or bytes as they are when `raw`."""
    number = OPCODES[opcode] if isinstance(opcode, str) else opcode
    content = bytes(body) if raw else pack(body)
    return HEADER.pack(MAGIC, VERSION, number, 0, 0, len(content), request_id) + content


def parse_header(header):
    """(opcode's name, length of the body, request id)"""
    magic, version, opcode, flags, reserved, length, request_id = HEADER.unpack(header)
    if magic != MAGIC or version != VERSION or flags != 0 or reserved != 0 or opcode not in NAMES:
        raise Malformed("not a frame of version 1")
    return NAMES[opcode], length, request_id
