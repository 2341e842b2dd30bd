#!/usr/bin/env python3
"""tools/kafka against itself: what it starts serves, survives, and is gone when it is stopped; real.py on top of it."""
import base64
import os
import pathlib
import subprocess
import sys

import real

sys.path.insert(0, str(real.ROOT / "tests/blackbox"))
from cli_support import expect, main  # noqa: E402

TIMEOUT_S = 200
TEN = "".join(f"key-{n}:value {n}\n" for n in range(10))


def tool(*arguments, code=0):
    done = subprocess.run([real.ROOT / "tools/kafka", *map(str, arguments)], capture_output=True, text=True,
                          timeout=TIMEOUT_S, stdin=subprocess.DEVNULL, check=False)
    expect(done.returncode, code, f"tools/kafka {arguments}: {done.stderr}")
    return done.stdout + done.stderr


def says(output, *words):
    for word in words:
        if word not in output:
            raise AssertionError(f"{word!r} is not in:\n{output}")


def kcat(*arguments, text="", settings=None):
    settings = settings or {}
    options = [word for key, value in settings.items() for word in ("-X", f"{key}={value}")]
    return subprocess.run(["kcat", *arguments, *options], input=text, capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)


def produce(bootstrap, topic, text, *options):
    done = kcat("-P", "-b", bootstrap, "-t", topic, "-K", ":", "-X", "topic.partitioner=murmur2_random", *options,
                text=text)
    expect(done.returncode, 0, done.stderr)


def is_alive(pid):
    return real.kafka_node.began_at(pid) is not None  # A dead one may wait for somebody to take note of it.


def each_version(test):
    def run(folder):
        for version in real.versions():
            test(f"{folder}/{version}", version)
    return run


@each_version
def test_data_survive_the_kill_of_the_broker(folder, version):
    says(tool("start", "--version", version, "--dir", folder), "bootstrap  127.0.0.1:", "node 1     running, pid ")
    try:
        kafka = real.Kafka.of(folder)
        kafka.create_topic("events", 6)
        produce(kafka.bootstrap, "events", TEN)
        first = kafka.pids()[0]
        tool("kill", folder, 1)
        expect(is_alive(first), False, "the killed broker runs")
        says(tool("status", folder, code=1), "node 1     stopped")
        says(tool("kill", folder, 1, code=1), "error: node 1 does not run")
        says(tool("restart", folder, 1), "node 1     running")
        read = kcat("-C", "-b", kafka.bootstrap, "-t", "events", "-e", "-K", ":")
        expect(sorted(read.stdout.splitlines()), sorted(TEN.splitlines()), read.stderr)
        says(tool("logs", folder, "--lines", 3), "1: [")
    finally:
        pids = real.Kafka.of(folder).pids()
        tool("stop", folder)
    expect([pid for pid in pids if is_alive(pid)], [], "processes left behind")


def test_a_paused_broker_goes_on_and_a_temporary_folder_goes_away():
    output = tool("start")
    folder = next(line.split()[1] for line in output.splitlines() if line.startswith("directory"))
    try:
        tool("pause", folder, 1)
        says(tool("status", folder, code=1), "node 1     paused")
        tool("resume", folder, 1)
        tool("status", folder)
        tool("pause", folder, 1)
    finally:
        tool("stop", folder)
    expect(os.path.exists(folder), False, "the temporary folder is there")


def test_a_stranger_with_the_process_id_of_a_node_is_left_alone(folder):
    folder += "/kafka"
    tool("start", "--dir", folder)
    pid_file = pathlib.Path(folder, "node-1/pid")
    tool("stop", "--now", folder)
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        pid_file.write_text(f"[{stranger.pid}, 1]")
        says(tool("status", folder, code=1), "node 1     stopped")
        tool("stop", folder)
        expect(stranger.poll(), None, "the stranger has ended")
    finally:
        stranger.kill()
        stranger.wait()


