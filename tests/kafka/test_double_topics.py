#!/usr/bin/env python3
"""Topics, settings, offsets and reading of the broker double: with librdkafka, kcat and frames of our own."""
import ctypes
import os
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
import lz4  # noqa: E402
import records  # noqa: E402
from broker import PATIENCE_S, TxBroker, wait_until  # noqa: E402
from double import names  # noqa: E402
from double.batch import Batch, crc32c  # noqa: E402
from double.names import ERRORS  # noqa: E402
from double.wire import Writer  # noqa: E402
from probe import Probe  # noqa: E402
from raw import EARLIEST, make_batch  # noqa: E402
from varved import run  # noqa: E402


def kcat(broker, *arguments, text=None):
    done = subprocess.run(["kcat", "-b", broker.bootstrap, *arguments], input=text, capture_output=True, text=True,
                          timeout=PATIENCE_S, check=True)
    return done.stdout


def kcat_lists_produces_and_consumes(_):
    with TxBroker("--topic", "t:3") as broker:
        assert 'topic "t" with 3 partitions' in kcat(broker, "-L")
        assert "Unknown topic or partition" in kcat(broker, "-L", "-t", "missing")
        kcat(broker, "-P", "-t", "t", "-p", "1", "-K:", text="a:one\nb:two\n")
        assert kcat(broker, "-C", "-t", "t", "-e", "-q", "-f", "%p %o %k %s\n") == "1 0 a one\n1 1 b two\n"
        assert list(broker.topics()) == ["t"]


def headers_keys_and_times_are_read(_):
    with TxBroker("--topic", "t:1") as broker:
        for codec in "none", "gzip", "lz4":
            kcat(broker, "-P", "-t", "t", "-p", "0", "-z", codec, "-K:", "-H", "v-pos=7", "-H", "empty=", "-X",
                 "linger.ms=100", text="key:" + "x" * 3000 + "\nkey:\n")
        before = time.time() * 1000 - 600000
        found = broker.committed("t")[0]
        assert [(r.offset, r.key, len(r.value or b"")) for r in found] == [
            (i, b"key", 3000 if i % 2 == 0 else 0) for i in range(6)], found
        assert all(r.header("v-pos") == b"7" and r.header("empty") == b"" and r.header("x") is None for r in found)
        assert all(r.timestamp > before for r in found)


def topics_come_by_request_only(_):
    with TxBroker() as broker, Probe() as probe:
        probe.ask("create", broker.bootstrap, "made", 3, "cleanup.policy=compact", "segment.bytes=33554432")
        assert broker.topics() == {"made": [[0, 0, 0]] * 3}
        assert probe.ask("config", broker.bootstrap, "made", "cleanup.policy") == ["compact"]
        assert probe.ask("config", broker.bootstrap, "made", "max.message.bytes") == ["1048588"]
        assert probe.fails("config", broker.bootstrap, "other", "cleanup.policy").name == "UNKNOWN_TOPIC_OR_PART"
        assert probe.fails("create", broker.bootstrap, "made", 3).name == "TOPIC_ALREADY_EXISTS"
        assert probe.fails("create", broker.bootstrap, "no/good", 3).name == "TOPIC_EXCEPTION"
        assert probe.fails("create", broker.bootstrap, "none", 100000).name == "INVALID_PARTITIONS"
        broker.configure_topic(name="made", settings={"cleanup.policy": "delete"})
        assert probe.ask("config", broker.bootstrap, "made", "cleanup.policy") == ["delete"]
    with TxBroker("--auto-create", "2") as broker, broker.raw() as raw:
        assert raw.partitions("new") == 2


def partitions_are_raised(_):
    with TxBroker("--topic", "t:2") as broker, broker.raw() as raw:
        assert broker.add_partitions(name="t", count=5) == "NONE" and raw.partitions("t") == 5
        assert broker.add_partitions(name="t", count=4) == "INVALID_PARTITIONS"
        assert raw.produce("t", 4, make_batch([b"x"])) == (0, 0)


