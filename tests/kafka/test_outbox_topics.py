#!/usr/bin/env python3
"""Topics that are missing, forbidden, grown or damaged, and doors with locks: the outbox waits where waiting helps,
halts and says why where it does not, and goes on when things are put right."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import PATIENCE_S, TxBroker, wait_until  # noqa: E402
from outbox_world import SMALL, World  # noqa: E402
from varved import run  # noqa: E402


def ckpt_of(broker):
    return next(name for name in broker.topics() if name.startswith("__varve."))


def settled(world, events):
    """So many events have been published, and no more is to come."""
    world.import_history(events)
    world.wait_for_imports()
    world.wait_until_published(events)
    wait_until(lambda: world.status()["lag_events"] == 0, "the outbox to have nothing to do")


def halts(world, why):
    wait_until(lambda: world.status()["halt"] == why, f"HALTED for {why}, and not {world.status()}")
    status = world.status()
    assert status["phase"] == "HALTED" and status["reason"], status
    return status


def waits(world):
    """It fails and tries again: the breaker is open, and there is a reason."""
    wait_until(lambda: world.status()["breaker"] != "CLOSED" and world.status()["reason"], "an open breaker")
    assert world.status()["halt"] == "NONE", world.status()


# ---- topics ---------------------------------------------------------------------------------------------------------

def missing_topics_are_waited_for(directory):
    with TxBroker() as broker, World(directory, broker, {"topic.missing": "block"}) as world:
        world.import_history(50)
        waits(world)
        assert not any(name.startswith("varve.") for name in broker.topics())
        for category in "loan", "last":
            broker.create_topic(name="varve." + category, partitions=3)
        assert world.check() == 51 and world.status()["dead_streams"] == 0


def what_is_forbidden_is_waited_for(directory):
    with TxBroker("--topic", "varve.loan:3") as broker, World(directory, broker, SMALL) as world:
        settled(world, 100)
        for operations in ["write"], ["read", "write", "describe"]:
            broker.deny(topic="varve.loan", operations=operations)
            world.import_history(50, seed=10 + len(operations))
            waits(world)
            assert world.status()["dead_streams"] == 0  # It is not the events' fault.
            broker.allow(topic="varve.loan")
            wait_until(lambda: world.status()["breaker"] == "CLOSED", "a closed breaker")
            world.wait_for_imports()
        assert world.check() == 201


def partitions_may_grow(directory):
    """With a warning: keys go elsewhere from then on."""
    with TxBroker("--topic", "varve.loan:2") as broker, World(directory, broker) as world:
        settled(world, 100)
        broker.add_partitions(name="varve.loan", count=5)
        world.restart()
        world.import_history(100, seed=2)
        world.wait_until_published(200)
        world.wait_for_log("outbox.partitions_changed")
        assert {record.partition for record in world.committed.records} == set(range(5))


def or_halt_it_when_they_grow(directory):
    settings = {"partitions.changed": "halt"}
    with TxBroker("--topic", "varve.loan:2") as broker, World(directory, broker, settings) as world:
        settled(world, 100)
        broker.add_partitions(name="varve.loan", count=5)
        world.restart()
        world.import_history(1, seed=2)
        halts(world, "PARTITIONS_CHANGED")
        assert world.published() == 100


# ---- the checkpoint -------------------------------------------------------------------------------------------------

def damaged(directory, damage, why):
    """A damage to the checkpoint while varved is away. It stops by itself, for then the log remembers all that was
    published; a second or so of it is forgotten by one that is killed."""
    with TxBroker() as broker, World(directory, broker, SMALL) as world:
        settled(world, 200)
        world.stop()
        damage(broker, ckpt_of(broker))
        world.start()
        halts(world, why)
        world.import_history(50, seed=2)
        world.wait_for_imports()
        assert world.published() == 200  # It guesses nothing.
        world.restart()
        halts(world, why)


def deleted(directory):
    damaged(directory, lambda broker, topic: broker.delete_topic(name=topic), "CHECKPOINT_MISSING")


def emptied(directory):
    damaged(directory, lambda broker, topic: broker.delete_before(topic=topic, index=0, offset=-1),
            "CHECKPOINT_MISSING")


def cut_off(directory):
    """Kafka forgot the newest: to go on from an older one would send events again."""
    damaged(directory, lambda broker, topic: broker.truncate_to(topic=topic, index=0, offset=4),
            "CHECKPOINT_REGRESSED")


def of_another_life(directory):
    """The store comes back from a backup that is older than what was published."""
    with TxBroker() as broker, World(directory, broker, SMALL) as world:
        settled(world, 100)
        world.kill()
        subprocess.run(["cp", "-r", directory, directory + ".backup"], check=True)
        world.start()
        settled(world, 100)
        world.import_history(100, seed=2)
        world.wait_for_imports()
        world.wait_until_published(200)
        world.kill()
        subprocess.run(["rm", "-r", directory], check=True)
        os.rename(directory + ".backup", directory)
        world.start()
        halts(world, "DIVERGED")


# ---- doors ----------------------------------------------------------------------------------------------------------

def certificate(path):
    """Key and certificate for 127.0.0.1 in one file, and the certificate alone for those who are to trust it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=double",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", path + ".crt"],
                   capture_output=True, timeout=PATIENCE_S, check=True)
    with open(path, "a", encoding="ascii") as both, open(path + ".crt", encoding="ascii") as one:
        both.write(one.read())
    return path


def passwords_and_certificates(directory):
    """The settings reach the broker; with wrong ones it tries and says so, and right ones need a restart only."""
    path, other = certificate(directory + ".pem"), certificate(directory + ".other")
    right = {"rdkafka.security.protocol": "SASL_SSL", "rdkafka.ssl.ca.location": path + ".crt",
             "rdkafka.sasl.mechanisms": "PLAIN", "rdkafka.sasl.username": "varve", "rdkafka.sasl.password": "secret"}
    with TxBroker("--tls", path, "--sasl", "varve:secret") as broker, World(directory, broker, right) as world:
        world.import_history(50)
        wait_until(lambda: world.status()["events_published"] == 50, "the events")
        for wrong in {"rdkafka.sasl.password": "guessed"}, {"rdkafka.ssl.ca.location": other + ".crt"}:
            world.kill()
            world.configure({**right, **wrong})
            world.start()
            waits(world)
            assert "guessed" not in world.server.log()
        world.kill()
        world.configure(right)
        world.start()
        wait_until(lambda: world.status()["phase"] == "RUN", "the outbox to run")


run([missing_topics_are_waited_for, what_is_forbidden_is_waited_for, partitions_may_grow, or_halt_it_when_they_grow,
     deleted, emptied, cut_off, of_another_life, passwords_and_certificates])
