"""Decompression of LZ4 frames, which Python's standard library lacks."""
import struct

MAGIC = 0x184D2204
CONTENT_SIZE, CONTENT_CHECKSUM, BLOCK_CHECKSUM, DICTIONARY = 0x08, 0x04, 0x10, 0x01
STORED = 0x80000000  # In a block's size: it is not compressed.


class Damaged(Exception):
    """Not an LZ4 frame, or not a whole one."""


def decompress(data):
    """All frames in `data`, one after the other. Checksums are not looked at."""
    data, out, at = bytes(data), bytearray(), 0
    try:
        while at < len(data):
            at = frame(data, at, out)
    except (IndexError, struct.error) as error:
        raise Damaged("it ends too early") from error
    return bytes(out)


def frame(data, at, out):
    """Appends what a frame holds to `out`; where the next one begins."""
    magic, flags, _ = struct.unpack_from("<IBB", data, at)
    if magic != MAGIC or flags >> 6 != 1:
        raise Damaged(f"no frame at {at}")
    at += 6 + (8 if flags & CONTENT_SIZE else 0) + (4 if flags & DICTIONARY else 0) + 1
    while True:
        size = struct.unpack_from("<I", data, at)[0]
        at += 4
        if size == 0:
            return at + (4 if flags & CONTENT_CHECKSUM else 0)
        end = at + (size & ~STORED)
        if end > len(data):
            raise Damaged("a block ends too early")
        if size & STORED:
            out += data[at:end]
        else:
            block(data, at, end, out)
        at = end + (4 if flags & BLOCK_CHECKSUM else 0)


def length(data, at, start):
    """(a length that began as four bits, where it ends)"""
    if start == 15:
        while True:
            more = data[at]
            at += 1
            start += more
            if more != 255:
                break
    return start, at


def block(data, at, end, out):
    """Literals, then a copy of what is there already; the last sequence has literals only."""
    while at < end:
        token = data[at]
        size, at = length(data, at + 1, token >> 4)
        out += data[at:at + size]
        at += size
        if at >= end:
            return
        back = data[at] | data[at + 1] << 8
        size, at = length(data, at + 2, token & 15)
        copy(out, back, size + 4)


def copy(out, back, size):
    """The copy may reach into what it writes itself: then it repeats."""
    if not 0 < back <= len(out):
        raise Damaged(f"a copy from {back} bytes before, of {len(out)}")
    start = len(out) - back
    if back >= size:
        out += out[start:start + size]
    else:
        pattern = bytes(out[start:])
        out += (pattern * (size // back + 1))[:size]