def logs_lose_their_beginning_and_end(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe, broker.raw() as raw:
        probe.join(broker.bootstrap, "a", "t")
        for number in range(6):
            probe.transaction("t", 0, str(number), commit=number != 1)  # Offsets 0, 2, 4, ...; a marker behind each.
        wait_until(lambda: broker.topics()["t"] == [[0, 12, 12]], "the markers")
        broker.delete_before(topic="t", index=0, offset=4)
        assert raw.offset("t", 0, EARLIEST) == 4 and raw.fetch("t", 0, 3)[0] == ERRORS["OFFSET_OUT_OF_RANGE"]
        assert probe.read(broker.bootstrap, "t", 0) == ["2", "3", "4", "5"]
        broker.truncate_to(topic="t", index=0, offset=9)  # A transaction without its marker is open again.
        assert broker.topics()["t"] == [[4, 8, 9]]
        broker.truncate_to(topic="t", index=0, offset=8)
        assert probe.read(broker.bootstrap, "t", 0) == ["2", "3"]
        broker.delete_before(topic="t", index=0, offset=-1)
        assert broker.topics()["t"] == [[8, 8, 8]] and probe.read(broker.bootstrap, "t", 0) == []
        assert broker.delete_topic(name="t") == "NONE" and raw.partitions("t") is None


def readers_wait_for_what_comes(_):
    with TxBroker("--topic", "t:1") as broker, broker.raw() as reader, broker.raw() as writer:
        answers = []
        thread = threading.Thread(target=lambda: answers.append(reader.fetch("t", 0, 0, True, PATIENCE_S * 1000)))
        thread.start()
        wait_until(lambda: broker.counts().get("Fetch"), "the reader")
        _, *producer = writer.init_producer("a")
        writer.add_partitions("a", producer, "t", [0])
        assert writer.produce("t", 0, make_batch([b"x"], *producer, 0, True), "a") == (0, 0)
        assert not answers  # Not decided yet.
        assert writer.end("a", producer, True) == 0
        thread.join(PATIENCE_S)
        assert answers[0][:4] == (0, 2, 2, [])
        assert reader.fetch("t", 0, 2, True, 1)[4] == b""  # Nothing, after a while.


def aborted_transactions_are_named(_):
    with TxBroker("--topic", "t:1", "--marker-delay-ms", "0") as broker, broker.raw() as raw:
        producers = {}
        for sequence, (name, commit) in enumerate([("a", False), ("b", True), ("a", False), ("c", None)]):
            if name not in producers:
                producers[name] = [raw.init_producer(name)[1:], 0]
            producer, used = producers[name]
            raw.add_partitions(name, producer, "t", [0])
            assert raw.produce("t", 0, make_batch([b"x"], *producer, used, True), name) == (0, 2 * sequence)
            producers[name][1] += 1
            if commit is not None:
                assert raw.end(name, producer, commit) == 0
                wait_until(lambda: broker.topics()["t"][0][2] == 2 * sequence + 2, "the marker")
        first = producers["a"][0][0]
        assert raw.fetch("t", 0, 0, True)[1:4] == (7, 6, [(first, 0), (first, 4)])
        assert raw.fetch("t", 0, 2, True)[3] == [(first, 4)]
        assert raw.fetch("t", 0, 6, True)[3:] == ([], b"")
        assert raw.fetch("t", 0, 0, False)[3] == []
        assert [batch.base for batch in records.split(raw.fetch("t", 0, 0, False)[4])] == list(range(7))


def groups_have_offsets(_):
    with TxBroker("--topic", "t:1") as broker, broker.raw() as raw:
        _, pid, epoch = raw.init_producer("a")
        body = Writer().string("a").i64(pid).i16(epoch).string("group")
        assert raw.ask(names.ADD_OFFSETS_TO_TXN, 0, body).i32() == 0
        body = Writer().string("a").string("group").i64(pid).i16(epoch)
        body.array(["t"], lambda t: body.string(t).array([0], lambda i: body.i32(i).i64(41).string("m")))
        raw.ask(names.TXN_OFFSET_COMMIT, 0, body)
        assert broker.offsets(group="group") == []  # Not before the commit.
        assert raw.end("a", (pid, epoch), True) == 0
        wait_until(lambda: broker.offsets(group="group") == [["t", 0, 41, "m"]], "the commit")


def broken_frames_end_a_connection(_):
    with TxBroker("--topic", "t:1") as broker:
        for frame in (b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\x08" + bytes([0, 99]) + bytes(6),
                      b"\0\0\0\x0e" + bytes([0, 1, 0, 4]) + bytes(6) + b"\xff\xff\xff\xff",
                      b"\0\0\0\x0c" + bytes([0, 0, 0, 1]) + bytes(8)):
            with broker.raw() as raw:
                raw.socket.sendall(frame)
                try:
                    assert raw.socket.recv(1) == b"", frame
                except ConnectionResetError:
                    pass
        assert broker.ping()["requests"] >= 0


def an_unknown_version_is_told(_):
    with TxBroker() as broker, broker.raw() as raw:
        answer = raw.ask(names.API_VERSIONS, 9, Writer().i8(0))
        assert answer.i16() == ERRORS["UNSUPPORTED_VERSION"]
        known = answer.array(lambda: (answer.i16(), (answer.i16(), answer.i16())))
        assert dict(known) == names.VERSIONS


# ---- the readers of batches -----------------------------------------------------------------------------------------

def checksums_are_castagnolis(_):
    assert crc32c(b"123456789") == 0xE3069283 and crc32c(b"") == 0


def lz4_frame(sample, block_size=0, linked=0, checksums=0, size=0, level=0):
    """By the library that librdkafka links."""
    library = ctypes.CDLL("liblz4.so.1")
    library.LZ4F_compressFrameBound.restype = library.LZ4F_compressFrame.restype = ctypes.c_size_t
    wishes = struct.pack("<IIIIQIIiII12x", block_size, 1 - linked, checksums, 0, size, 0, checksums, level, 0, 0)
    room = ctypes.create_string_buffer(library.LZ4F_compressFrameBound(ctypes.c_size_t(len(sample)), wishes))
    done = library.LZ4F_compressFrame(room, ctypes.c_size_t(len(room)), sample, ctypes.c_size_t(len(sample)), wishes)
    assert done <= len(room)
    return room.raw[:done]


def lz4_frames_are_read(_):
    samples = [b"", b"a", b"abcabcabcabcabcabcabcabc", bytes(100000), os.urandom(70000),
               b"".join(b"%d," % (i * i) for i in range(50000))]
    for number, sample in enumerate(samples):
        for options in {}, {"level": 9}, {"block_size": 4, "linked": 1}, {"checksums": 1}, {"size": len(sample)}:
            frame = lz4_frame(sample, **options)
            assert lz4.decompress(frame) == sample, (number, options)
            assert lz4.decompress(frame + frame) == sample + sample
    for wrong in frame[:-20], b"nonsense" * 4, b"\x04\x22\x4d\x18\x60\x40\x82\x05\0\0\0\x10a\xff\xff\0":
        try:
            lz4.decompress(wrong)
            raise AssertionError(f"{wrong[:20]} was taken")
        except lz4.Damaged:
            pass


def batches_are_split_and_decoded(_):
    first, second = bytearray(make_batch([b"a", b"b" * 200])), bytearray(make_batch([b"c"]))
    Batch(second).place(2)
    data = first + second
    assert [batch.base for batch in records.split(data)] == [0, 2]
    assert [batch.base for batch in records.split(data[:-1])] == [0]  # The part of a batch at the end is left out.
    assert [record.value for batch in records.split(data) for record in records.decode(batch)] == [
        b"a", b"b" * 200, b"c"]


run([kcat_lists_produces_and_consumes, headers_keys_and_times_are_read, topics_come_by_request_only,
     partitions_are_raised, logs_lose_their_beginning_and_end, readers_wait_for_what_comes,
     aborted_transactions_are_named, groups_have_offsets, broken_frames_end_a_connection, an_unknown_version_is_told,
     checksums_are_castagnolis, lz4_frames_are_read, batches_are_split_and_decoded])
