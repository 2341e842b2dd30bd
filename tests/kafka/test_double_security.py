#!/usr/bin/env python3
"""Does the broker double keep out who it should, by password and by certificate?"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker  # noqa: E402
from certificate import certificate  # noqa: E402
from probe import Probe  # noqa: E402
from raw import make_batch  # noqa: E402
from varved import run  # noqa: E402


def sasl(user, password, protocol="SASL_PLAINTEXT"):
    return [f"security.protocol={protocol}", "sasl.mechanisms=PLAIN", f"sasl.username={user}",
            f"sasl.password={password}"]


def comes_in(broker, *settings):
    with Probe() as probe:
        probe.join(broker.bootstrap, "a", "t", 60000, *settings)
        probe.transaction("t", 0, "x")


def stays_out(broker, *settings):
    """Not being let in looks like a broker that is away."""
    with Probe() as probe:
        probe.transactional(broker.bootstrap, "a", 60000, *settings)
        failure = probe.fails("init", 1000)
        assert failure.name == "_TIMED_OUT", failure


def passwords(_):
    with TxBroker("--topic", "t:1", "--sasl", "varve:secret") as broker:
        stays_out(broker, *sasl("varve", "wrong"))
        stays_out(broker)
        assert broker.topics() == {"t": [[0, 0, 0]]}
        comes_in(broker, *sasl("varve", "secret"))
        broker.credentials(user="varve", password="new")
        stays_out(broker, *sasl("varve", "secret"))
        comes_in(broker, *sasl("varve", "new"))
        assert "secret" not in str(broker.requests()) and "varve" in str(broker.requests(api="SaslAuthenticate"))


def who_says_nothing_is_not_served(_):
    with TxBroker("--topic", "t:1", "--sasl", "varve:secret") as broker, broker.raw() as raw:
        try:
            raw.produce("t", 0, make_batch([b"x"]))
            raise AssertionError("it was served")
        except ConnectionError:
            pass


def certificates(directory):
    path = certificate(directory + ".pem")
    with TxBroker("--topic", "t:1", "--tls", path, "--sasl", "varve:secret") as broker:
        stays_out(broker, *sasl("varve", "secret", "SASL_SSL"))  # It trusts nobody who signed that.
        comes_in(broker, *sasl("varve", "secret", "SASL_SSL"), f"ssl.ca.location={path}.crt")
        stays_out(broker, *sasl("varve", "secret"))
    with TxBroker("--topic", "t:1", "--tls", path) as broker, Probe() as probe:
        settings = ["security.protocol=SSL", f"ssl.ca.location={path}.crt"]
        probe.join(broker.bootstrap, "a", "t", 60000, *settings)
        probe.ask("begin")
        probe.ask("load", "t", 0, 20000, 200)
        broker.fault(api="EndTxn", action="drop_after")
        probe.ask("acked", 30000)
        probe.ask("commit", -1)
        assert broker.topics()["t"][0][2] >= 20000


run([passwords, who_says_nothing_is_not_served, certificates])
