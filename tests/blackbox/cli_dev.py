#!/usr/bin/env python3
"""`varve dev`: a server with a mock of Kafka that leaves nothing behind."""
import json
import os
import signal
import subprocess
import sys
import urllib.request

from cli_support import VARVE, clean_environment, expect, main, varve
from waiting import wait_until

DEADLINE_S = 60


class Dev:
    """varve dev with -o json, and what it says of itself."""

    def __init__(self, folder, *options):
        self.process = subprocess.Popen([VARVE, "dev", "--port", "0", "-o", "json", *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=clean_environment(TMPDIR=folder))
        self.says = json.loads(self.process.stdout.readline())

    def varve(self, *arguments):
        done = varve(*arguments, "--server", self.says["url"])
        expect(done.returncode, 0, f"{arguments}: {done.err}")
        return done.out

    def end(self, number):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)


def left_behind(folder):
    return [name for name in os.listdir(folder) if name.startswith("varve-dev")]


def is_gone(url):
    return varve("ping", "--server", url).returncode == 5


def test_it_serves_until_it_is_interrupted(folder):
    for number in (signal.SIGINT, signal.SIGTERM):
        dev = Dev(folder)
        dev.varve("append", "order-42", "order.placed", '{"total": 99}')
        assert "drained" in dev.varve("outbox", "drain")
        expect(json.loads(dev.varve("outbox", "status", "kafka", "-o", "json"))["brokers"], dev.says["kafka"])
        with urllib.request.urlopen(dev.says["http"] + "/health/ready", timeout=DEADLINE_S) as answer:
            assert json.load(answer)["ready"]
        expect(left_behind(folder), [os.path.basename(dev.says["directory"])])
        expect(dev.end(number), 0)
        assert is_gone(dev.says["url"])
        expect(left_behind(folder), [])


def test_a_command_finds_it_and_gives_its_exit_code(folder):
    script = ('varve() { "$0" "$@"; }; varve append a t {} && varve outbox drain && echo "$KAFKA_BROKERS $VARVE_HTTP"; '
              'exit 7')
    done = varve("dev", "--port", "0", "--", "sh", "-c", script, VARVE, TMPDIR=folder)
    expect(done.returncode, 7, done.err)
    assert done.out.startswith("a@0 position 1\nkafka: drained") and " http://127.0.0.1:" in done.out, done.out
    expect(left_behind(folder), [])
    done = varve("dev", "--port", "0", "--", "/no/such/program", TMPDIR=folder)
    expect(done.returncode, 127)
    assert "/no/such/program cannot be run" in done.err, done.err
    expect(left_behind(folder), [])


def test_a_directory_that_is_kept(folder):
    kept = os.path.join(folder, "kept")
    for round_number in range(2):
        dev = Dev(folder, "--keep", kept)
        expect(len(dev.varve("read", "--all", "-o", "ndjson").splitlines()), round_number)
        dev.varve("append", "a", "t")
        dev.varve("outbox", "drain")
        expect(dev.end(signal.SIGINT), 0)
    assert "server.stopped" in open(os.path.join(kept, "log"), encoding="utf-8").read()


def test_a_server_that_cannot_start_says_why(folder):
    dev = Dev(folder)
    port = dev.says["url"].rsplit(":", 1)[1]
    done = varve("dev", "--port", port, TMPDIR=folder)
    expect(done.returncode, 5, done.err)
    assert done.err.startswith("error: UNREACHABLE: varved did not start: varved: ") and port in done.err, done.err
    expect(len(left_behind(folder)), 1)
    expect(dev.end(signal.SIGINT), 0)
    for words in (("--port", "65536"), ("x",), ("--server", "varve://127.0.0.1:1")):
        expect(varve("dev", *words, TMPDIR=folder).returncode, 2)
    expect(left_behind(folder), [])


def test_killed_it_leaves_no_process(folder):
    dev = Dev(folder)
    dev.end(signal.SIGKILL)
    wait_until(lambda: is_gone(dev.says["url"]), "the server's end")


def test_what_people_read(folder):
    process = subprocess.Popen([VARVE, "dev", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=clean_environment(TMPDIR=folder))
    lines = [process.stdout.readline().decode()]
    while not lines[-1].startswith("Ctrl-C"):
        lines.append(process.stdout.readline().decode())
        assert lines[-1], lines
    process.send_signal(signal.SIGINT)
    expect(process.wait(DEADLINE_S), 0)
    text = "".join(lines)
    for part in ("varved    varve://127.0.0.1:", "a mock", "export VARVE_URL=", "varve append", "varve tail",
                 "varve outbox status", "curl -N 'http://127.0.0.1:", "varve top", "kcat -b 127.0.0.1:"):
        assert part in text, text


if __name__ == "__main__":
    sys.exit(main(globals()))
