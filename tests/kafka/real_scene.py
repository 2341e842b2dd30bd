"""A real Kafka, a varved whose outbox publishes to it, a consumer of Java's that reads along, and histories that are
imported while a test does harm."""
import contextlib
import os
import tempfile

import real
import real_status
from real_support import Import, Reading, Server, check, expect, varve, write_history

TOPICS = r"varve\..*"
# Failures are to come and go quickly here.
DEFAULTS = {"transaction.timeout": "10s", "message.timeout": "8s", "backoff.max": "2s", "txn.max_events": "500"}


def write_config(path, brokers, settings):
    lines = ["[outbox kafka]", f"brokers = {brokers}", *(f"{key} = {value}" for key, value in settings.items())]
    with open(path, "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:  # For secrets.
        file.write("\n".join(lines) + "\n")


class Scene:
    """`pieces` histories of `events` each are to be imported in all. At the end of the block, logs when it failed."""

    def __init__(self, folder, kafka, settings=None, pieces=1, events=5000):
        """`settings`: of the configuration, or a function that makes them of the cluster."""
        self.folder, self.kafka, self.events, self.total = folder, kafka, events, pieces * events
        self.imports = []
        self.configure(settings(kafka) if callable(settings) else settings or {})
        self.server = Server(f"{folder}/store", "--config", f"{folder}/outbox.conf")
        self.reading = Reading(kafka, TOPICS, self.total)

    def configure(self, settings):
        """For the next start. With settings for librdkafka, by the listener that wants them."""
        brokers = self.kafka.bootstrap
        if any(name.startswith("rdkafka.") for name in settings):
            brokers = self.kafka.client_settings()["bootstrap.servers"]
        write_config(f"{self.folder}/outbox.conf", brokers, DEFAULTS | settings)

    def __enter__(self):
        return self

    def __exit__(self, fault, *_):
        self.reading.stop()
        self.server.kill()
        if fault:
            print(f"the end of varved's log:\n{self.log()[-6000:]}\nthe end of Kafka's:\n{self.kafka.logs()}")

    def log(self):
        with open(self.server.log, encoding="utf-8") as log:
            return log.read()

    def import_piece(self):
        """In the background."""
        number = len(self.imports)
        path = f"{self.folder}/{number}.ndjson"
        write_history(path, self.events, seed=number + 1)
        self.imports.append(Import(self.server, path))

    def catch_up(self):
        """All that was imported is with the consumer, and the outbox says that all is well."""
        for task in self.imports:
            task.join()
        self.reading.wait_for(len(self.imports) * self.events)
        real_status.wait_until_idle(self.server)

    def wait_for_more(self):
        """Something comes through, whatever there is behind it."""
        self.reading.wait_for(len(self.reading.lines) + 1)

    def pause_and_resume(self):
        """So that it begins anew with Kafka, in the same process."""
        for order in ("pause", "resume"):
            done = varve("outbox", order, "--server", self.server.url)
            expect(done.returncode, 0, done.err)

    def check(self):
        """Both ends agree, for Java's consumer and for the server, and nothing comes later."""
        check(self.server, self.kafka, self.reading.result())
        found = real_status.verify(self.server)
        expect((found["agrees"], found["events"]), (1, self.total), "verification")
        expect(len(self.kafka.consume(TOPICS)), self.total, "records for a new reader")

    def stop(self):
        self.server.stop()


@contextlib.contextmanager
def scene(version, brokers=1, kafka_options=None, **options):
    with real.Kafka(version, brokers, **(kafka_options or {})) as kafka:
        with tempfile.TemporaryDirectory(prefix="varve-real-") as folder, Scene(folder, kafka, **options) as made:
            yield made
