"""A varved whose outbox writes to the broker double, a history that is imported into it whatever dies meanwhile, and
the comparison of both ends."""
import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from committed import Committed  # noqa: E402
from exactly_once import Event, problems  # noqa: E402
from varved import PATIENCE_S, Server, bin_dir  # noqa: E402

CATCH_UP_S = 4 * PATIENCE_S  # Backing off and waiting for transactions of dead processes included.
RUNNING = ["AddPartitionsToTxn", "Produce", "EndTxn"]  # What an outbox asks again and again.
SMALL = {"txn.max_events": "50"}  # So that few events are many transactions.
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
TYPES = ["submitted", "checked", "offered", "accepted", "paid", "closed"]
# Failures are to come and go quickly here. What a test sets itself comes behind and wins.
DEFAULTS = {"transaction.timeout": "10s", "message.timeout": "8s", "backoff.min": "20ms", "backoff.max": "500ms",
            "topic.partitions": "6", "topic.replication": "1", "rdkafka.socket.timeout.ms": "2000",
            "rdkafka.reconnect.backoff.max.ms": "200"}


def write_history(path, events, streams=300, seed=1, category="loan"):
    """Events of many streams, mixed, as `varve import` takes them. Each has an id, so that importing it twice stores it
    once; some streams are much longer than others."""
    chance = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        for number in range(events):
            stream = f"{category}-{int(chance.random() ** 2 * streams)}"
            event = {"stream": stream, "type": "application." + chance.choice(TYPES),
                     "id": str(uuid.uuid5(NAMESPACE, f"{category}/{seed}/{number}")),
                     "data": {"number": number, "remark": "x" * chance.randrange(200)}}
            file.write(json.dumps(event) + "\n")


def write_config(path, brokers, settings):
    """`settings` of the one outbox; a value that is a list is one line each."""
    lines = ["[outbox kafka]", f"brokers = {brokers}"]
    for key, value in {**DEFAULTS, **settings}.items():
        lines += [f"{key} = {one}" for one in (value if isinstance(value, list) else [value])]
    with open(path, "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:  # For secrets.
        file.write("\n".join(lines) + "\n")


def varve(*arguments, timeout_s=CATCH_UP_S):
    return subprocess.run([os.path.join(bin_dir(), "varve"), *map(str, arguments)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=timeout_s, check=False)


class Import(threading.Thread):
    """`varve import` again and again, while servers die under it, until it went through."""

    def __init__(self, url, path):
        super().__init__(daemon=True)
        self.url, self.path, self.runs, self.stopped = url, path, 0, False
        self.last = None
        self.start()

    def run(self):
        while not self.stopped and (self.last is None or self.last.returncode != 0):
            self.runs += 1
            self.last = varve("import", self.path, "--server", self.url)
            time.sleep(0.02)


class World:
    """A context manager. `broker` is a TxBroker, or anything with a port and `bootstrap` of a Kafka."""

    def __init__(self, directory, broker, settings=None, options=()):
        """`settings` of the outbox, as in {"poison.policy": "skip"}; `options` of varved."""
        self.directory, self.broker, self.options = directory, broker, options
        self.socket, self.config = directory + ".socket", directory + ".ini"
        self.url = "varve+unix://" + self.socket
        self.configure(settings or {})
        self.committed = Committed(broker.port, r"varve\..*")
        self.imports, self.server = [], None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *fault):
        for task in self.imports:
            task.stopped = True
        if self.server is not None:
            self.server.__exit__(*fault)
        for task in self.imports:
            task.join()
        self.committed.close()

    # ---- the server ----

    def start(self):
        self.server = Server(self.directory, "--unix", self.socket, "--config", self.config, *self.options)

    def configure(self, settings):
        """For the next start."""
        write_config(self.config, self.broker.bootstrap, settings)

    def kill(self):
        """As kill -9."""
        self.server.kill()
        self.server.__exit__(None)
        self.server = None

    def restart(self):
        self.kill()
        self.start()

    def stop(self):
        """As an operator does."""
        self.server.stop()
        self.server.__exit__(None)
        self.server = None

    def wait_for_log(self, pattern):
        self.server.wait_for_log(pattern)

    def varve(self, *arguments):
        """What a command said, which must have gone well."""
        done = varve(*arguments, "--server", self.url)
        assert done.returncode == 0, (arguments, done)
        return done.stdout

    # ---- events ----

    def import_history(self, events, **options):
        """In the background; end with wait_for_imports()."""
        path = f"{self.directory}.{len(self.imports)}.ndjson"
        write_history(path, events, **options)
        self.imports.append(Import(self.url, path))

    def wait_for_imports(self):
        for task in self.imports:
            wait_until(lambda task=task: not task.is_alive(), "an import", CATCH_UP_S)

    def log(self):
        """What an outbox without routes sends."""
        for line in self.varve("read", "--all", "-o", "ndjson").splitlines():
            event = json.loads(line)
            if not event["stream"].startswith("$"):
                yield Event(event["position"], event["stream"], event["version"], event["type"], event["id"],
                            data_of(line))

    # ---- the other end ----

    def published(self):
        """How many records consumers see by now; None while the broker is away."""
        return self.committed.read_on()

    def wait_until_published(self, count):
        wait_until(lambda: (self.published() or 0) >= count, f"{count} records", CATCH_UP_S)

    def check(self):
        """Everything is there, once. Nothing comes later, either: the event at the end of all is sent after all
        others. How many events that are."""
        self.varve("append", "last-0", "last", '{"last":true}')
        log = list(self.log())
        self.wait_until_published(len(log))
        wrong = problems(log, self.committed.records, self.committed.partition_counts)
        assert not wrong, "\n".join(wrong)
        return len(log)


def data_of(line):
    """The bytes of the data in a line of `varve read -o ndjson`, as they are stored."""
    at = line.index(',"data":') + len(',"data":')
    return line[at:json.JSONDecoder().raw_decode(line, at)[1]].encode()


def one_after_the_other(directory, faults):
    """Each of the faults while some events are published; those of requests of a start, at a start."""
    with TxBroker() as broker, World(directory, broker, SMALL) as world:
        world.import_history(100)
        world.wait_until_published(100)
        for number, fault in enumerate(faults, 1):
            rule = broker.fault(**fault)
            if fault["api"] not in RUNNING:
                world.restart()
            world.import_history(120, seed=number + 1)
            wait_until(lambda rule=rule: broker.acted(number=rule) > 0, f"{fault}")
            world.wait_until_published(100 + 120 * number)
            broker.release()
        assert world.check() == 101 + 120 * len(faults)
