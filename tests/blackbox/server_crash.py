#!/usr/bin/env python3
"""What varved does when its disk fails it, and what is left when it is killed: nothing acknowledged is ever lost."""
import os
import resource
import shutil
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import Closed, Server, append_body, protocol, run  # noqa: E402

IN_FLIGHT = 8


class Load(threading.Thread):
    """Appends to a stream of its own until the server is gone; keeps what was acknowledged."""

    def __init__(self, server, number):
        super().__init__()
        self.stream = f"load-{number}"
        self.connection = server.connect()
        self.acknowledged, self.errors = [], []
        self.enough = threading.Event()
        self.start()

    def take(self):
        name, _, body = self.connection.receive()
        if name == "ERROR":
            self.errors.append(body[1])
        else:
            self.acknowledged.append(body[1][0][:2])
            if len(self.acknowledged) >= 100:
                self.enough.set()

    def run(self):
        try:
            for i in range(10000000):
                self.connection.send("APPEND", append_body(self.stream, 2))
                if i >= IN_FLIGHT:
                    self.take()
        except (Closed, ConnectionError):
            pass
        try:
            while True:
                self.take()
        except (Closed, ConnectionError):
            self.enough.set()


def begin_loads(server, count=4):
    loads = [Load(server, number) for number in range(count)]
    for load in loads:
        assert load.enough.wait(60)
    return loads


def check_loads(directory, loads):
    with Server(directory) as server, server.connect() as c:
        for load in loads:
            load.join()
            records, _ = c.read(protocol.STREAM, load.stream)
            versions = [record["version"] for record in records]
            assert versions == list(range(len(versions)))
            assert len(load.acknowledged) >= 100
            for first, last in load.acknowledged:
                assert last == first + 1 and last < len(versions), (load.stream, first, last, len(versions))
            assert len(versions) % 2 == 0  # No append by half.
        assert len(c.read()[0]) == c.ask("PING", [])[1]
        server.stop()


def killed_under_load_loses_nothing(directory):
    for _ in range(3):
        with Server(directory, "--settle-events", "500") as server:
            loads = begin_loads(server)
            server.kill()
        check_loads(directory, loads)
        for load in loads:
            load.connection.sock.close()
        os.rename(directory, directory + "-old")
        shutil.rmtree(directory + "-old")


def failing_writes(directory, *options, limit):
    """Run under load, let writes beyond `limit` bytes of a file fail from some moment on; returns the loads."""
    with Server(directory, *options, before=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN)) as server:
        idle = server.connect()
        loads = begin_loads(server)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        assert server.wait() == 1, server.process.returncode
        log = server.log()
        assert "level=error service=varved event=store.fault" in log and "\nvarved: IO: " in log, log
        assert "server.stopped" not in log
        idle.sock.close()
    for load in loads:
        load.join()
        assert set(load.errors) <= {"IO", "NOT_READY"}, load.errors
    return loads


def a_journal_that_cannot_be_written_ends_it(directory):
    loads = failing_writes(directory, limit=4096)
    assert any("IO" in load.errors for load in loads)
    check_loads(directory, loads)


def a_store_that_cannot_be_written_ends_it(directory):
    """The settler's fault, behind the back of every request."""
    check_loads(directory, failing_writes(directory, "--settle-events", "500", "--segment-size", "1MiB",
                                          "--max-append-bytes", "512KiB", "--max-event-bytes", "256KiB", limit=1 << 20))


run([killed_under_load_loses_nothing, a_journal_that_cannot_be_written_ends_it, a_store_that_cannot_be_written_ends_it])
