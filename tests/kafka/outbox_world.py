"""A varved whose outbox writes to the broker double, a history that is imported into it whatever dies meanwhile, and
the comparison of both ends."""
import concurrent.futures
import json
import os
import random
import re
import signal
import struct
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
from raw import Raw  # noqa: E402
from varved import PATIENCE_S, Server, bin_dir  # noqa: E402

LONG = "VARVE_LONG_TESTS" in os.environ  # tools/test --long
PRELOAD = os.path.join(bin_dir(), "..", "tests", "preload", "preload_kafka.so")
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


def write_config(path, name, brokers, settings):
    """`settings` of the one outbox; a value that is a list is one line each."""
    lines = [f"[outbox {name}]", f"brokers = {brokers}"]
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
    """A context manager. `broker` is a TxBroker, or anything with a port and `bootstrap` of a Kafka. Several may share
    one: then each has a `category`, after which its outbox and its streams are named, and is started by hand."""

    def __init__(self, directory, broker, settings=None, options=(), category=None):
        """`settings` of the outbox, as in {"poison.policy": "skip"}; `options` of varved."""
        self.directory, self.broker, self.options, self.category = directory, broker, options, category
        self.socket, self.config = directory + ".socket", directory + ".ini"
        self.url, self.name = "varve+unix://" + self.socket, category or "kafka"
        self.configure(settings or {})
        self.committed = Committed(broker.port, rf"varve\.{re.escape(category) if category else '.*'}")
        self.imports, self.server = [], None

    def __enter__(self):
        if self.category is None:
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

    def start(self, before=None, **preload):
        """`preload`: kill, deaf, hang or calls, as tests/support/preload_kafka.c tells them; `before`: see Server."""
        def load():
            os.environ.update(LD_PRELOAD=PRELOAD, **{"VARVE_KAFKA_" + name.upper(): str(value)
                                                     for name, value in preload.items()})

        self.server = Server(self.directory, "--unix", self.socket, "--config", self.config, *self.options,
                             before=load if preload else before)

    def start_to_die(self, kill):
        """It kills itself there; perhaps before it is ready to serve anybody."""
        try:
            self.start(kill=kill)
            self.wait_for_death()
        except AssertionError as fault:
            if self.server is not None or "ended with -9" not in str(fault):
                raise

    def wait_for_death(self):
        code = self.server.wait()
        assert code == -signal.SIGKILL, f"varved ended with {code}"
        self.server.__exit__(None)
        self.server = None

    def configure(self, settings):
        """For the next start."""
        write_config(self.config, self.name, self.broker.bootstrap, settings)

    def kill(self):
        """As kill -9."""
        self.server.kill()
        self.server.__exit__(None)
        self.server = None

    def restart(self):
        self.kill()
        self.start()

    def reconfigure(self, settings):
        """With a restart."""
        self.stop()
        self.configure(settings)
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

    # ---- what an operator sees and does ----

    def status(self):
        """Of the outbox, as `varve outbox status` tells it."""
        return json.loads(self.varve("outbox", "status", self.name, "-o", "json"))

    def wait_for_status(self, what, **wanted):
        """The status, once it has these figures."""
        def holds():
            status.update(self.status())
            return all(status.get(name) == value for name, value in wanted.items())

        status = {}
        try:
            wait_until(holds, what, CATCH_UP_S, 0.02)
        except AssertionError as fault:
            raise AssertionError(f"{fault}; {status}") from fault
        return status

    def dead_letters(self):
        """{stream: letter}"""
        return {letter["stream"]: letter for letter in json.loads(self.varve("outbox", "dead", "ls", "-o", "json"))}

    # ---- events ----

    def import_history(self, events, **options):
        """In the background; end with wait_for_imports()."""
        path = f"{self.directory}.{len(self.imports)}.ndjson"
        write_history(path, events, **options)
        self.imports.append(Import(self.url, path))

    def append(self, stream, kind, data):
        self.varve("append", stream, kind, json.dumps(data))

    def load(self, events, **options):
        """While no server is there."""
        path = f"{self.directory}.ndjson"
        write_history(path, events, category=self.category or "loan", **options)
        self.load_file(path)

    def load_file(self, path):
        done = varve("import", path, "--db", self.directory)
        assert done.returncode == 0, done

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

    def checkpoint(self):
        """The position that the newest committed one names; None: there is none."""
        with Raw(self.broker.port) as raw:
            topic = next(name for name in raw.topics() if name.endswith(f".{self.name}.ckpt"))
            newest = [record.value for record in raw.committed_of(topic)[0] if record.key == f"ck/{self.name}".encode()]
        return struct.unpack_from(">Q", newest[-1], 24)[0] if newest else None

    def is_decided(self):
        """No transaction is open, and the markers of all are written; False also while the broker is away."""
        try:
            with Raw(self.broker.port) as raw:
                return all(raw.offset(topic, index, committed=True) == raw.offset(topic, index)
                           for topic, count in raw.topics().items() if self.committed.pattern.fullmatch(topic)
                           for index in range(count))
        except OSError:
            return False

    def wrong(self, log):
        """What is not as the log wants it, once the checkpoint says that all is done."""
        wait_until(lambda: (self.checkpoint() or 0) >= log[-1].position, "the checkpoint of the last event", CATCH_UP_S)
        wait_until(self.is_decided, "the markers")
        self.published()
        return problems(log, self.committed.records, self.committed.partition_counts)

    def append_last(self):
        """The event at the end of all, which is sent after all others: behind it nothing comes."""
        self.varve("append", f"{self.category or 'last'}-last", "last", '{"last":true}')

    def check(self, left_out=(), hidden=()):
        """Everything is there, once, and the checkpoint says so. How many events that are. `left_out`: positions that
        are not to be there; `hidden`: events that were to be there and that log() does not tell any more."""
        self.append_last()
        log = sorted([event for event in {*self.log(), *hidden} if event.position not in left_out])
        self.wait_until_published(len(log))
        wrong = self.wrong(log)
        assert not wrong, "\n".join(wrong)
        return len(log)


def data_of(line):
    """The bytes of the data in a line of `varve read -o ndjson`, as they are stored."""
    at = line.index(',"data":') + len(',"data":')
    return line[at:json.JSONDecoder().raw_decode(line, at)[1]].encode()


def side_by_side(test, directory, cases, at_once=3):
    """test(directory of its own, *case) for each: some at a time, for it is mostly waiting for Kafka."""
    failed = []
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        futures = {pool.submit(test, f"{directory}-{number}", *case): case for number, case in enumerate(cases)}
        for future in concurrent.futures.as_completed(futures):
            if future.exception() is not None:
                failed.append(futures[future])
                print(f"{futures[future]}: {future.exception()!r}")
    assert not failed, failed


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