def test_errors_say_what_is_wrong(folder):
    says(tool("stop", folder, code=1), f"error: {folder} holds no cluster")
    open(folder + "/precious", "w").close()
    says(tool("start", "--dir", folder, code=1), "is not empty")
    expect(os.listdir(folder), ["precious"], "the folder")
    says(tool("start", "--set", "no-value", code=1), "key=value was expected")
    says(tool("start", "--sasl", "ann", code=1), "USER:PASSWORD was expected")
    says(tool("start", "--acls", code=1), "needs --sasl")
    says(tool("start", "--version", "2.0", code=2), "invalid choice: '2.0'")
    says(tool("start", "--dir", folder + "/new", "--set", "num.partitions=none", code=1),
         "node 1 could not be formatted", "num.partitions")


@each_version
def test_credentials_certificates_and_permissions_count(_folder, version):
    with real.Kafka(version, sasl="ann:secret", tls=True, acls=True) as kafka:
        kafka.create_topic("events", 1)
        right = kafka.client_settings()
        write = ["-P", "-t", "events", "-m", "5"]
        wrong = dict(right, **{"sasl.password": "guess"})
        says(kcat("-L", "-m", "5", settings=wrong).stderr, "Authentication failed")
        untrusting = {key: value for key, value in right.items() if key != "ssl.ca.location"}
        says(kcat("-L", "-m", "5", settings=untrusting).stderr, "certificate verify failed")

        limit = {"message.timeout.ms": 4000}
        expect(kcat(*write, text="refused\n", settings=right | limit).returncode, 1, "written without permission")
        for operation in ("describe", "write"):
            kafka.admin("allow", "ann", "topic", "ev*", operation)
        expect(kcat(*write, text="permitted\n", settings=right | limit).returncode, 0, "with permission")
        kafka.admin("deny", "ann", "topic", "events", "write")
        expect(kcat(*write, text="refused\n", settings=right | limit).returncode, 1, "written though denied")
        expect(len(kafka.consume("events")), 1, "records")


@each_version
def test_the_consumer_sees_what_there_is_and_what_lies_elsewhere(_folder, version):
    with real.Kafka(version) as kafka:
        kafka.create_topic("events", 6, retention_ms=86400000)
        produce(kafka.bootstrap, "events", TEN, "-H", "v-pos=7", "-H", "v-agg=a\tb\\", "-H", "note=x=y")
        records = kafka.consume("ev.*", "headers=all", "values=all", at_least=10)
        expect(sorted(record.key for record in records), sorted(line.split(":")[0] for line in TEN.splitlines()))
        expect(records.misplaced, [])
        expect({base64.b64decode(record.value).decode() for record in records},
               {line.split(":")[1] for line in TEN.splitlines()})
        expect({(record.topic, record.position, record.version, record.stream, record.headers["note"])
                for record in records}, {("events", 7, None, "a\tb\\", "x=y")})
        expect(["retention.ms", "86400000"] in kafka.admin("config", "events"), True)

        kafka.admin("partitions", "events", 7)
        expect(sum(last for _, last, _ in kafka.offsets("events").values()), 10, "records")
        expect(len(kafka.consume("events").misplaced) > 0, True, "keys that belong elsewhere now")
        kafka.admin("truncate", "events")
        expect(kafka.consume("events"), [])
        kafka.admin("delete", "events")
        expect(kafka.topics(), {})


@each_version
def test_a_consumer_that_reads_along_finds_new_topics_and_reads_nothing_twice(_folder, version):
    with real.Kafka(version) as kafka:
        with kafka.start_consumer("ev.*", "at_least=30") as consumer:
            read = iter(consumer.stdout)
            for topic in ("events", "evolution", "even"):
                kafka.create_topic(topic, 2)
                produce(kafka.bootstrap, topic, TEN)
                expect([next(read).split("\t")[0] for _ in range(10)], [topic] * 10, "topics of the next ten")
            expect(list(read), [], "more records")


if __name__ == "__main__":
    sys.exit(main(globals()))
