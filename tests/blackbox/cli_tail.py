#!/usr/bin/env python3
"""`varve tail`: history and what comes after it, each event once and at once; how it ends and where it goes on."""
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time

from cli_support import TIMEOUT_S, VARVE, Server, clean_environment, expect, lines, main, varve

DEADLINE_S = 60


class Tail:
    """A tail that runs: its lines as they come, and what it says on a terminal of its own."""
    running = []

    def __init__(self, *arguments, terminal=False):
        self.master, slave = pty.openpty() if terminal else (None, subprocess.PIPE)
        self.process = subprocess.Popen([VARVE, "tail", *map(str, arguments)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=slave, env=clean_environment())
        if terminal:
            os.close(slave)
        Server.running.append(self.process)
        self.said, self.read = b"", b""

    def take(self, fd, what):
        give_up = time.monotonic() + DEADLINE_S
        while not what():
            ready, _, _ = select.select([fd], [], [], max(0, give_up - time.monotonic()))
            assert ready, f"nothing came in time; so far {self.read!r}, {self.said!r}"
            try:
                bytes_read = os.read(fd, 65536)
            except OSError:  # A terminal whose other end is closed.
                bytes_read = b""
            if fd == self.master:
                self.said += bytes_read
            else:
                self.read += bytes_read
            assert bytes_read or what(), f"it ended; {self.read!r}, {self.said!r}"

    def wait_said(self, text):
        self.take(self.master, lambda: text.encode() in self.said)
        self.said = self.said[self.said.index(text.encode()) + len(text):]

    def next_lines(self, count):
        self.take(self.process.stdout.fileno(), lambda: self.read.count(b"\n") >= count)
        found = self.read.split(b"\n", count)
        self.read = found.pop()
        return [line.decode() for line in found]

    def positions(self, count):
        return [json.loads(line)["position"] for line in self.next_lines(count)]

    def end(self, how=signal.SIGTERM, code=0):
        """What it printed since, and its standard error."""
        if how:
            self.process.send_signal(how)
        if self.master is None:
            out, err = self.process.communicate(timeout=TIMEOUT_S)
        else:
            out, err = self.process.communicate(timeout=TIMEOUT_S)[0], self.rest_of_terminal()
        expect(self.process.returncode, code, f"exit code; {err!r}")
        return (self.read + out).decode(), err.decode()

    def rest_of_terminal(self):
        said = self.said
        try:
            while select.select([self.master], [], [], 0)[0]:
                said += os.read(self.master, 65536)
        except OSError:
            pass
        return said


def fill(target, count=6):
    target.ok("import", stdin=lines({"stream": f"{'order' if i % 2 else 'user'}-{i % 3}", "type": f"t{i % 3}",
                                     "data": {"n": i}, "class": ["domain", "realtime"][i % 2],
                                     "correlation_id": f"00000000-0000-0000-0000-00000000000{i % 2 + 1}"}
                                    for i in range(count)))


# ---- history --------------------------------------------------------------------------------------------------------

def test_history_is_what_read_prints(target):
    fill(target)
    for what, form in (("--all", "ndjson"), ("order-1", "ndjson"), ("--all", "table"), ("--all", "json")):
        read = target.ok("read", what, "-o", form)
        count = 6 if what == "--all" else 1
        expect(target.ok("tail", what, "--after", "start", "--count", count, "-o", form), read, f"{what} as {form}")


def test_filters_combine(target):
    fill(target)
    events = target.events("--all")
    order, first_id = ["--category", "order"], "00000000-0000-0000-0000-000000000001"
    cases = [
        (order, lambda e: e["stream"].startswith("order-")),
        (["--type", "t0", "--type", "t2"], lambda e: e["type"] in ("t0", "t2")),
        ([*order, "--type", "t0"], lambda e: e["stream"].startswith("order-") and e["type"] == "t0"),
        (["--prefix", "user-", "--prefix", "order-0"], lambda e: e["stream"].startswith(("user-", "order-0"))),
        (["--correlation", first_id], lambda e: e["correlation_id"] == first_id),
        (["--class", "realtime"], lambda e: e.get("class") == "realtime"),
        (["--stream", "order-1", "user-0", "user-2"], lambda e: e["stream"] in ("order-1", "user-0", "user-2")),
    ]
    for options, matches in cases:
        wanted = [e for e in events if matches(e)]
        assert wanted, options
        out = target.ok("tail", *options, "--after", 0, "--count", len(wanted), "-o", "ndjson")
        expect([json.loads(line) for line in out.splitlines()], wanted, f"{options}")


def test_system_events_when_asked_for(target):
    fill(target, 2)
    target.ok("stream", "truncate", "user-0", "--before", 1)
    out = target.ok("tail", "--system", "--after", 2, "--count", 1, "-o", "ndjson")
    expect(json.loads(out)["stream"], "$$user-0")
    out = target.ok("tail", "$$user-0", "--after", "start", "--count", 1, "-o", "ndjson")
    expect(json.loads(out)["position"], 3)


# ---- what comes -----------------------------------------------------------------------------------------------------

def append(target, stream, count=1):
    for _ in range(count):
        target.ok("append", stream, "t")


def test_events_are_seen_at_once(folder):
    server = Server(os.path.join(folder, "store"))
    target = lambda *a: varve("--server", server.url, *a)
    for form in ("ndjson", "table"):
        tail = Tail("--server", server.url, "--all", "-o", form, terminal=True)
        tail.wait_said("-- caught up, position ")
        for i in range(3):
            done = target("append", "order-1", "t")
            position = done.out.split()[-1]
            line = tail.next_lines(2 if form == "table" and i == 0 else 1)[-1]
            expect(json.loads(line)["position"] if form == "ndjson" else int(line.split()[0]), int(position))
        out, err = tail.end(signal.SIGINT)
        expect(out, "")
        assert f"continue with: --after {position}" in err, err
    server.stop()


def test_a_stream_that_is_not_there_yet(folder):
    server = Server(os.path.join(folder, "store"))
    tail = Tail("--server", server.url, "order-9", "--after", "start", "-o", "ndjson", "--count", 2, terminal=True)
    tail.wait_said("-- caught up, position 0")
    for stream in ("order-8", "order-9", "order-9"):
        varve("--server", server.url, "append", stream, "t")
    expect(tail.positions(2), [2, 3])
    tail.end(how=None)
    server.stop()


def test_one_that_is_ended_goes_on_where_it_says(target):
    fill(target, 5)
    out, err = "", ""
    for how in (signal.SIGINT, signal.SIGTERM):
        tail = Tail(*target.options, "--all", "--after", "start", "-o", "json")
        tail.next_lines(5)  # "[" and all but the last, whose line feed comes with the end.
        out, err = tail.end(how)
        expect(err, "continue with: --after 5\n")
        assert out.endswith("\n]\n"), out
    after = err.split()[-1]
    if target.server:
        append(target, "order-1", 2)
        expect([json.loads(line)["position"] for line in
                target.ok("tail", "--all", "--after", after, "--count", 2, "-o", "ndjson").splitlines()], [6, 7])


def test_a_server_that_comes_back(folder):
    server = Server(os.path.join(folder, "store"))
    target = lambda *a: varve("--server", server.url, *a)
    tail = Tail("--server", server.url, "--type", "t", "--after", "start", "-o", "ndjson", terminal=True)
    tail.wait_said("-- caught up")
    for i in range(4):
        expect(target("append", f"order-{i}", "t").returncode, 0)
        expect(tail.positions(1), [i + 1])
        server.kill()
        server.start()
        tail.wait_said("-- connected again")
    out, _ = tail.end()
    expect(out, "")
    server.stop()


def test_a_server_that_does_not(folder):
    server = Server(os.path.join(folder, "store"))
    varve("--server", server.url, "append", "order-1", "t")
    url = server.url + "?reconnect_attempts=1&reconnect_delay_ms=1"
    tail = Tail("--server", url, "--all", "--after", "start", "-o", "ndjson")
    expect(tail.positions(1), [1])
    server.kill()
    out, err = tail.end(how=None, code=5)
    expect(out, "")
    assert err.startswith("error: ") and err.endswith("\ncontinue with: --after 1\n"), err


def test_nothing_is_skipped_while_others_append(folder):
    server = Server(os.path.join(folder, "store"))
    each, writers = 150, 3

    def write(n):
        varve("--server", server.url, "import", stdin=lines({"stream": f"w-{n}", "type": "t"} for _ in range(each)))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(writers)]
    tail = Tail("--server", server.url, "--category", "w", "--after", "start", "-o", "ndjson")
    for thread in threads:
        thread.start()
    expect(tail.positions(each * writers), list(range(1, each * writers + 1)))
    for thread in threads:
        thread.join()
    tail.end()
    server.stop()


