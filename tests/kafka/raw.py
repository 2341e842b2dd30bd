"""A small client of Kafka in frames of our own making: for reading whole partitions, and for requests that no client
library would send. Works with the double and with Kafka."""
import os
import socket
import ssl
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import records  # noqa: E402
from double import names  # noqa: E402
from double.batch import HEADER, TRANSACTIONAL, crc32c  # noqa: E402
from double.wire import Reader, Writer  # noqa: E402

PATIENCE_S = 60
EARLIEST, LATEST = -2, -1


def zigzag(value):
    value, out = value << 1 ^ value >> 63, bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def make_batch(values, producer_id=-1, epoch=-1, sequence=-1, transactional=False, key=None):
    """A record batch of these values, all with one key or with none."""
    body, named = b"", zigzag(-1) if key is None else zigzag(len(key)) + key
    for delta, value in enumerate(values):
        record = b"\0" + zigzag(0) + zigzag(delta) + named + zigzag(len(value)) + value + zigzag(0)
        body += zigzag(len(record)) + record
    data = bytearray(HEADER.pack(0, HEADER.size - 12 + len(body), -1, 2, 0, TRANSACTIONAL if transactional else 0,
                                 len(values) - 1, 1, 1, producer_id, epoch, sequence, len(values)) + body)
    struct.pack_into(">I", data, 17, crc32c(data[21:]))
    return bytes(data)


