"""A real Kafka for tests, and what a test asks it for; real_*.py beside this file use it.

    with real.Kafka("4.3.1") as kafka:
        kafka.create_topic("events", 6)
        ...
        records = kafka.consume("events", at_least=100)

KAFKA_VERSIONS names the versions that the tests are to run with, separated by spaces; without it, the newest one.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections import namedtuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/lib"))
import kafka_cluster  # noqa: E402
import kafka_jars  # noqa: E402
import kafka_node  # noqa: E402
import kafka_secrets  # noqa: E402

SOURCES = sorted((ROOT / "tests/kafka/java").glob("*.java"))
PATIENCE_S = 60

# A line of java/Consume.java. `position` and `version` are numbers or None; `value` is a hash, or base64, or "-".
Record = namedtuple("Record", "topic partition offset key position version stream value time_ms took_ms headers")


class Failed(Exception):
    pass


def versions():
    return os.environ.get("KAFKA_VERSIONS", kafka_jars.DEFAULT_VERSION).split()


def missing_programs():
    """What this needs and the machine does not have."""
    return kafka_jars.missing_programs()


# ---- our Java programs -----------------------------------------------------------------------------------------------

def classes(version):
    """The folder with them, compiled when they are newer than what is there."""
    folder = kafka_jars.FOLDER / f"java-{version}"
    with kafka_jars.lock():
        made = folder / "made"
        if not made.exists() or made.stat().st_mtime < max(path.stat().st_mtime for path in SOURCES):
            folder.mkdir(exist_ok=True)
            subprocess.run(["javac", "-Xlint:all", "-Werror", "-d", folder, "-cp",
                            f"{kafka_jars.folder(version)}/libs/*", *SOURCES], check=True)
            made.touch()
    return folder


def unescaped(text):
    return re.sub(r"\\(.)", lambda found: {"t": "\t", "n": "\n", "r": "\r"}.get(found[1], found[1]), text)


def number(text):
    return int(text) if text else None


def record_of(line):
    topic, partition, offset, key, position, version, stream, value, time_ms, took_ms, *headers = line.split("\t")
    return Record(topic, int(partition), int(offset), unescaped(key), number(position), number(version),
                  unescaped(stream), value, int(time_ms), int(took_ms),
                  dict(unescaped(header).split("=", 1) for header in headers))


class Consumed(list):
    """Records. `misplaced` tells which of them Java would have put into another partition."""
    misplaced = ()


class Kafka:
    """A cluster of its own, ended with the block; its processes end with the test's process group at the latest."""

    def __init__(self, version=None, brokers=1, sasl=None, tls=False, acls=False, settings=None, optimize=False):
        version = version or versions()[0]
        kafka_cluster.fetch(version)
        self.attach(kafka_cluster.start(version, brokers, settings=settings, sasl=sasl, tls=tls, acls=acls,
                                        optimize=optimize, detached=False))

    def attach(self, cluster):
        self.cluster, self.version, self.bootstrap = cluster, cluster.state["version"], cluster.bootstrap()
        self.classes = classes(self.version)
        return self

    @classmethod
    def of(cls, folder):
        """One that `tools/kafka start` made."""
        return cls.__new__(cls).attach(kafka_cluster.Cluster.load(folder))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()

    def stop(self):
        self.cluster.stop(at_once=True)
        self.cluster.remove()

    # ---- nodes

    def pids(self):
        return [node.pid() for node in self.cluster.nodes.values() if node.pid()]

    def kill(self, node=1):
        self.cluster.node(node).kill()

    def pause(self, node=1):
        self.cluster.node(node).signal(signal.SIGSTOP)

    def resume(self, node=1):
        self.cluster.node(node).signal(signal.SIGCONT)

    def start(self, *nodes):
        """What was killed, with the data it had; several at once where none of them alone finds a majority."""
        nodes = nodes or [1]
        self.cluster.start_nodes(nodes, detached=False)
        self.cluster.wait_until_ready(nodes)

    def restart(self, node=1):
        """As an operator does, who stops it in good order."""
        self.cluster.node(node).ask_to_stop()
        self.cluster.node(node).wait_until_gone(PATIENCE_S)
        self.start(node)

    def logs(self, lines=40):
        return "\n".join(f"node {number}: {line}" for number, node in self.cluster.nodes.items()
                         for line in node.log.read_text(errors="replace").splitlines()[-lines:])

    def client_settings(self):
        """Of the listener that wants credentials, as librdkafka names them."""
        return kafka_secrets.client_settings(self.cluster)

    # ---- Java

    def java(self, program, *arguments):
        words = [program, self.bootstrap, *map(str, arguments)]
        command = kafka_node.java(self.version, self.cluster.node(1).folder, words)
        command[command.index("-cp") + 1] += f":{self.classes}"
        return command

    def run_java(self, program, *arguments):
        return subprocess.run(self.java(program, *arguments), cwd=kafka_jars.folder(self.version), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def admin(self, *arguments):
        """Lines of fields; see java/Admin.java."""
        done = self.run_java("Admin", *arguments)
        if done.returncode != 0:
            raise Failed(f"Admin {' '.join(map(str, arguments))}: {done.stderr}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    # ---- topics

    def create_topic(self, name, partitions=6, **config):
        self.admin("create", name, partitions, *(f"{key.replace('_', '.')}={value}" for key, value in config.items()))

    def topics(self):
        return {name: int(partitions) for name, partitions in self.admin("topics")}

    def configure_topic(self, name, key, value):
        self.admin("configure", name, f"{key}={value}")

    def add_partitions(self, name, count):
        """So that there are `count`, and the brokers say so."""
        self.admin("partitions", name, count)
        while self.topics()[name] != count:
            time.sleep(0.05)

    def transactional_ids(self):
        return [fields[0] for fields in self.admin("transactions")]

    def leader_of(self, topic, partition=0):
        return {int(fields[0]): int(fields[1]) for fields in self.admin("describe", topic)}[partition]

    def coordinator_of(self, transactional_id):
        return int(self.admin("coordinator", transactional_id)[0][0])

    def offsets(self, topic):
        """{partition: (first, end of what is committed, end)}"""
        return {int(fields[0]): tuple(map(int, fields[1:])) for fields in self.admin("offsets", topic)}

    # ---- records

    def consume(self, topics, *options, at_least=0, timeout_s=PATIENCE_S):
        """All that is committed in the topics that match: waits for `at_least` records, then reads on to the end."""
        options = [*options, f"at_least={at_least}", f"timeout={timeout_s}"]
        done = self.run_java("Consume", topics, *options)
        records = Consumed(record_of(line) for line in done.stdout.split("\n") if line)
        records.misplaced = [line for line in done.stderr.splitlines() if line.startswith("misplaced")]
        if done.returncode != 0:
            raise Failed(f"{len(records)} records, {at_least} were waited for\n{done.stderr}")
        return records

    def start_consumer(self, topics, *options):
        """A process with pipes that prints records as they come; see java/Consume.java."""
        return subprocess.Popen(self.java("Consume", topics, *options), text=True, stdin=subprocess.DEVNULL,
                                cwd=kafka_jars.folder(self.version), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def follow(self, topics, seconds, *options):
        """One that begins at the end and stays so long, with lines=no only for the totals; ready when this returns."""
        process = self.start_consumer(topics, f"follow={seconds}", *options)
        while (line := process.stderr.readline()) != "ready\n":
            if not line:
                raise Failed("the consumer ended at once")
        return process
