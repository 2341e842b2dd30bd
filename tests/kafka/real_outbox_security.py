#!/usr/bin/env python3
"""Passwords, certificates and permissions that are wrong and become right: what status says of them, that the outbox
goes on, and that no secret is shown."""
import contextlib
import sys

import real_status
from real_ci_tools import each_version, expect, main
from real_scene import scene
from real_support import varve

RIGHT, WRONG = "k9-tango-right", "k9-tango-wrong"
OURS, CHECKPOINT = "varve.*", "__varve.*"
OF_THE_TRANSACTIONAL_ID = ["describe", "write"]
OF_THE_CHECKPOINT = ["create", "describe", "describe_configs", "read", "write"]
OF_TOPICS = ["create", "describe", "read", "write"]


def settings_of(kafka, password=RIGHT, **changes):
    """Of the listener that wants credentials; what is None is left out."""
    wanted = kafka.client_settings() | {name.replace("_", "."): value for name, value in changes.items()}
    wanted.pop("bootstrap.servers")
    if "sasl.password" in wanted:
        wanted["sasl.password"] = password
    return {f"rdkafka.{name}": value for name, value in wanted.items() if value is not None} | {"backoff.max": "500ms"}


def restart_with(scene, settings):
    scene.server.stop()
    scene.configure(settings)
    scene.server.start()


def says(reason, *words):
    print(f"  {reason}", flush=True)
    for word in words:
        expect(word in reason, True, f"{word!r} in {reason!r}")


def fails_with(scene, *words):
    said = real_status.wait_for_failure(scene.server, words[0])
    says(said["reason"], *words)
    expect(said["breaker"], "OPEN", "breaker")
    return said


def show_no_secrets(scene):
    for secret in (RIGHT, WRONG):
        expect(secret in scene.log(), False, "a password in the log")
    shown = "".join(varve("outbox", "status", "--server", scene.server.url, *more).out
                    for more in ([], ["-o", "json"], ["-o", "ndjson"]))
    expect([secret for secret in (RIGHT, WRONG) if secret in shown], [], "passwords in the status")


@contextlib.contextmanager
def secured(version, pieces=1, first=None, **kafka_options):
    """`first` makes the settings of the first start from the cluster."""
    with scene(version, kafka_options=kafka_options, pieces=pieces, events=500, settings=first) as made:
        with real_status.Watch(made.server, (RIGHT, WRONG)) as watch:
            yield made
            made.check()
            show_no_secrets(made)
            made.stop()
        watch.expect_truth()
        print("  " + watch.summary(), flush=True)


@each_version
def test_a_password_that_is_wrong_and_a_broker_that_is_not_trusted(_folder, version):
    print(f"Kafka {version}: SASL PLAIN over TLS", flush=True)
    with secured(version, pieces=2, first=lambda kafka: settings_of(kafka, ssl_ca_location=None), sasl=f"ann:{RIGHT}",
                 tls=True) as made:
        made.import_piece()
        fails_with(made, "certificate verify failed")
        restart_with(made, settings_of(made.kafka, WRONG))
        fails_with(made, "Authentication failed")
        restart_with(made, settings_of(made.kafka))
        made.catch_up()
        made.import_piece()
        made.catch_up()


def grant(kafka, kind, name, *operations):
    for operation in operations:
        kafka.admin("allow", "ann", kind, name, operation)


def grant_all(kafka):
    """What an outbox needs, as docs/outbox-routes.md lists it."""
    grant(kafka, "transactional_id", OURS, *OF_THE_TRANSACTIONAL_ID)
    grant(kafka, "topic", CHECKPOINT, *OF_THE_CHECKPOINT)
    grant(kafka, "topic", OURS, *OF_TOPICS)


@each_version
def test_permissions_that_are_missing_and_granted(_folder, version):
    print(f"Kafka {version}: permissions", flush=True)
    with secured(version, pieces=3, first=settings_of, sasl=f"ann:{RIGHT}", acls=True) as made:
        made.import_piece()
        fails_with(made, "__varve.", "uthoriz")
        grant(made.kafka, "topic", CHECKPOINT, *OF_THE_CHECKPOINT)
        said = real_status.wait_for(made.server, lambda said: said["phase"] == "HALTED", "HALTED")
        says(said["reason"], "ransactional")
        expect(said["halt"], "CONFIG", "halt")
        grant(made.kafka, "transactional_id", OURS, *OF_THE_TRANSACTIONAL_ID)
        expect(varve("outbox", "resume", "--server", made.server.url).returncode, 0, "resume")
        fails_with(made, "topic varve.loan", "uthoriz")
        grant(made.kafka, "topic", OURS, *OF_TOPICS)
        made.catch_up()

        made.kafka.admin("deny", "ann", "topic", "varve.loan", "write")
        made.import_piece()
        fails_with(made, "uthoriz")
        made.kafka.admin("forget-acls")
        made.import_piece()
        fails_with(made, "__varve.", "uthoriz")  # It looks there before it takes over: no reason to halt.
        grant_all(made.kafka)
        made.catch_up()


@each_version
def test_scram_is_taken_by_old_brokers_and_told_of_with_new_ones(_folder, version):
    print(f"Kafka {version}: SCRAM", flush=True)
    with secured(version, first=lambda kafka: settings_of(kafka, sasl_mechanism="SCRAM-SHA-256"),
                 sasl=f"ann:{RIGHT}") as made:
        made.import_piece()
        if not version.startswith("3."):
            fails_with(made, "Kafka 4 takes no SCRAM from librdkafka before 2.6.1", "Authentication failed")
            restart_with(made, settings_of(made.kafka))
        made.catch_up()


if __name__ == "__main__":
    sys.exit(main(globals()))
