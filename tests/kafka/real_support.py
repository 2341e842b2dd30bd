"""What tests of the outbox with a real Kafka share: a history, an import that goes on after every kill, and the log
held against what a consumer got."""
import base64
import json
import random
import subprocess
import sys
import threading
import time
import uuid

import exactly_once
import real
from committed import Found

sys.path.insert(0, str(real.ROOT / "tests/blackbox"))
from cli_support import VARVE, Server, clean_environment, expect, varve  # noqa: E402, F401

PATIENCE_S = 300
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
TYPES = ["submitted", "checked", "offered", "accepted", "paid", "closed"]


def write_history(path, events=60000, streams=3000, seed=1):
    """Events of many streams, mixed; each has an id, so that importing them twice stores them once."""
    chance = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        for number in range(events):
            stream = f"loan-{int(chance.random() ** 2 * streams)}"  # Some are much longer than others.
            event = {"stream": stream, "type": "application." + chance.choice(TYPES),
                     "id": str(uuid.uuid5(NAMESPACE, f"{seed}/{number}")),
                     "data": {"number": number, "remark": "é" * chance.randrange(120)}}
            file.write(json.dumps(event, ensure_ascii=False) + "\n")


def count_lines(path):
    with open(path, "rb") as file:
        return sum(1 for _ in file)


class Import(threading.Thread):
    """`varve import` again and again, while servers die under it, until one went through."""

    def __init__(self, server, path):
        super().__init__(daemon=True)
        self.server, self.path, self.runs, self.last = server, path, 0, None
        self.start()

    def run(self):
        while self.last is None or self.last.returncode != 0:
            self.runs += 1
            self.last = subprocess.run([VARVE, "import", self.path, "--server", self.server.url], capture_output=True,
                                       text=True, env=clean_environment(), check=False)
            time.sleep(0.05)


class Reading(threading.Thread):
    """Java's consumer of committed transactions, reading along from the beginning until it has so many records."""

    def __init__(self, kafka, topics, at_least):
        super().__init__(daemon=True)
        self.lines, self.errors = [], []
        self.process = kafka.start_consumer(topics, f"at_least={at_least}", f"timeout={PATIENCE_S}", "headers=all",
                                            "values=all")
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()
        self.start()

    def run(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def wait_for(self, count):
        deadline = time.monotonic() + PATIENCE_S
        while len(self.lines) < count:
            if not self.is_alive() and len(self.lines) < count:
                raise AssertionError(f"the consumer ended at {len(self.lines)} records: {''.join(self.errors)[-3000:]}")
            expect(time.monotonic() < deadline, True, f"{count} records within {PATIENCE_S} s")
            time.sleep(0.005)

    def result(self):
        """All records, when there were as many as were waited for and it came to the end of every topic."""
        status = self.process.wait(PATIENCE_S)
        self.join()
        expect(status, 0, f"{len(self.lines)} records: {''.join(self.errors)[-3000:]}")
        return [found(real.record_of(line.rstrip("\n"))) for line in self.lines]

    def misplaced(self):
        """What Java's partitioner would have put into another partition."""
        return [line for line in self.errors if line.startswith("misplaced")]

    def stop(self):
        self.process.kill()
        self.process.wait()


def found(record):
    """A record of Java's consumer as exactly_once.py wants it."""
    value = None if record.value == "-" else base64.b64decode(record.value)
    return Found(record.topic, record.partition, record.offset, record.key.encode(), value,
                 {name: text.encode() for name, text in record.headers.items()}, record.time_ms)


def data_of(line):
    """The bytes of the data in a line of `varve read -o ndjson`, as they are stored."""
    at = line.index(',"data":') + len(',"data":')
    return line[at:json.JSONDecoder().raw_decode(line, at)[1]].encode()


def log_of(server):
    """The events of the log that an outbox without routes sends."""
    done = varve("read", "--all", "-o", "ndjson", "--server", server.url)
    expect(done.returncode, 0, done.err)
    for line in done.out.split("\n"):
        if line:
            event = json.loads(line)
            if not event["stream"].startswith("$"):
                yield exactly_once.Event(event["position"], event["stream"], event["version"], event["type"],
                                         event["id"], data_of(line))


def check(server, kafka, records):
    """Every event once, as it is in the log, each stream in order."""
    expect(exactly_once.problems(log_of(server), records, kafka.topics()), [], "what Kafka holds")