class Raw:
    """One connection; a context manager. The methods return error numbers and what else the answer says."""

    trusted = None  # A certificate; when there is one, connections are those of TLS.

    def __init__(self, port, client="raw"):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        if self.trusted is not None:
            context = ssl.create_default_context(cafile=self.trusted)
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.client, self.correlation = client, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, key, version, body):
        self.correlation += 1
        header = Writer().i16(key).i16(version).i32(self.correlation).string(self.client)
        header.flexible = body.flexible
        self.socket.sendall(header.tags().raw(b"".join(body.parts)).frame())

    def take(self, size):
        data = bytearray()
        while len(data) < size:
            part = self.socket.recv(min(size - len(data), 1 << 20))
            if not part:
                raise ConnectionError("the broker closed the connection")
            data += part
        return data

    def receive(self):
        """A reader behind the correlation id."""
        reader = Reader(self.take(struct.unpack(">i", self.take(4))[0]))
        assert reader.i32() == self.correlation
        return reader

    def ask(self, key, version, body):
        self.send(key, version, body)
        reader = self.receive()
        reader.flexible = body.flexible
        reader.tags()
        return reader

    # ---- topics ----

    def create_topic(self, name, partitions, settings=None):
        body, settings = Writer(), sorted((settings or {}).items())
        body.array([name], lambda n: body.string(n).i32(partitions).i16(1).array([], None).array(
            settings, lambda setting: body.string(setting[0]).string(setting[1])))
        reader = self.ask(names.CREATE_TOPICS, 2, body.i32(30000).boolean(False))
        reader.i32()
        return reader.array(lambda: (reader.string(), reader.i16(), reader.string()))[0][1]

    # ---- reading ----

    def offset(self, topic, index, which=LATEST, committed=False):
        body = Writer().i32(-1).i8(1 if committed else 0)
        body.array([topic], lambda t: body.string(t).array([index], lambda i: body.i32(i).i64(which)))
        reader = self.ask(names.LIST_OFFSETS, 2, body)
        reader.i32()
        parts = reader.array(lambda: (reader.string(), reader.array(
            lambda: (reader.i32(), reader.i16(), reader.i64(), reader.i64()))))
        _, error, _, offset = parts[0][1][0]
        assert error == 0, f"{topic} {index}: {names.ERROR_NAMES.get(error, error)}"
        return offset

    def fetch(self, topic, index, offset, committed=False, max_wait_ms=0, max_bytes=8 << 20):
        """(error, end, stable end, aborted transactions, batches as bytes)"""
        body = Writer().i32(-1).i32(max_wait_ms).i32(1).i32(max_bytes).i8(1 if committed else 0)
        body.array([topic], lambda t: body.string(t).array(
            [index], lambda i: body.i32(i).i64(offset).i32(max_bytes)))
        reader = self.ask(names.FETCH, 4, body)
        reader.i32()
        parts = reader.array(lambda: (reader.string(), reader.array(lambda: (
            reader.i32(), reader.i16(), reader.i64(), reader.i64(),
            reader.array(lambda: (reader.i64(), reader.i64())), reader.blob()))))
        _, error, end, stable, aborted, data = parts[0][1][0]
        return error, end, stable, aborted or [], data if data is not None else b""

    def batches(self, topic, index):
        """All of them, from the first to the end as it is now."""
        offset, end = self.offset(topic, index, EARLIEST), self.offset(topic, index)
        while offset < end:
            error, _, _, _, data = self.fetch(topic, index, offset)
            assert error == 0, f"{topic} {index} at {offset}: {names.ERROR_NAMES.get(error, error)}"
            found = list(records.split(data))
            assert found, f"{topic} {index}: nothing at {offset}, though it ends at {end}"
            yield from found
            offset = found[-1].last + 1

    def records(self, topic, index):
        """All records of a partition with their fate, as records.read() tells them."""
        return records.read(self.batches(topic, index))

    def topics(self, wanted=None):
        """{name: partitions}, of all that there are, or of one."""
        body = Writer()
        body.array([wanted] if wanted is not None else None, body.string)
        reader = self.ask(names.METADATA, 1, body)
        reader.array(lambda: (reader.i32(), reader.string(), reader.i32(), reader.string()))
        reader.i32()
        found = reader.array(lambda: (reader.i16(), reader.string(), reader.i8(), reader.array(
            lambda: (reader.i16(), reader.i32(), reader.i32(), reader.array(reader.i32), reader.array(reader.i32)))))
        return {name: len(parts) for error, name, _, parts in found if error == 0}

    def partitions(self, topic):
        """How many; None for a topic that is not there."""
        return self.topics(topic).get(topic)

    def committed_of(self, topic):
        """[records] of each partition: those a consumer with read_committed sees, in order."""
        return [[record for record in self.records(topic, index) if record.state == records.COMMITTED]
                for index in range(self.partitions(topic) or 0)]

    # ---- writing ----

    def find_coordinator(self, transactional_id):
        """An error; a new Kafka makes what it needs for transactions when it is asked this first."""
        reader = self.ask(names.FIND_COORDINATOR, 1, Writer().string(transactional_id).i8(1))
        reader.i32()
        return reader.i16()

    def init_producer(self, transactional_id, timeout_ms=60000):
        """(error, producer id, epoch)"""
        reader = self.ask(names.INIT_PRODUCER_ID, 0, Writer().string(transactional_id).i32(timeout_ms))
        reader.i32()
        return reader.i16(), reader.i64(), reader.i16()

    def continue_producer(self, transactional_id, producer, timeout_ms=60000):
        """As init_producer(), for a producer that goes on after an error."""
        body = Writer(flexible=True).string(transactional_id).i32(timeout_ms).i64(producer[0]).i16(producer[1]).tags()
        reader = self.ask(names.INIT_PRODUCER_ID, 4, body)
        reader.i32()
        return reader.i16(), reader.i64(), reader.i16()

    def add_partitions(self, transactional_id, producer, topic, indexes):
        """{partition: error}; `producer` is (producer id, epoch)."""
        body = Writer().string(transactional_id).i64(producer[0]).i16(producer[1])
        body.array([topic], lambda t: body.string(t).array(indexes, body.i32))
        reader = self.ask(names.ADD_PARTITIONS_TO_TXN, 0, body)
        reader.i32()
        return dict(reader.array(lambda: (reader.string(), reader.array(lambda: (reader.i32(), reader.i16()))))[0][1])

    def produce(self, topic, index, batch, transactional_id=None):
        """(error, base offset)"""
        body = Writer().string(transactional_id).i16(-1).i32(5000)
        body.array([topic], lambda t: body.string(t).array([index], lambda i: body.i32(i).blob([batch])))
        reader = self.ask(names.PRODUCE, 3, body)
        _, error, base, _ = reader.array(lambda: (reader.string(), reader.array(
            lambda: (reader.i32(), reader.i16(), reader.i64(), reader.i64()))))[0][1][0]
        return error, base

    def end(self, transactional_id, producer, commit):
        body = Writer().string(transactional_id).i64(producer[0]).i16(producer[1]).boolean(commit)
        reader = self.ask(names.END_TXN, 0, body)
        reader.i32()
        return reader.i16()
