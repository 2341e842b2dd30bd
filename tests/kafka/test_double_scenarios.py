#!/usr/bin/env python3
"""Does the broker double answer as scenarios.py says? With `--kafka PORT`: does a Kafka at that port? One should be
tried with settings auto.create.topics.enable=false, transaction.abort.timed.out.transaction.cleanup.interval.ms=500."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker  # noqa: E402
from scenarios import SCENARIOS, Scene  # noqa: E402
from varved import run  # noqa: E402

KAFKA_PORT = None
if sys.argv[1:2] == ["--kafka"]:
    KAFKA_PORT = int(sys.argv[2])
    del sys.argv[1:3]


def test_of(scenario):
    def test(_):
        if KAFKA_PORT is not None:
            with Scene(KAFKA_PORT) as scene:
                scenario(scene)
            return
        with TxBroker() as broker, Scene(broker.port) as scene:
            scenario(scene)

    test.__name__ = scenario.__name__
    return test


run([test_of(scenario) for scenario in SCENARIOS])
