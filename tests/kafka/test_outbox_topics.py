#!/usr/bin/env python3
"""Topics that are not there, that may not be written to, that get more partitions; and two outboxes of one server, of
which one is stuck."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from exactly_once import problems  # noqa: E402
from outbox_world import World, write_config  # noqa: E402
from varved import run  # noqa: E402

TOPIC = "varve.loan"


def made_when_missing(directory):
    with TxBroker() as broker, World(directory, broker, {"topic.partitions": "5"}) as world:
        world.import_history(300)
        world.wait_for_imports()
        world.check()
        assert len(broker.topics()[TOPIC]) == 5


def waited_for(directory):
    with TxBroker("--topic", "varve.last:1") as broker, World(directory, broker, {"topic.missing": "block"}) as world:
        world.import_history(300)
        status = world.wait_for_status("an open breaker", breaker="OPEN")
        assert TOPIC in status["reason"] and status["next_attempt"] > 0, status
        world.wait_for_imports()
        assert TOPIC not in broker.topics() and world.dead_letters() == {}
        broker.create_topic(name=TOPIC, partitions=3)
        world.check()


def dead_letters_without_it(directory):
    with TxBroker("--topic", "varve.last:1") as broker, \
            World(directory, broker, {"topic.missing": "dead_letter"}) as world:
        world.import_history(60, streams=7)
        world.wait_for_imports()
        streams = {event.stream for event in world.log()}
        parked = [event.position for event in world.log()]
        world.wait_for_status("dead letters", phase="RUN", dead_streams=len(streams), parked_events=len(parked))
        world.check(left_out=parked)
        broker.create_topic(name=TOPIC, partitions=3)
        world.varve("outbox", "dead", "retry", "--all")
        world.wait_for_status("no dead letters", dead_streams=0)
        world.check()


def rights_that_come_later(directory):
    """Each is asked for, and once it is there, all goes on without anybody's doing."""
    with TxBroker() as broker, World(directory, broker) as world:
        world.import_history(100)
        world.wait_until_published(100)
        for number, operations in enumerate((["write"], ["describe"], ["write", "describe"]), 2):
            broker.deny(topic=TOPIC, operations=operations)
            if "describe" in operations:
                world.restart()
            world.import_history(100, seed=number)
            status = world.wait_for_status("an open breaker", breaker="OPEN")
            assert "TOPIC_AUTHORIZATION_FAILED" in status["reason"], status
            assert world.dead_letters() == {}
            broker.allow(topic=TOPIC)
            world.wait_until_published(100 * number)
        checkpoints = next(name for name in broker.topics() if name.endswith(".ckpt"))
        broker.deny(topic=checkpoints)
        world.restart()
        world.import_history(100, seed=9)
        world.wait_for_status("an open breaker", breaker="OPEN")
        broker.allow(topic=checkpoints)
        world.wait_for_imports()
        world.check()


def more_partitions(directory):
    """Told, and new events go where Java's partitioner would put them now."""
    with TxBroker("--topic", f"{TOPIC}:3") as broker, World(directory, broker) as world:
        world.import_history(300)
        world.wait_until_published(300)
        broker.add_partitions(name=TOPIC, count=8)
        world.restart()
        world.import_history(300, seed=2, streams=1000)
        world.wait_for_imports()
        world.wait_until_published(600)
        world.wait_for_log("outbox.partitions_changed")
        before, after = world.committed.records[:300], world.committed.records[300:]
        assert {found.partition for found in before} <= {0, 1, 2} and {found.partition for found in after} > {5, 6, 7}
        log = {event.position: event for event in world.log()}
        assert not problems([log[int(found.headers["v-pos"])] for found in before], before, {TOPIC: 3})
        assert not problems([log[int(found.headers["v-pos"])] for found in after], after, {TOPIC: 8})


def more_partitions_may_halt_it(directory):
    settings = {"partitions.changed": "halt"}
    with TxBroker("--topic", f"{TOPIC}:3") as broker, World(directory, broker, settings) as world:
        world.import_history(300)
        world.wait_until_published(300)
        broker.add_partitions(name=TOPIC, count=8)
        world.restart()
        world.import_history(100, seed=2)
        status = world.wait_for_status("a halt", phase="HALTED", halt="PARTITIONS_CHANGED")
        assert TOPIC in status["reason"], status
        world.wait_for_imports()
        world.restart()
        world.wait_for_status("a halt again", phase="HALTED", halt="PARTITIONS_CHANGED")
        assert world.published() == 300
        world.varve("outbox", "resume")
        world.wait_until_published(400)
        world.restart()
        world.append("loan-1", "noticed", {})
        world.wait_until_published(401)


class Two(World):
    """One server, two outboxes: of the categories loan and slow."""

    def configure(self, settings):
        super().configure({**settings, "route": ["category=loan -> topic=varve.loan", "-> drop"]})
        second = self.config + ".second"
        write_config(second, "second", self.broker.bootstrap,
                     {**settings, "route": ["category=slow -> topic=varve.slow", "-> drop"]})
        with open(self.config, "a", encoding="utf-8") as whole, open(second, encoding="utf-8") as part:
            whole.write(part.read())


def one_that_is_stuck_delays_no_other(directory):
    """Its transaction is open for as long as Kafka bears it."""
    with TxBroker() as broker, Two(directory, broker, {"transaction.timeout": "60s", "message.timeout": "50s",
                                                       "rdkafka.socket.timeout.ms": "40000"}) as world:
        world.append("slow-1", "began", {})
        world.wait_until_published(1)
        rule = broker.fault(api="EndTxn", action="hang_before", mentions=".second.")
        world.append("slow-1", "hangs", {})
        wait_until(lambda: broker.held() == 1, "an open transaction")
        world.import_history(5000)
        world.wait_for_imports()
        world.wait_until_published(5001)
        assert broker.acted(number=rule) == 1 and broker.held() == 1
        assert world.status()["lag_events"] == 0
        broker.release()
        world.wait_until_published(5002)
        log = list(world.log())
        assert not problems(log, world.committed.records, world.committed.partition_counts)


run([made_when_missing, waited_for, dead_letters_without_it, rights_that_come_later, more_partitions,
     more_partitions_may_halt_it, one_that_is_stuck_delays_no_other])
