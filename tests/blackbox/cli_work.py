#!/usr/bin/env python3
"""`varve group work`: a command for each event, its exit status for an acknowledgement, and every way to end."""
import json
import os
import signal
import subprocess
import sys
import time

from cli_group import Groups
from cli_support import TIMEOUT_S, VARVE, Server, clean_environment, expect, lines, main
from waiting import wait_until


class Worker:
    """A `varve group work` that runs."""

    def __init__(self, place, *arguments, url=None):
        self.process = subprocess.Popen([VARVE, "--server", url or place.server.url, "group", "work", *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=clean_environment())
        Server.running.append(self.process)

    def end(self, how=signal.SIGTERM, code=0):
        if how:
            self.process.send_signal(how)
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        expect(self.process.returncode, code, f"exit code; {err}")
        return out.decode(), err.decode()


def written(path):
    return open(path).read().splitlines() if os.path.exists(path) else []


# ---- what a command is given, and what becomes of it ----------------------------------------------------------------

def test_the_command_has_the_event_and_its_names(folder):
    place = Groups(folder)
    place.ok("group", "create", "g", "--stream", "order-1")
    out = place.ok("group", "work", "g", "--count", 2, "--", "sh", "-c",
                   'cat; echo "$VARVE_POSITION $VARVE_ATTEMPT $VARVE_STREAM $VARVE_TYPE"')
    events = place.ok("read", "order-1", "-o", "ndjson").splitlines()
    expect(out.splitlines(), [events[0], "2 1 order-1 t1", events[1], "5 1 order-1 t0"])
    expect(place.wait_info("g", lambda info: info["acked"] == 2)["redelivered"], 0)
    place.server.stop()


def test_options_of_the_command_are_its_own(folder):
    place = Groups(folder, events=1)
    place.ok("group", "create", "g", "--type", "t0")
    expect(place.ok("group", "work", "g", "--count", 1, "--", "echo", "--count", "5", "-o", "json"),
           "--count 5 -o json\n")
    place.server.stop()


def test_a_failure_comes_again_then_is_parked(folder):
    place = Groups(folder, events=1)
    place.ok("group", "create", "g", "--type", "t0", "--max-attempts", 3, "--backoff", "none")
    done = place("group", "work", "g", "--count", 3, "-o", "json", "--", "sh", "-c",
                 'echo "try $VARVE_ATTEMPT" >&2; exit $VARVE_ATTEMPT')
    expect((done.returncode, json.loads(done.out)), (0, {"acknowledged": 0, "sent_back": 3, "not_taken": 0}))
    expect(done.err.splitlines(), [line for n in (1, 2, 3) for line in
                                   (f"try {n}", f"position 1, attempt {n}: exit status {n}: try {n}")])
    place.wait_info("g", lambda info: info["parked"] == 1)
    entry = place.json("parked", "show", "g", 1)
    expect((entry["attempts"], entry["last_error"]), (3, "exit status 3: try 3"))
    place.server.stop()


def test_a_failure_holds_up_its_key_only(folder):
    place = Groups(folder)
    place.ok("group", "create", "g", "--category", "order", "--backoff", "24h")
    log = os.path.join(folder, "log")
    worker = Worker(place, "g", "--", "sh", "-c", f'echo $VARVE_POSITION >> {log}; test $VARVE_STREAM != order-0')
    wait_until(lambda: len(written(log)) >= 5, "all but the one behind the failure")
    worker.end()
    expect(written(log), ["1", "2", "3", "5", "6"])  # 4 is order-0's, too
    info = place.wait_info("g", lambda info: info["acked"] == 4)
    expect((info["retrying"], info["checkpoint"]), (1, 0))
    place.server.stop()


def test_a_slow_command_keeps_its_event(folder):
    place = Groups(folder, events=1)
    place.ok("group", "create", "g", "--type", "t0", "--ack-timeout", "10s", "--max-attempts", 2)
    log, go = os.path.join(folder, "log"), os.path.join(folder, "go")
    worker = Worker(place, "g", "--count", "1", "--", "sh", "-c",
                    f"echo $VARVE_ATTEMPT >> {log}; while [ ! -e {go} ]; do sleep 0.02; done")
    wait_until(lambda: written(log), "its beginning")
    before = time.monotonic()
    while time.monotonic() < before + 12:  # Beyond its deadline: without being put off, it would pass.
        expect(place.json("group", "info", "g")["redelivered"], 0)
        time.sleep(0.5)
    open(go, "w").close()
    worker.end(how=None)
    expect(place.wait_info("g", lambda info: info["acked"] == 1)["parked"], 0)
    expect(written(log), ["1"])
    place.server.stop()


def test_jobs_run_beside_each_other_but_keys_in_order(folder):
    place = Groups(folder, events=0)
    keys, each = 4, 5
    place.ok("import", stdin=lines({"stream": f"order-{i % keys}", "type": "t"} for i in range(keys * each)))
    place.ok("group", "create", "g", "--category", "order")
    log, together = os.path.join(folder, "log"), os.path.join(folder, "together")
    # Each first event waits until all four keys are at work: that ends only if they are beside each other.
    script = (f'echo "$VARVE_STREAM" >> {together}.$VARVE_STREAM; '
              f'while [ $(ls {together}.* | wc -l) -lt {keys} ]; do sleep 0.02; done; '
              f'echo "$VARVE_STREAM $VARVE_POSITION" >> {log}')
    place.ok("group", "work", "g", "--jobs", keys, "--count", keys * each, "--", "sh", "-c", script)
    done = [line.split() for line in written(log)]
    for n in range(keys):
        expect([int(p) for stream, p in done if stream == f"order-{n}"], list(range(n + 1, keys * each + 1, keys)))
    place.wait_info("g", lambda info: info["acked"] == keys * each)
    place.server.stop()


# ---- consumers ------------------------------------------------------------------------------------------------------

def test_a_name_is_used_once_unless_taken_over(folder):
    place = Groups(folder, events=1)
    place.ok("group", "create", "g", "--type", "t9")
    worker = Worker(place, "g", "--consumer", "anna", "--", "true")
    place.wait_info("g", lambda info: [c["name"] for c in info["consumers"]] == ["anna"])
    place.fails(3, "CONSUMER_EXISTS: ", "group", "work", "g", "--consumer", "anna", "--", "true")
    other = Worker(place, "g", "--consumer", "anna", "--takeover", "--", "true")
    _, err = worker.end(how=None, code=3)
    assert "error: FENCED: " in err, err
    other.end()
    place.wait_info("g", lambda info: info["consumers"] == [])
    several = Worker(place, "g", "--consumer", "b", "--jobs", "3", "--", "true")
    place.wait_info("g", lambda info: sorted(c["name"] for c in info["consumers"]) == ["b-1", "b-2", "b-3"])
    several.end(signal.SIGINT)
    place.server.stop()


# ---- ends -----------------------------------------------------------------------------------------------------------

def test_a_signal_lets_it_finish(folder):
    place = Groups(folder, events=2)
    place.ok("group", "create", "g", "--category", "order")
    for how in (signal.SIGTERM, signal.SIGINT):
        log, go = (os.path.join(folder, f"{name}-{how}") for name in ("log", "go"))
        worker = Worker(place, "g", "--", "sh", "-c",
                        f"echo $VARVE_POSITION >> {log}; while [ ! -e {go} ]; do sleep 0.02; done")
        wait_until(lambda: written(log), "its beginning")
        worker.process.send_signal(how)
        line = worker.process.stderr.readline()
        expect(line, b"finishing what runs; again to end it\n")
        open(go, "w").close()
        _, err = worker.end(how=None)
        expect(err, "1 acknowledged, 0 sent back, 0 not taken\n")
        expect(len(written(log)), 1)
    place.wait_info("g", lambda info: info["acked"] == 2)
    place.server.stop()


def test_an_end_that_is_not_taken_is_told(folder):
    place = Groups(folder, events=1)
    place.ok("group", "create", "g", "--category", "order")
    log, go = os.path.join(folder, "log"), os.path.join(folder, "go")
    worker = Worker(place, "g", "--count", "1", "--", "sh", "-c",
                    f"echo $VARVE_POSITION >> {log}; while [ ! -e {go} ]; do sleep 0.02; done")
    wait_until(lambda: written(log), "its beginning")
    place.ok("group", "reset", "g", "--after", "end")
    open(go, "w").close()
    _, err = worker.end(how=None)
    assert err.startswith("position 1: its end was not taken: FENCED: "), err
    expect(err.splitlines()[1:], ["0 acknowledged, 0 sent back, 1 not taken"])
    expect(place.wait_info("g", lambda info: info["consumers"] == [])["acked"], 0)
    place.server.stop()


def test_a_second_signal_ends_the_command(folder):
    place = Groups(folder, events=1)
    place.ok("group", "create", "g", "--category", "order", "--backoff", "24h")
    log = os.path.join(folder, "log")
    worker = Worker(place, "g", "--", "sh", "-c", f"echo $VARVE_POSITION >> {log}; exec sleep 1000")
    wait_until(lambda: written(log), "its beginning")
    worker.process.send_signal(signal.SIGTERM)
    expect(worker.process.stderr.readline(), b"finishing what runs; again to end it\n")
    _, err = worker.end()
    expect(err.splitlines(), ["position 1, attempt 1: killed by signal 15", "0 acknowledged, 1 sent back, 0 not taken"])
    expect(place.wait_info("g", lambda info: info["retrying"] == 1)["acked"], 0)
    place.server.stop()


def test_a_worker_that_is_killed_loses_nothing(folder):
    place = Groups(folder)
    place.ok("group", "create", "g", "--category", "order", "--backoff", "none")
    pid = os.path.join(folder, "pid")
    worker = Worker(place, "g", "--", "sh", "-c", f"echo $$ >> {pid}; exec sleep 1000")
    wait_until(lambda: written(pid), "its beginning")
    worker.process.kill()
    os.kill(int(written(pid)[0]), signal.SIGKILL)  # Nobody does it for the one that was killed.
    worker.end(how=None, code=-signal.SIGKILL)
    out = place.ok("group", "work", "g", "--count", 6, "--", "sh", "-c", "echo $VARVE_POSITION $VARVE_ATTEMPT")
    expect(sorted(out.splitlines()), ["1 2", "2 1", "3 1", "4 1", "5 1", "6 1"])
    place.server.stop()


def test_a_server_that_comes_back(folder):
    place = Groups(folder, events=0)
    count = 30
    place.ok("import", stdin=lines({"stream": f"order-{i % 3}", "type": "t"} for i in range(count)))
    place.ok("group", "create", "g", "--category", "order", "--backoff", "none")
    log = os.path.join(folder, "log")
    worker = Worker(place, "g", "--jobs", "2", "--", "sh", "-c", f'echo "$VARVE_STREAM $VARVE_POSITION" >> {log}')
    for n in (3, 12):
        wait_until(lambda: len(written(log)) >= n, f"{n} events")
        place.server.kill()
        place.server.start()
    place.wait_info("g", lambda info: info["checkpoint"] >= count)
    worker.end()
    for n in range(3):  # Each at least once, and first times in order.
        seen = [int(p) for stream, p in (line.split() for line in written(log)) if stream == f"order-{n}"]
        expect(list(dict.fromkeys(seen)), list(range(n + 1, count + 1, 3)))
    place.server.stop()


def test_a_group_that_is_deleted_ends_it(folder):
    place = Groups(folder, events=1)
    place.ok("group", "create", "g", "--type", "t9")
    worker = Worker(place, "g", "--jobs", "2", "--", "true")
    place.wait_info("g", lambda info: len(info["consumers"]) == 2)
    place.ok("group", "delete", "g")
    _, err = worker.end(how=None, code=4)
    assert "error: GROUP_NOT_FOUND: " in err, err
    place.server.stop()


if __name__ == "__main__":
    sys.exit(main(globals()))
