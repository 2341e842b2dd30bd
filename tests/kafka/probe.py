"""tests/kafka/probe.c as a process: librdkafka, doing what a test says when it says so."""
import os
import subprocess

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.environ.get("VARVE_BUILD", os.path.join(ROOT, "build", "gcc-release"))
# As the outbox sets them, but for timeouts.
TRANSACTIONAL = ["linger.ms=0", "socket.nagle.disable=true", "reconnect.backoff.ms=50", "retry.backoff.ms=100",
                 "compression.type=lz4", "batch.num.messages=10000"]


class Failed(Exception):
    """An "error" answer: its name, and its flags as a list."""

    def __init__(self, what, words):
        self.name, self.flags = words[0], words[1:]
        super().__init__(f"{what}: {' '.join(words)}")


class Probe:
    """A context manager: killed at its end. tell() sends a command, answer() waits for what it brought; ask() does
    both."""

    def __init__(self):
        self.process = subprocess.Popen([f"{BUILD}/tests/kafka/probe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def tell(self, *words):
        self.last = " ".join(str(word) for word in words)
        self.process.stdin.write(self.last + "\n")
        self.process.stdin.flush()

    def answer(self):
        """(words behind "ok", [(offset, value)] of what was read)"""
        records = []
        while line := self.process.stdout.readline():
            kind, *words = line.split()
            if kind == "record":
                records.append((int(words[0]), words[1] if len(words) > 1 else ""))
            elif kind == "error":
                raise Failed(self.last, words)
            else:
                return words, records
        raise AssertionError(f"probe ended during {self.last}")

    def ask(self, *words):
        self.tell(*words)
        return self.answer()[0]

    def fails(self, *words):
        """The Failed that the command must end with."""
        try:
            self.ask(*words)
        except Failed as failure:
            return failure
        raise AssertionError(f"{words} went well")

    # ---- what tests do again and again ----

    def transactional(self, bootstrap, name, timeout_ms=60000, *more):
        self.ask("producer", f"bootstrap.servers={bootstrap}", f"transactional.id={name}",
                 f"transaction.timeout.ms={timeout_ms}", f"client.id={name}", *TRANSACTIONAL, *more)

    def join(self, bootstrap, name, topic, timeout_ms=60000, *more):
        """A transactional producer that is ready to begin."""
        self.transactional(bootstrap, name, timeout_ms, *more)
        self.ask("know", topic)
        self.ask("init", 30000)

    def write(self, topic, partition, *values):
        for value in values:
            self.ask("produce", topic, partition, value)

    def transaction(self, topic, partition, *values, commit=True):
        self.ask("begin")
        self.write(topic, partition, *values)
        self.ask("acked", 20000)
        self.ask(*(("commit", -1) if commit else ("abort", -1)))

    def read(self, bootstrap, topic, partition, isolation="read_committed"):
        """Values in order."""
        self.tell("read", bootstrap, topic, partition, isolation)
        return [value for _, value in self.answer()[1]]

    def reports(self):
        """(delivery reports in all, those of failures since the last time, the first failure's name)"""
        total, failed, first = self.ask("reports")
        return int(total), int(failed), first
