#!/usr/bin/env python3
"""`varve top`: in a pseudo terminal that is resized, paused and left; without one as a table and as JSON."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

from cli_support import VARVE, Server, clean_environment, expect, main, varve
from fake_peer import FakePeer

DEADLINE_S = 60
ESCAPE = re.compile(r"\x1b\[(\??)([\d;]*)([A-Za-z])")


class Screen:
    """What a terminal shows of what it was told."""

    def __init__(self, width, height):
        self.left, self.other, self.cursor, self.wraps = "", False, True, True
        self.resize(width, height)

    def resize(self, width, height):
        self.width, self.height, self.row, self.column = width, height, 0, 0
        self.rows = [[" "] * width for _ in range(height)]

    def escape(self, private, numbers, letter):
        if private:
            setting = {"1049": "other", "25": "cursor", "7": "wraps"}[numbers]
            setattr(self, setting, letter == "h")
        elif letter == "H":
            self.row, self.column = (int(number) - 1 for number in numbers.split(";"))
        elif letter == "J":
            self.rows = [[" "] * self.width for _ in range(self.height)]
        elif letter == "K":
            self.rows[self.row][self.column:] = [" "] * (self.width - self.column)
        else:
            assert letter == "m", letter

    def put(self, character):
        assert self.row < self.height and self.column < self.width and character >= " ", "written outside"
        self.rows[self.row][self.column] = character
        self.column += 1

    def take(self, text):
        """Text that is shown between programs, such as a newline, is none of our business."""
        text, at = self.left + text, 0
        while at < len(text):
            if text[at] == "\x1b":
                found = ESCAPE.match(text, at)
                if not found:
                    break
                self.escape(*found.groups())
                at = found.end()
            else:
                self.put(text[at])
                at += 1
        self.left = text[at:]

    def lines(self):
        return ["".join(row).rstrip() for row in self.rows]


class Terminal:
    """A command in a pseudo terminal."""

    def __init__(self, *arguments, width=80, height=24, **environment):
        self.bytes, self.screen, self.waited = b"", Screen(width, height), None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            os.execve(VARVE, [VARVE, *arguments], clean_environment(TERM="xterm", **environment))
        self.before = termios.tcgetattr(self.fd)

    def read(self, wait_s=0.05):
        if not select.select([self.fd], [], [], wait_s)[0]:
            return True
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            return False
        self.bytes += got
        whole = self.bytes.decode(errors="ignore")
        self.bytes = self.bytes[len(whole.encode()):]
        self.screen.take(whole)
        return bool(got)

    def wait(self, what, tell=""):
        give_up = time.monotonic() + DEADLINE_S
        while not what(self.screen.lines()):
            assert self.read() and time.monotonic() < give_up, \
                f"never shown: {tell}\n" + "\n".join(self.screen.lines())

    def wait_for(self, text):
        self.wait(lambda lines: any(text in line for line in lines), text)

    def resize(self, width, height):
        """As soon as it is told of the new size it clears the screen: what comes before that is of the old one."""
        while self.read(0):
            if not select.select([self.fd], [], [], 0)[0]:
                break
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        largest = Screen(max(width, self.screen.width), max(height, self.screen.height))
        largest.other, largest.cursor, largest.wraps = self.screen.other, self.screen.cursor, self.screen.wraps
        self.screen = largest

    def send(self, keys):
        os.write(self.fd, keys)

    def ended(self):
        """The exit code; the terminal is as it was."""
        give_up = time.monotonic() + DEADLINE_S
        while self.read():
            assert time.monotonic() < give_up, "it does not end"
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        expect((self.screen.other, self.screen.cursor, self.screen.wraps), (False, True, True), "the terminal's modes")
        return code

    def close(self):
        os.close(self.fd)


def shown(server, *arguments, **more):
    return Terminal("top", "--interval", "100ms", *arguments, "--server", server.url, **more)


# ---- on a terminal --------------------------------------------------------------------------------------------------

def test_it_shows_is_resized_paused_and_left(folder):
    server = Server(folder + "/store")
    top = shown(server)
    top.wait_for("ready")
    for what in "varve top  " + server.url, "events/s", "settle lag", "q quit  p pause":
        top.wait_for(what)
    expect((top.screen.other, top.screen.cursor, top.screen.wraps), (True, False, False))
    varve("append", "a-1", "t", "--server", server.url)
    varve("group", "create", "mails", "--server", server.url)
    top.wait(lambda lines: any(re.search(r"position +[1-9]", line) for line in lines), "a position")
    top.wait_for("mails")
    top.resize(40, 12)
    top.wait(lambda lines: not any(lines[12:]) and not any("q quit" in line for line in lines) and
             "ready" in lines[1] and max(map(len, lines)) <= 40, "forty columns")
    top.resize(110, 30)
    top.wait_for("q quit")
    top.send(b"p")
    top.wait_for("PAUSED")
    top.send(b"p")
    top.wait(lambda lines: not any("PAUSED" in line for line in lines), "that it goes on")
    top.send(b"\x1a")  # Nobody would continue it, so the system does not stop it; the terminal is given back and taken.
    top.wait_for("ready")
    top.send(b"q")
    expect(top.ended(), 0)
    expect(termios.tcgetattr(top.fd), top.before, "the terminal's settings")
    top.close()
    server.stop()


def test_signals_give_the_terminal_back(folder):
    server = Server(folder + "/store")
    for end in (lambda top: top.send(b"\x03")), (lambda top: os.kill(top.pid, signal.SIGTERM)):
        top = shown(server)
        top.wait_for("ready")
        end(top)
        expect(top.ended(), 0)
        expect(termios.tcgetattr(top.fd), top.before, "the terminal's settings")
        top.close()
    server.stop()


def test_a_server_that_goes_away_and_comes_back(folder):
    server = Server(folder + "/store")
    top = shown(server)
    top.wait_for("ready")
    server.stop()
    top.wait_for("no answer for ")
    top.wait(lambda lines: re.search(r"events/s +-( |$)", "\n".join(lines)), "that no rate is known")
    server.start()
    top.wait_for("ready")
    top.wait(lambda lines: re.search(r"requests/s +[1-9]", "\n".join(lines)), "rates")
    top.send(b"q")
    expect(top.ended(), 0)
    top.close()
    server.stop()


def test_nobody_is_there_yet():
    top = Terminal("top", "--server", "varve://127.0.0.1:1")
    top.wait_for("no answer for 0s, trying on: ")
    top.send(b"q")
    expect(top.ended(), 0)
    top.close()


def test_colours_are_for_those_who_want_them():
    peer = FakePeer(answers(ready=False))
    for environment, coloured in ({}, True), ({"NO_COLOR": "1"}, False):
        top = Terminal("top", "--server", peer.url, **environment)
        said = b""
        while b"NOT READY" not in said:
            assert select.select([top.fd], [], [], DEADLINE_S)[0]
            said += os.read(top.fd, 65536)
        expect(b"\x1b[0;1;31mNOT READY" in said, coloured)
        top.send(b"q")
        top.ended()
        top.close()
    peer.close()


# ---- elsewhere ------------------------------------------------------------------------------------------------------

def answers(ready=True, health=True):
    """Of a peer whose counters grow by 10 with every look."""
    looks = iter(range(100, 10000, 10))

    def stats(body):
        count = next(looks)
        return "STATS_OK", [{"version": "9.8.7", "uptime_s": count, "events_appended": count, "requests": count,
                             "last_position": count, "settled_position": 90, "sync_us_p50": 70, "sync_us_p99": 900,
                             "commit_us_p50": 80, "commit_us_p99": 1100, "request_us_p50": 110,
                             "request_us_p99": 15000, "disk_free_bytes": 1 << 34, "store_bytes": 1 << 30}]

    checks = [["store", True, ""], ["disk", ready, "" if ready else "disk full"]]
    known = {
        "STATS": stats,
        "GROUP_LIST": lambda body: ("GROUP_LIST_OK", [[group(f"g{n}", n) for n in range(30)]]),
        "OUTBOX_LIST": lambda body: ("OUTBOX_LIST_OK", [[["kafka", {
            "phase": "BACKOFF", "breaker": "OPEN", "lag_events": 1234, "lag_us": 61000000, "events_published": 5,
            "dead_streams": 2, "parked_events": 9, "reason": "no broker"}]]]),
    }
    if health:
        known["HEALTH"] = lambda body: ("HEALTH_OK", [True, ready, checks, 100, "9.8.7"])
    return known


def group(name, lag):
    settings = [[[], [], [], [], None, 0, False], 0, 100, 10, 1000, 5, [100]]
    return [name, settings, None, 1000 - lag, 1000, 1, 2, 3, 4, 5, 1700000000000000, []]


def test_once_prints_a_table():
    peer = FakePeer(answers())
    done = varve("top", "--once", "--interval", "100ms", "--server", peer.url)
    expect((done.returncode, done.err), (0, ""))
    lines = done.out.splitlines()
    expect(lines[:2], [f"varve top  {peer.url}", "ready  varved 9.8.7, up 1m 50s"])
    assert re.search(r"^events/s +\d+ +position +110$", done.out, re.M), done.out
    assert "p50/p99  request 110us/15.0ms  commit 80us/1.1ms  sync 70us/900us" in done.out, done.out
    assert re.search(r"^kafka +BACKOFF +OPEN +1,234 +61.0s +0 +2 +9$", done.out, re.M), done.out
    expect([line.split()[0] for line in lines if re.match(r"g\d", line)], [f"g{n}" for n in reversed(range(30))])
    assert "\x1b" not in done.out and "▁" not in done.out, done.out
    narrow = varve("top", "--once", "--interval", "100ms", "--server", peer.url, COLUMNS="40").out.splitlines()
    assert max(map(len, narrow)) <= 40, narrow
    peer.close()


def test_an_older_server_knows_no_health():
    peer = FakePeer(answers(health=False))
    done = varve("top", "--once", "--interval", "100ms", "--server", peer.url)
    expect((done.returncode, done.out.splitlines()[1]), (0, "answers  varved 9.8.7, up 1m 50s"))
    expect(peer.asked.count("HEALTH"), 1)
    peer.close()


def test_samples_for_programs():
    peer = FakePeer(answers(ready=False))
    done = varve("top", "-o", "ndjson", "--interval", "100ms", "--count", "3", "--server", peer.url)
    expect(done.returncode, 0, done.err)
    samples = [json.loads(line) for line in done.out.splitlines()]
    expect([sample["events_appended"] for sample in samples], [110, 120, 130])
    for sample in samples:
        assert sample["events_per_s"] > 0, sample
        expect((sample["ready"], sample["reason"], len(sample["groups"])), (False, "disk: disk full", 30))
        expect(sample["outboxes"][0]["breaker"], "OPEN")
    whole = varve("top", "-o", "json", "--interval", "100ms", "--count", "2", "--server", peer.url)
    expect(len(json.loads(whole.out)), 2)
    one = varve("top", "-o", "json", "--once", "--interval", "100ms", "--server", peer.url)
    expect(json.loads(one.out)["version"], "9.8.7")
    peer.close()


def test_samples_go_on_when_the_server_is_away():
    known = answers()
    stats, calls = known["STATS"], []
    known["STATS"] = lambda body: (calls.append(1), stats(body) if len(calls) != 3 else None)[1]
    peer = FakePeer(known)
    done = varve("top", "-o", "ndjson", "--interval", "100ms", "--count", "4", "--server", peer.url)
    samples = [json.loads(line) for line in done.out.splitlines()]
    expect(["error" in sample for sample in samples], [False, True, False, False])
    expect((samples[1]["error"], samples[2]["events_per_s"]), ("DISCONNECTED", None))
    assert samples[3]["events_per_s"] > 0, samples
    peer.close()


def test_what_is_refused():
    for arguments, says in (([], "this is no terminal: --once prints one table, -o ndjson a line for each sample"),
                            (["--interval", "1ms"], "--interval must be from 100ms to 1h"),
                            (["--count", "3"], "--count goes with -o json or -o ndjson, without --once"),
                            (["--once", "--count", "3", "-o", "json"],
                             "--count goes with -o json or -o ndjson, without --once")):
        done = varve("top", *arguments)
        expect((done.returncode, done.err.split("\n")[0]), (2, f"error: INVALID_ARGUMENT: {says}"))
    for arguments in ["--once"], ["-o", "ndjson"]:
        expect(varve("top", *arguments, "--server", "varve://127.0.0.1:1").returncode, 5)


if __name__ == "__main__":
    sys.exit(main(globals()))
