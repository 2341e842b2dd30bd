#!/usr/bin/env python3
"""Do the faults of the broker double do to librdkafka what they say? Each shows one."""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import Refused, TxBroker, wait_until  # noqa: E402
from double.names import ERRORS  # noqa: E402
from probe import Probe  # noqa: E402
from raw import make_batch  # noqa: E402
from varved import run  # noqa: E402


def values(broker, topic="t", partition=0):
    return [record.value.decode() for record in broker.committed(topic)[partition]]


def decided(broker, topic="t"):
    wait_until(lambda: all(stable == end for _, stable, end in broker.topics()[topic]), "the markers")


def lost_requests_and_answers_are_repeated(_):
    """As transparent to librdkafka as with Kafka: nothing is lost, nothing comes twice."""
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t", 60000, "socket.timeout.ms=3000")
        for number, (api, action) in enumerate((api, action) for api in ("Produce", "AddPartitionsToTxn", "EndTxn")
                                               for action in ("drop_before", "drop_after")):
            rule = broker.fault(api=api, action=action)
            probe.transaction("t", 0, f"{number}.0", f"{number}.1")
            assert broker.acted(number=rule) == 1, (api, action)
        decided(broker)
        assert values(broker) == [f"{number}.{i}" for number in range(6) for i in range(2)]


