"""Kafka's primitive types, read from a frame and written into one. A flexible reader or writer takes strings, bytes and
arrays in their compact form and minds the tagged fields at the end of each structure."""
import struct

I8, I16, I32, I64 = struct.Struct(">b"), struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">q")


class Malformed(Exception):
    """A frame that ends too early or says something impossible."""


class Reader:
    def __init__(self, data, offset=0, flexible=False):
        self.data, self.offset, self.flexible = memoryview(data), offset, flexible

    def take(self, size):
        end = self.offset + size
        if size < 0 or end > len(self.data):
            raise Malformed(f"{size} bytes wanted at {self.offset} of {len(self.data)}")
        part, self.offset = self.data[self.offset:end], end
        return part

    def number(self, kind):
        return kind.unpack(self.take(kind.size))[0]

    def i8(self):
        return self.number(I8)

    def i16(self):
        return self.number(I16)

    def i32(self):
        return self.number(I32)

    def i64(self):
        return self.number(I64)

    def boolean(self):
        return self.i8() != 0

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 63:
                raise Malformed("a number without an end")

    def size(self, kind):
        """A length, -1 for null, in either form."""
        return self.uvarint() - 1 if self.flexible else self.number(kind)

    def string(self):
        """None for null."""
        size = self.size(I16)
        return None if size < 0 else str(self.take(size), "utf-8")

    def blob(self):
        """A view into the frame; None for null."""
        size = self.size(I32)
        return None if size < 0 else self.take(size)

    def array(self, read_one):
        """None for null. Each element takes a byte at least, so that a wrong count ends soon."""
        count = self.size(I32)
        if count < 0:
            return None
        if count > len(self.data) - self.offset:
            raise Malformed(f"an array of {count}")
        return [read_one() for _ in range(count)]

    def tags(self):
        """Skips the tagged fields that end a structure of a flexible version."""
        for _ in range(self.uvarint() if self.flexible else 0):
            self.uvarint()
            self.take(self.uvarint())


def uvarint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Writer:
    """Returns itself from each call, so that a structure reads as a line."""

    def __init__(self, flexible=False):
        self.parts, self.flexible = [], flexible

    def raw(self, data):
        self.parts.append(data)
        return self

    def i8(self, value):
        return self.raw(I8.pack(value))

    def i16(self, value):
        return self.raw(I16.pack(value))

    def i32(self, value):
        return self.raw(I32.pack(value))

    def i64(self, value):
        return self.raw(I64.pack(value))

    def boolean(self, value):
        return self.i8(1 if value else 0)

    def size(self, size, kind):
        return self.raw(uvarint(size + 1) if self.flexible else kind.pack(size))

    def string(self, value):
        if value is None:
            return self.size(-1, I16)
        data = value.encode()
        return self.size(len(data), I16).raw(data)

    def blob(self, parts):
        """Of the parts of one value; None for null."""
        if parts is None:
            return self.size(-1, I32)
        self.size(sum(len(part) for part in parts), I32)
        self.parts += parts
        return self

    def array(self, items, write_one):
        if items is None:
            return self.size(-1, I32)
        self.size(len(items), I32)
        for item in items:
            write_one(item)
        return self

    def tags(self):
        """No tagged fields."""
        return self.raw(b"\0") if self.flexible else self

    def frame(self):
        """All of it behind its length."""
        return b"".join([I32.pack(sum(len(part) for part in self.parts)), *self.parts])
