#!/usr/bin/env python3
"""Passwords and certificates that are wrong first and right later, with and without a restart of varved; meanwhile the
status says what is wrong, and never a password."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker  # noqa: E402
from certificate import certificate  # noqa: E402
from outbox_world import World  # noqa: E402
from raw import Raw  # noqa: E402
from varved import run  # noqa: E402

EVENTS = 200


def sasl(protocol="SASL_PLAINTEXT", **more):
    """Settings of an outbox."""
    return {"rdkafka.security.protocol": protocol, "rdkafka.sasl.mechanisms": "PLAIN",
            "rdkafka.sasl.username": "varve", **more}


def stays_out(world, *words):
    """Nothing is lost meanwhile, and the breaker says why."""
    status = world.wait_for_status("an open breaker", breaker="OPEN")
    assert any(word in status["reason"] for word in words), status
    assert status["dead_streams"] == 0 and status["lag_events"] >= EVENTS and status["next_attempt"] > 0, status
    for text in str(status), world.server.log():
        assert "wrong-secret" not in text and "right-secret" not in text


def comes_in(world, broker):
    world.wait_for_status("a running outbox", phase="RUN", breaker="CLOSED", lag_events=0, reason="")
    broker.credentials(user=None, password=None)  # For those who look at what is there.
    world.check()


def a_password_that_kafka_learns(directory):
    """Without a restart: it is tried again and again."""
    with TxBroker("--sasl", "varve:another") as broker, \
            World(directory, broker, sasl(**{"rdkafka.sasl.password": "right-secret"})) as world:
        world.import_history(EVENTS)
        world.wait_for_imports()
        stays_out(world, "authentication", "Authentication")
        broker.credentials(user="varve", password="right-secret")
        comes_in(world, broker)


def a_password_from_a_file(directory):
    """With a restart: configurations are read once."""
    path = directory + ".password"
    with TxBroker("--sasl", "varve:right-secret") as broker:
        write_secret(path, "wrong-secret\n")
        with World(directory, broker, sasl(**{"rdkafka.sasl.password_file": path})) as world:
            world.import_history(EVENTS)
            world.wait_for_imports()
            stays_out(world, "authentication", "Authentication")
            write_secret(path, "right-secret\n")
            world.restart()
            comes_in(world, broker)


def write_secret(path, text):
    with open(path, "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
        file.write(text)


def no_password_where_one_is_asked_for(directory):
    with TxBroker("--sasl", "varve:right-secret") as broker, World(directory, broker) as world:
        world.import_history(EVENTS)
        world.wait_for_imports()
        stays_out(world, "_TRANSPORT")
        world.reconfigure(sasl(**{"rdkafka.sasl.password": "right-secret"}))
        comes_in(world, broker)


def a_certificate_that_is_not_trusted(directory):
    path = certificate(directory + ".pem")
    Raw.trusted = path + ".crt"
    with TxBroker("--tls", path, "--sasl", "varve:right-secret") as broker:
        secret = {"rdkafka.sasl.password": "right-secret"}
        with World(directory, broker, sasl("SASL_SSL", **secret)) as world:
            world.import_history(EVENTS)
            world.wait_for_imports()
            stays_out(world, "certificate")
            world.reconfigure(sasl("SASL_SSL", **secret, **{"rdkafka.ssl.ca.location": path + ".crt"}))
            comes_in(world, broker)


run([a_password_that_kafka_learns, a_password_from_a_file, no_password_where_one_is_asked_for,
     a_certificate_that_is_not_trusted])