def errors_are_told(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t")
        broker.fault(api="Produce", action="error", error="NOT_ENOUGH_REPLICAS", times=2)
        broker.fault(api="AddPartitionsToTxn", action="error", error=51, times=3)
        probe.transaction("t", 0, "one")  # Both are tried again by librdkafka.
        errors = [entry.get("error") for entry in broker.requests()]
        assert errors.count("NOT_ENOUGH_REPLICAS") == 2 and errors.count("CONCURRENT_TRANSACTIONS") >= 3, errors
        broker.fault(api="Produce", action="error", error="INVALID_RECORD")
        probe.ask("begin")
        probe.write("t", 0, "bad")
        probe.ask("acked", 20000)
        assert probe.reports()[1:] == (1, "INVALID_RECORD")
        probe.ask("abort", -1)
        # What was refused for good leaves a gap in librdkafka's sequences: only a new producer can go on.
        probe.ask("destroy")
        probe.join(broker.bootstrap, "a", "t")
        probe.transaction("t", 0, "two")
        decided(broker)
        assert values(broker) == ["one", "two"]


def fatal_errors_end_a_producer(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t")
        broker.fault(api="EndTxn", action="error", error="INVALID_TXN_STATE", commit=True)
        probe.ask("begin")
        probe.write("t", 0, "one")
        assert "fatal" in probe.fails("commit", -1).flags


def behind_a_failed_batch_none_passes(_):
    """Kafka remembers the first sequence it saw of a new producer, though it refused it."""
    with TxBroker("--topic", "t:1") as broker, broker.raw() as raw:
        _, pid, epoch = raw.init_producer(None)
        broker.fault(api="Produce", action="error", error="NOT_ENOUGH_REPLICAS")
        assert raw.produce("t", 0, make_batch([b"x"], pid, epoch, 0))[0] == ERRORS["NOT_ENOUGH_REPLICAS"]
        assert raw.produce("t", 0, make_batch([b"y"], pid, epoch, 1))[0] == ERRORS["OUT_OF_ORDER_SEQUENCE_NUMBER"]
        assert raw.produce("t", 0, make_batch([b"x"], pid, epoch, 0)) == (0, 0)
        assert raw.produce("t", 0, make_batch([b"y"], pid, epoch, 1)) == (0, 1)


def a_ghost_of_end_txn_ends_the_next_transaction(_):
    """What the outbox must survive: a commit that was delayed on its way, long after its repetition was answered."""
    with TxBroker("--topic", "t:1") as broker, Probe() as probe, Probe() as reader:
        probe.join(broker.bootstrap, "a", "t")
        rule = broker.fault(api="EndTxn", action="ghost", ms=400, first="drop_before")
        probe.transaction("t", 0, "one")  # Committed by the repetition.
        assert broker.acted(number=rule) == 1
        decided(broker)
        probe.ask("begin")
        probe.write("t", 0, "two")
        probe.ask("acked", 20000)
        wait_until(lambda: broker.transactions()["a"]["state"] == "CompleteCommit", "the ghost")
        assert reader.read(broker.bootstrap, "t", 0) == ["one", "two"]  # Though nobody has committed it.
        failure = probe.fails("abort", -1)
        assert failure.name == "INVALID_TXN_STATE" and "fatal" in failure.flags, failure
        assert [entry["ghost"]["commit"] for entry in broker.requests(api="EndTxn") if "ghost" in entry] == [True]


def ghosts_of_produce_are_known_again(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t")
        broker.fault(api="Produce", action="ghost", ms=30, times=5)
        for number in range(10):
            probe.transaction("t", 0, str(number))
        wait_until(lambda: sum("ghost" in entry for entry in broker.requests(api="Produce")) == 5, "the ghosts")
        decided(broker)
        assert values(broker) == [str(number) for number in range(10)]


def what_hangs_can_be_released(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t")
        for action, applied in ("hang_before", False), ("hang_after", True):
            broker.fault(api="EndTxn", action=action)
            probe.ask("begin")
            probe.write("t", 0, action)
            probe.tell("commit", -1)
            wait_until(lambda: broker.held() == 1, "EndTxn")
            assert (broker.transactions()["a"]["state"] != "Ongoing") == applied
            assert broker.release() == 1
            probe.answer()
        decided(broker)
        assert values(broker) == ["hang_before", "hang_after"]


def a_hung_request_times_out_and_is_repeated(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t", 60000, "socket.timeout.ms=1000")
        for action in "hang_before", "hang_after":
            broker.fault(api="EndTxn", action=action)
            probe.transaction("t", 0, action)
        decided(broker)
        assert values(broker) == ["hang_before", "hang_after"]


def delays_delay(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t")
        broker.fault(api="EndTxn", action="delay", ms=300)
        began = time.monotonic()
        probe.transaction("t", 0, "one")
        assert time.monotonic() - began >= 0.3
        broker.latency(ms=100)
        began = time.monotonic()
        probe.transaction("t", 0, "two")
        assert time.monotonic() - began >= 0.3  # AddPartitionsToTxn, Produce, EndTxn.


def down_and_up_again(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t")
        probe.transaction("t", 0, "before")
        broker.down()
        try:
            broker.raw()
            raise AssertionError("the broker is there, though it is down")
        except ConnectionRefusedError:
            pass
        probe.ask("begin")
        probe.write("t", 0, "meanwhile")
        broker.up()
        probe.ask("acked", 30000)
        probe.ask("commit", -1)
        decided(broker)
        assert values(broker) == ["before", "meanwhile"]


def paused_it_takes_and_says_nothing(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        probe.join(broker.bootstrap, "a", "t")
        broker.pause()
        seen = broker.ping()["requests"]
        probe.ask("begin")
        probe.write("t", 0, "patient")
        assert probe.fails("acked", 300).name == "_TIMED_OUT"
        assert broker.ping()["requests"] == seen
        broker.resume()
        probe.ask("acked", 30000)
        probe.ask("commit", -1)
        decided(broker)
        assert values(broker) == ["patient"]


def rules_choose_their_requests(_):
    with TxBroker("--topic", "t:1", "--topic", "other:1") as broker, broker.raw("one") as one, broker.raw("two") as two:
        broker.fault(api="Produce", action="error", error=19, client="two", times=-1)
        broker.fault(api="Produce", action="error", error=7, mentions="other", nth=2)

        def send(raw, topic):
            return raw.produce(topic, 0, make_batch([b"x"]))[0]

        assert [send(one, "t"), send(two, "t"), send(two, "t")] == [0, 19, 19]
        assert [send(one, "other"), send(one, "other"), send(one, "other")] == [0, 7, 0]
        broker.clear_faults()
        assert send(two, "t") == 0
        for wrong in {"api": "Nonsense", "action": "delay"}, {"api": "Produce", "action": "error"}:
            try:
                broker.fault(**wrong)
                raise AssertionError(f"{wrong} was taken")
            except Refused:
                pass


def denied_and_then_allowed(_):
    with TxBroker("--topic", "t:1") as broker, Probe() as probe:
        broker.deny(topic="t")
        probe.transactional(broker.bootstrap, "a")
        assert probe.fails("know", "t").name == "TOPIC_AUTHORIZATION_FAILED"
        broker.deny(topic="t", operations=["write"])
        probe.ask("know", "t")
        probe.ask("init", 20000)
        probe.ask("begin")
        probe.write("t", 0, "denied")
        probe.ask("acked", 20000)
        failure = probe.fails("commit", -1)
        assert failure.name == "TOPIC_AUTHORIZATION_FAILED" and "abort" in failure.flags, failure
        probe.ask("destroy")
        broker.allow(topic="t")
        probe.join(broker.bootstrap, "a", "t")
        probe.transaction("t", 0, "granted")
        decided(broker)
        assert values(broker) == ["granted"]


run([lost_requests_and_answers_are_repeated, errors_are_told, fatal_errors_end_a_producer,
     behind_a_failed_batch_none_passes, a_ghost_of_end_txn_ends_the_next_transaction,
     ghosts_of_produce_are_known_again, what_hangs_can_be_released, a_hung_request_times_out_and_is_repeated,
     delays_delay, down_and_up_again, paused_it_takes_and_says_nothing, rules_choose_their_requests,
     denied_and_then_allowed])
