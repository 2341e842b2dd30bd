#!/usr/bin/env python3
"""The checkpoint in Kafka is lost, falls back, or is of something else: the outbox says what is wrong instead of
guessing, and an operator who says where to go on gets it to work again."""
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from outbox_world import World  # noqa: E402
from probe import Probe  # noqa: E402
from raw import make_batch  # noqa: E402
from varved import run  # noqa: E402

EVENTS = 300


def checkpoint_topic(broker, name="kafka"):
    return next(topic for topic in broker.topics() if topic.endswith(f".{name}.ckpt"))


def publish(world, seed=1):
    """Some events, until the log remembers that they are published."""
    before = world.published() or 0
    world.import_history(EVENTS, seed=seed)
    world.wait_for_imports()
    world.wait_until_published(before + EVENTS)
    wait_until(lambda: "$outbox.published" in world.varve("read", "$outbox.published-kafka", "-o", "ndjson"), "a hint")


def halts(world, halt, because):
    status = world.wait_for_status(f"HALTED {halt}", phase="HALTED", halt=halt)
    assert because in status["reason"], status
    world.append("waits-1", "waited", {"for": halt})
    world.restart()  # What is wrong stays wrong.
    world.wait_for_status(f"HALTED {halt} again", phase="HALTED", halt=halt)


def gets_out(world, where):
    world.varve("outbox", "reset", "--from", where, "--yes", "--reason", "it was lost")
    world.wait_for_status("a running outbox", phase="RUN", lag_events=0)
    world.check()


def deleted(directory):
    with TxBroker() as broker, World(directory, broker) as world:
        publish(world)
        world.stop()
        broker.delete_topic(name=checkpoint_topic(broker))
        world.start()
        halts(world, "CHECKPOINT_MISSING", "no checkpoint")
        gets_out(world, "kafka-tail")


def deleted_while_at_work(directory):
    """The next transaction fails, and the one after it does not begin anew."""
    with TxBroker() as broker, World(directory, broker) as world:
        publish(world)
        broker.delete_topic(name=checkpoint_topic(broker))
        broker.cut()
        world.append("waits-0", "waited", {})
        halts(world, "CHECKPOINT_MISSING", "no checkpoint")
        gets_out(world, "kafka-tail")


def emptied(directory):
    """Its records are gone, its offsets go on: what retention does."""
    with TxBroker() as broker, World(directory, broker) as world:
        publish(world)
        world.stop()
        broker.delete_before(topic=checkpoint_topic(broker), index=0, offset=-1)
        assert broker.topics()[checkpoint_topic(broker)][0][0] > 0
        world.start()
        halts(world, "CHECKPOINT_MISSING", "no checkpoint")
        gets_out(world, "hint")


def only_aborted(directory):
    """A producer that gave up is all that is left of the topic."""
    with TxBroker() as broker, World(directory, broker) as world:
        publish(world)
        world.stop()
        topic = checkpoint_topic(broker)
        broker.delete_before(topic=topic, index=0, offset=-1)
        abort_in(broker, topic)
        world.start()
        halts(world, "CHECKPOINT_MISSING", "no checkpoint")
        gets_out(world, "hint")


def abort_in(broker, topic):
    with Probe() as probe:
        probe.join(broker.bootstrap, "somebody", topic)
        probe.transaction(topic, 0, "x", commit=False)
    wait_until(lambda: broker.topics()[topic][0][1] == broker.topics()[topic][0][2], "the end of the transaction")


def fallen_back(directory):
    """The end of the topic is lost, as after an unclean election."""
    with TxBroker() as broker, World(directory, broker) as world:
        publish(world)
        topic = checkpoint_topic(broker)
        wait_until(lambda: broker.topics()[topic][0][1] == broker.topics()[topic][0][2], "the end of transactions")
        end = broker.topics()[topic][0][2]
        publish(world, seed=2)
        wait_until(lambda: remembers(world, world.checkpoint()), "a hint")
        world.stop()
        broker.truncate_to(topic=topic, index=0, offset=end)
        world.start()
        halts(world, "CHECKPOINT_REGRESSED", "the log remembers one at")
        gets_out(world, "hint")


def remembers(world, position):
    return f'"position":{position}' in world.varve("read", "$outbox.published-kafka", "-o", "ndjson").replace(" ", "")


def of_a_log_that_was_restored(directory):
    """Kafka knows more than a backup; and when others have come to be there, it knows something else."""
    with TxBroker() as broker, World(directory, broker) as world:
        publish(world)
        world.stop()
        shutil.copytree(directory, directory + ".backup")
        world.start()
        publish(world, seed=2)
        world.stop()
        shutil.rmtree(directory)
        os.rename(directory + ".backup", directory)
        world.start()
        halts(world, "DIVERGED", "but the log ends at")
        world.stop()
        world.load(2 * EVENTS, seed=3)
        world.start()
        halts(world, "DIVERGED", "is not the one")
        world.varve("outbox", "reset", "--from", "end", "--yes")
        world.wait_for_status("a running outbox", phase="RUN", lag_events=0)
        before = world.published()
        world.append("new-1", "began", {})
        world.wait_until_published(before + 1)
        assert world.published() == before + 1


def newest_record(broker):
    topic = checkpoint_topic(broker)
    with broker.raw() as raw:
        return [record for record in raw.committed_of(topic)[0] if record.key == b"ck/kafka"][-1]


def of_another_database(directory):
    """Somebody has mixed the records of two topics."""
    with TxBroker() as broker, World(directory + ".other", broker) as other:
        publish(other)
        other.stop()
        foreign = newest_record(broker)
    with TxBroker() as broker, World(directory, broker) as world:
        publish(world)
        world.stop()
        with broker.raw() as raw:
            raw.produce(checkpoint_topic(broker), 0, make_batch([foreign.value], key=foreign.key))
        world.start()
        halts(world, "DIVERGED", "of another database")
        gets_out(world, "hint")


run([deleted, deleted_while_at_work, emptied, only_aborted, fallen_back, of_a_log_that_was_restored,
     of_another_database])