def test_a_reader_that_goes_away_ends_it(folder):
    server = Server(os.path.join(folder, "store"))
    tail = Tail("--server", server.url, "--all", "--after", "start", "-o", "ndjson")
    varve("--server", server.url, "append", "order-1", "t")
    expect(tail.positions(1), [1])
    tail.process.stdout.close()
    give_up = time.monotonic() + DEADLINE_S
    while tail.process.poll() is None:
        assert time.monotonic() < give_up, "it goes on without a reader"
        varve("--server", server.url, "append", "order-1", "t")
    expect(tail.process.returncode, 0)
    expect(tail.process.stderr.read(), b"")
    server.stop()


# ---- what is wrong --------------------------------------------------------------------------------------------------

def test_wrong_command_lines():
    for arguments, says in (
        ([], "say what to follow: STREAM, --all, --category, --type, --prefix, --correlation, --class or --system"),
        (["--all", "--type", "t"], "--all leaves nothing out; give it alone or not at all"),
        (["--all", "--after", "now"], '--after must be a position, start or end, not "now"'),
        (["--all", "--count", "0"], "--count must be at least 1"),
        (["--class", "x"], '--class must be domain, integration or realtime, not "x"'),
        (["--category", "a-b"], "filter.categories[0]: a category ends before the first '-', so it cannot hold one"),
        (["order-1", "--category", "user"], "filter: can never match: none of its streams is of one of its categories "
         "and begins with one of its prefixes"),
    ):
        done = varve("tail", *arguments)
        expect((done.returncode, done.err.split("\n")[0]), (2, "error: INVALID_ARGUMENT: " + says), f"{arguments}")


def test_a_position_behind_the_end(target):
    fill(target, 2)
    done = target("tail", "--all", "--after", 3)
    expect(done.returncode, 2, done.err)
    assert done.err.startswith("error: INVALID_ARGUMENT: after: "), done.err


if __name__ == "__main__":
    sys.exit(main(globals()))
