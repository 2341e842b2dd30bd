#!/usr/bin/env python3
"""Does the broker double keep transactions as Kafka does? Driven with librdkafka and with frames of our own."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from double.names import ERRORS  # noqa: E402
from probe import Probe  # noqa: E402
from raw import EARLIEST, make_batch  # noqa: E402
from records import ABORTED, COMMITTED, OPEN  # noqa: E402
from varved import run  # noqa: E402

COMMITTED_ONLY, EVERYTHING = "read_committed", "read_uncommitted"


def decided(broker, topic):
    """Commits and aborts are answered before their markers are written; what is read depends on these."""
    wait_until(lambda: all(stable == end for _, stable, end in broker.topics()[topic]), "the markers")


def committed_is_seen(_):
    with TxBroker("--topic", "t:3") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t")
        probe.transaction("t", 0, "one", "two")
        probe.transaction("t", 0, "three")
        decided(broker, "t")
        assert probe.read(broker.bootstrap, "t", 0) == ["one", "two", "three"]
        assert broker.topics()["t"] == [[0, 5, 5], [0, 0, 0], [0, 0, 0]]
        found = broker.committed("t")
        assert [[record.value for record in part] for part in found] == [[b"one", b"two", b"three"], [], []]
        assert [record.offset for record in found[0]] == [0, 1, 3]


def aborted_and_open_is_not(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe, Probe() as reader:
        probe.join(broker.bootstrap, "a", "t")
        probe.transaction("t", 0, "aborted", commit=False)
        probe.transaction("t", 0, "kept")
        decided(broker, "t")
        probe.ask("begin")
        probe.write("t", 0, "open")
        probe.ask("acked", 20000)
        assert reader.read(broker.bootstrap, "t", 0) == ["kept"]
        assert reader.read(broker.bootstrap, "t", 0, EVERYTHING) == ["aborted", "kept", "open"]
        with broker.raw() as raw:
            assert [r.state for r in raw.records("t", 0)] == [ABORTED, COMMITTED, OPEN]
            assert (raw.offset("t", 0), raw.offset("t", 0, committed=True), raw.offset("t", 0, EARLIEST)) == (5, 4, 0)
        probe.ask("commit", -1)
        decided(broker, "t")
        assert reader.read(broker.bootstrap, "t", 0) == ["kept", "open"]


def an_open_transaction_holds_back_others(_):
    with TxBroker("--topic", "t:2") as broker, Probe() as slow, Probe() as quick, Probe() as reader:
        for probe, name in (slow, "slow"), (quick, "quick"):
            probe.join(broker.bootstrap, name, "t")
        slow.ask("begin")
        slow.write("t", 0, "slow")
        slow.ask("acked", 20000)
        quick.ask("begin")
        quick.write("t", 0, "quick")
        quick.write("t", 1, "elsewhere")
        quick.ask("commit", -1)
        wait_until(lambda: broker.topics()["t"][1] == [0, 2, 2], "the marker")
        assert reader.read(broker.bootstrap, "t", 0) == []
        assert reader.read(broker.bootstrap, "t", 1) == ["elsewhere"]
        slow.ask("abort", -1)
        decided(broker, "t")
        assert reader.read(broker.bootstrap, "t", 0) == ["quick"]


def a_second_producer_fences_the_first(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as old, Probe() as new:
        old.join(broker.bootstrap, "same", "t")
        old.ask("begin")
        old.write("t", 0, "zombie")
        old.ask("acked", 20000)
        new.join(broker.bootstrap, "same", "t")  # It hears CONCURRENT_TRANSACTIONS while the old one's is aborted.
        answers = [entry.get("answer") for entry in broker.requests(api="InitProducerId")]
        assert len(answers) == 3 and answers[1] == [-1, -1] and answers[2][0] == answers[0][0], answers
        assert answers[2][1] == answers[0][1] + 2, answers  # One epoch for the abort, one for the new producer.
        failure = old.fails("commit", -1)
        assert failure.name == "_FENCED" and "fatal" in failure.flags, failure
        new.transaction("t", 0, "heir")
        decided(broker, "t")
        assert new.read(broker.bootstrap, "t", 0) == ["heir"]


def a_zombie_that_writes_is_refused(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as old, Probe() as new:
        for probe in old, new:
            probe.transactional(broker.bootstrap, "same")
        old.ask("init", 20000)
        new.ask("init", 20000)
        old.ask("begin")
        old.write("t", 0, "zombie")
        failure = old.fails("commit", -1)
        assert failure.name == "_FENCED" and "fatal" in failure.flags, failure
        with broker.raw() as raw:
            assert raw.records("t", 0) == []


def a_transaction_times_out(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t", 1000, "message.timeout.ms=900")
        probe.ask("begin")
        probe.write("t", 0, "late")
        probe.ask("acked", 20000)
        wait_until(lambda: broker.transactions()["a"]["state"] == "CompleteAbort", "the transaction's timeout")
        failure = probe.fails("commit", -1)
        assert failure.name == "_FENCED", failure  # Of itself: the coordinator has bumped the epoch.
        assert probe.read(broker.bootstrap, "t", 0) == []
        assert probe.read(broker.bootstrap, "t", 0, EVERYTHING) == ["late"]


def many_partitions_commit_together(_):
    with TxBroker("--topic", "t:12", "--marker-delay-ms", "5") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t")
        for number in range(20):
            probe.ask("begin")
            for partition in range(12):
                probe.write("t", partition, f"{number}.{partition}")
            probe.ask("acked", 20000)
            probe.ask(*(("abort", -1) if number % 5 == 4 else ("commit", -1)))
        wanted = [number for number in range(20) if number % 5 != 4]
        decided(broker, "t")
        for partition, found in enumerate(broker.committed("t")):
            assert [r.value.decode() for r in found] == [f"{number}.{partition}" for number in wanted]
        assert any(entry.get("error") == "CONCURRENT_TRANSACTIONS" for entry in broker.requests())


def large_batches_come_whole(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        for codec in "none", "lz4", "gzip":
            probe.join(broker.bootstrap, codec, "t", 60000, f"compression.type={codec}", "linger.ms=5")
            probe.ask("begin")
            probe.ask("load", "t", 0, 30000, 100)
            probe.ask("acked", 60000)
            probe.ask("commit", -1)
            probe.ask("destroy")
        decided(broker, "t")
        found = broker.committed("t")[0]
        assert len(found) == 90000
        for at, record in enumerate(found):
            assert record.value == str(at % 30000).encode().ljust(100, b"x"), record
        assert len(probe.read(broker.bootstrap, "t", 0)) == 90000


# ---- what no library would send -------------------------------------------------------------------------------------

def sequences_are_minded(_):
    with TxBroker("--topic", "t:1") as broker, broker.raw() as raw:
        error, pid, epoch = raw.init_producer(None)
        assert error == 0 and epoch == 0

        def send(sequence, count=1, epoch_=0):
            return raw.produce("t", 0, make_batch([b"x"] * count, pid, epoch_, sequence))

        assert send(0, 3) == (0, 0)
        assert send(3) == (0, 3)
        assert send(0, 3) == (0, 0)  # Again: answered as before, stored once.
        assert send(3) == (0, 3)
        assert send(5)[0] == ERRORS["OUT_OF_ORDER_SEQUENCE_NUMBER"]
        assert send(1)[0] == ERRORS["OUT_OF_ORDER_SEQUENCE_NUMBER"]
        assert raw.offset("t", 0) == 4
        assert [send(4 + i) for i in range(5)] == [(0, 4 + i) for i in range(5)]
        assert send(4) == (0, 4)
        assert send(3)[0] == ERRORS["OUT_OF_ORDER_SEQUENCE_NUMBER"]  # Only the last five are known.
        assert send(1, epoch_=1)[0] == ERRORS["OUT_OF_ORDER_SEQUENCE_NUMBER"]
        assert send(0, epoch_=1) == (0, 9)
        assert send(1, epoch_=0)[0] == ERRORS["INVALID_PRODUCER_EPOCH"]


def partitions_must_be_added(_):
    with TxBroker("--topic", "t:2") as broker, broker.raw() as raw:
        error, pid, epoch = raw.init_producer("a")
        assert error == 0 and raw.end("a", (pid, epoch), True) == ERRORS["INVALID_TXN_STATE"]

        def send(partition, sequence, epoch_=epoch):
            return raw.produce("t", partition, make_batch([b"x"], pid, epoch_, sequence, True), "a")[0]

        assert send(0, 0) == ERRORS["INVALID_TXN_STATE"]
        assert raw.add_partitions("a", (pid, epoch), "t", [0]) == {0: 0}
        assert send(0, 0) == 0 and send(1, 0) == ERRORS["INVALID_TXN_STATE"]
        assert raw.add_partitions("a", (pid, epoch), "t", [1, 7]) == {
            1: ERRORS["OPERATION_NOT_ATTEMPTED"], 7: ERRORS["UNKNOWN_TOPIC_OR_PARTITION"]}
        assert raw.add_partitions("a", (pid, epoch + 1), "t", [1])[1] == ERRORS["INVALID_PRODUCER_EPOCH"]
        assert raw.add_partitions("a", (pid + 1, epoch), "t", [1])[1] == ERRORS["INVALID_PRODUCER_ID_MAPPING"]
        assert raw.add_partitions("b", (pid, epoch), "t", [1])[1] == ERRORS["INVALID_PRODUCER_ID_MAPPING"]
        assert send(0, 1, epoch + 1) == ERRORS["INVALID_PRODUCER_EPOCH"]
        assert raw.end("a", (pid, epoch), True) == 0
        wait_until(lambda: broker.transactions()["a"]["state"] == "CompleteCommit", "the markers")
        assert raw.end("a", (pid, epoch), True) == 0  # Asked again, since the answer may have been lost.
        assert raw.end("a", (pid, epoch), False) == ERRORS["INVALID_TXN_STATE"]
        assert send(0, 1) == ERRORS["INVALID_TXN_STATE"]


def nothing_goes_on_before_the_markers(_):
    with TxBroker("--topic", "t:1", "--marker-delay-ms", "3600000") as broker, broker.raw() as raw:
        _, *producer = raw.init_producer("a")
        assert raw.add_partitions("a", producer, "t", [0]) == {0: 0}
        assert raw.produce("t", 0, make_batch([b"x"], *producer, 0, True), "a") == (0, 0)
        assert raw.end("a", producer, True) == 0
        assert raw.offset("t", 0, committed=True) == 0
        busy = ERRORS["CONCURRENT_TRANSACTIONS"]
        assert raw.end("a", producer, True) == busy and raw.add_partitions("a", producer, "t", [0]) == {0: busy}
        assert raw.end("a", producer, False) == ERRORS["INVALID_TXN_STATE"]
        assert raw.init_producer("a")[0] == busy


def timeouts_and_ids_are_checked(_):
    with TxBroker("--max-transaction-timeout-ms", "5000") as broker, broker.raw() as raw:
        assert raw.init_producer("a", 5001)[0] == ERRORS["INVALID_TRANSACTION_TIMEOUT"]
        assert raw.init_producer("")[0] == ERRORS["INVALID_REQUEST"]
        first = raw.init_producer("a", 5000)
        assert first[0] == 0 and raw.init_producer("a", 5000) == (0, first[1], first[2] + 1)


def too_large_is_too_large(_):
    with TxBroker("--topic", "t:1:max.message.bytes=1000") as broker, Probe() as probe, broker.raw() as raw:
        assert raw.produce("t", 0, make_batch([b"x" * 2000]))[0] == ERRORS["MESSAGE_TOO_LARGE"]
        broken = bytearray(make_batch([b"x"]))
        broken[16] = 1  # Another magic.
        assert raw.produce("t", 0, broken)[0] == ERRORS["CORRUPT_MESSAGE"]
        probe.join(broker.bootstrap, "a", "t", 60000, "compression.type=none")
        probe.ask("begin")
        probe.write("t", 0, "x" * 2000)
        probe.ask("acked", 20000)
        assert probe.reports() == (1, 1, "MSG_SIZE_TOO_LARGE")
        assert "abort" in probe.fails("commit", -1).flags
        probe.ask("abort", -1)


run([committed_is_seen, aborted_and_open_is_not, an_open_transaction_holds_back_others,
     a_second_producer_fences_the_first, a_zombie_that_writes_is_refused, a_transaction_times_out,
     many_partitions_commit_together, large_batches_come_whole, sequences_are_minded, partitions_must_be_added,
     nothing_goes_on_before_the_markers, timeouts_and_ids_are_checked, too_large_is_too_large])
