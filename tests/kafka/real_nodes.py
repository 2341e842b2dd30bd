#!/usr/bin/env python3
"""Clusters of three nodes, and what only some versions can do: see real_ci_tools.py for the rest."""
import subprocess
import sys

import real
from real_ci_tools import TEN, each_version, expect, kcat, main, produce

PATIENCE_S = 60


def keys_of(text):
    return sorted(line.split(":")[0] for line in text.splitlines())


@each_version
def test_two_of_three_nodes_go_on_and_the_third_catches_up(_folder, version):
    with real.Kafka(version, brokers=3) as kafka:
        kafka.create_topic("events", 3)
        produce(kafka.bootstrap, "events", TEN)
        expect(sorted(kafka.leader_of("events", partition) for partition in range(3)), [1, 2, 3], "leaders")
        lost = kafka.leader_of("events", 0)
        kafka.kill(lost)
        produce(kafka.bootstrap, "events", TEN, "-X", f"message.timeout.ms={PATIENCE_S * 1000}")
        expect(sorted(record.key for record in kafka.consume("events", at_least=20)), sorted(keys_of(TEN) * 2))
        expect(kafka.leader_of("events", 0) != lost, True, "another leader")
        kafka.start(lost)
        expect(len(kafka.consume("events")), 20, "records")
        expect(len(kafka.pids()), 3, "nodes")


@each_version
def test_all_nodes_are_killed_and_come_back(_folder, version):
    with real.Kafka(version, brokers=3) as kafka:
        kafka.create_topic("events", 3)
        produce(kafka.bootstrap, "events", TEN)
        for node in (1, 2, 3):
            kafka.kill(node)
        expect(kafka.pids(), [])
        kafka.cluster.start_nodes(detached=False)
        kafka.cluster.wait_until_ready()
        expect(sorted(record.key for record in kafka.consume("events", at_least=10)), keys_of(TEN))


def test_a_password_is_changed_while_the_broker_runs():
    """Of 3.9: the SCRAM of librdkafka before 2.6.1 is refused by brokers of 4.x."""
    with real.Kafka("3.9.2", sasl="ann:secret") as kafka:
        right = kafka.client_settings() | {"sasl.mechanism": "SCRAM-SHA-256"}
        expect(kcat("-L", "-m", "5", settings=right).returncode, 0, "with the password")
        kafka.admin("password", "ann", "other")
        expect(kcat("-L", "-m", "5", settings=right).returncode, 1, "with the password that was")


def test_two_fetches_at_once_do_not_meet():
    command = [real.ROOT / "tools/kafka", "fetch", "--all"]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate()[0] for process in both]
    expect([process.returncode for process in both], [0, 0], "exit codes")
    expect(printed[0], printed[1])
    expect(len(printed[0].splitlines()), len(real.kafka_jars.VERSIONS))


if __name__ == "__main__":
    sys.exit(main(globals()))
