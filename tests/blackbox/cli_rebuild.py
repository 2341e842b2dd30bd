#!/usr/bin/env python3
"""`varve rebuild`: every event once and in order, to the worker of its key, up to a cut from which others go on."""
import collections
import glob
import json
import os
import signal
import subprocess
import sys
import time
import uuid

from cli_support import TIMEOUT_S, VARVE, Server, clean_environment, expect, lines, main, varve
from waiting import wait_until

DEADLINE_S = 60
PARTS = 'cat > "$OUT/part-$VARVE_WORKER"'


def fill(target, count=3000, begin=0):
    """Events of three categories, woven; every third has a correlation id."""
    events = [{"stream": f"{('order', 'user', 'stock')[n % 3]}-{n % 17}", "type": f"t{n % 4}", "data": {"n": n}}
              for n in range(begin, begin + count)]
    for n in range(0, count, 3):
        events[n]["correlation_id"] = str(uuid.UUID(int=n // 30 + 1))
    target.ok("import", stdin=lines(events))


def parts(folder):
    """Events of each part that was written, by worker."""
    return {int(path.rsplit("-", 1)[1]): [json.loads(line) for line in open(path)]
            for path in glob.glob(os.path.join(folder, "part-*"))}


def call(target, *arguments, **more):
    """What follows `--` is not ours, so where the events are comes first."""
    return varve(*target.options, *arguments, **more)


def refused(target, code, says, *arguments):
    done = call(target, "rebuild", *arguments)
    expect((done.returncode, done.err.split("\n")[0], done.out), (code, says, ""), f"{arguments}")


def rebuild(target, *arguments, command=PARTS, **more):
    folder = os.path.join(os.path.dirname(target.directory), "out")
    os.makedirs(folder, exist_ok=True)
    for path in glob.glob(os.path.join(folder, "part-*")):
        os.remove(path)
    done = call(target, "rebuild", *arguments, "-o", "json", "--", "sh", "-c", command, OUT=folder, **more)
    return done, parts(folder)


def check_parts(found, key, expected_positions):
    """Each event once, in order, and a key at one worker alone."""
    workers = collections.defaultdict(set)
    for worker, events in found.items():
        positions = [event["position"] for event in events]
        expect(positions, sorted(positions), f"order at worker {worker}")
        for event in events:
            workers[key(event)].add(worker)
    expect([k for k, w in workers.items() if len(w) != 1], [], "keys at several workers")
    expect(sorted(event["position"] for events in found.values() for event in events), expected_positions, "events")


def test_each_event_once_in_order_by_key(target):
    fill(target)
    by_stream = {e["position"]: e for e in target.events("--all")}
    keys = {"stream": lambda e: e["stream"], "category": lambda e: e["stream"].split("-")[0],
            "correlation": lambda e: e.get("correlation_id", e["stream"])}
    for name, key in keys.items():
        for workers in (1, 4):
            done, found = rebuild(target, "--all", "--key", name, "--workers", workers)
            expect(done.returncode, 0, done.err)
            outcome = json.loads(done.out)
            expect((outcome["cut"], outcome["events"], outcome["workers"]), (3000, 3000, workers))
            check_parts(found, key, sorted(by_stream))
    expect(found[0][0], by_stream[found[0][0]["position"]], "the lines are those of read")


def test_filters_after_and_until(target):
    fill(target)
    done, found = rebuild(target, "--category", "order", "--type", "t1", "--after", 100, "--until", 2000, "-w", 2)
    expect(done.returncode, 0, done.err)
    wanted = [e["position"] for e in target.events("--category", "order")
              if e["type"] == "t1" and 100 < e["position"] <= 2000]
    check_parts(found, lambda e: e["stream"], wanted)
    expect(json.loads(done.out)["cut"], 2000)
    done, found = rebuild(target, "--category", "nobody", "-w", 2)  # Nothing matches: the cut is reached all the same.
    expect((done.returncode, json.loads(done.out)["events"], found), (0, 0, {0: [], 1: []}))
    done, found = rebuild(target, "--after", 3000, "-w", 1)
    expect((done.returncode, json.loads(done.out)["cut"], found), (0, 3000, {0: []}))


def test_an_empty_log(target):
    done, found = rebuild(target, "--workers", 2)
    expect((done.returncode, json.loads(done.out)["cut"], found), (0, 0, {0: [], 1: []}))


def test_the_cut_is_written(target):
    fill(target, 10)
    cut = os.path.join(os.path.dirname(target.directory), "cut")
    done = call(target, "rebuild", "--cut-file", cut, "-w", 1, "--", "sh", "-c", "cat > /dev/null; echo $VARVE_CUT")
    expect(done.out.splitlines()[0], "10", done.err)
    expect(done.out.splitlines()[1].split(), ["cut", "10"])
    expect(open(cut).read(), "10\n")
    expect(glob.glob(cut + ".*"), [])
    refused(target, 1, f"error: IO: {cut}/there: Not a directory", "--cut-file", cut + "/there", "--", "cat")
    os.remove(cut)
    done = call(target, "rebuild", "--cut-file", cut, "--workers", "1", "--", "sh", "-c", "exit 1")
    expect((done.returncode, os.path.exists(cut)), (1, False))


def test_a_cut_file_that_cannot_be_made_is_refused_at_the_start(target):
    fill(target, 10)
    folder = os.path.join(os.path.dirname(target.directory), "cut")
    os.mkdir(folder)
    for path, says in [(folder + "/none/cut", "No such file or directory"), (folder, "Is a directory"),
                       ("", "No such file or directory")]:
        refused(target, 1, f"error: IO: {path}: {says}", "--cut-file", path, "--workers", 1, "--", "sh", "-c",
                f"cat > {folder}/begun")
    expect((glob.glob(folder + "*"), os.listdir(folder)), ([folder], []), "nothing is left behind")
    done = call(target, "rebuild", "--cut-file", folder + "/cut", "--workers", 1, "--", "sh", "-c",
                f"cat > /dev/null; rmdir {folder}")
    expect((done.returncode, done.err), (1, f"error: IO: {folder}/cut: No such file or directory\n"))


def test_a_worker_that_fails_fails_all(target):
    fill(target)
    refused(target, 1, "error: IO: worker 1 failed (exit status 3); the last position given to it is 2998", "--key",
            "stream", "--workers", 2, "--", "sh", "-c", "cat > /dev/null; test $VARVE_WORKER = 0 || exit 3")
    done = call(target, "rebuild", "--workers", 3, "--", "sh", "-c",
                "test $VARVE_WORKER = 2 && kill -9 $$; cat > /dev/null")
    expect(done.returncode, 1)
    assert done.err.startswith("error: IO: worker 2 failed (killed by signal 9); "), done.err
    done = call(target, "rebuild", "--workers", 1, "--", "true")
    expect(done.returncode, 1)
    assert done.err.startswith("error: IO: worker 0 did not read all of its input (exit status 0)"), done.err


def test_what_cannot_be_is_refused(target):
    fill(target, 10)
    for says, *arguments in [
            ("--workers must be from 1 to 256", "--workers", 0, "--", "cat"),
            ("--workers must be from 1 to 256", "--workers", 257, "--", "cat"),
            ("--key must be stream, category or correlation, not \"type\"", "--key", "type", "--", "cat"),
            ("--until 11 is behind the end of the log, which is at 10", "--until", 11, "--", "cat"),
            ("--after 9 is behind the cut, which is at 8", "--after", 9, "--until", 8, "--", "cat"),
            ("behind the end there is nothing to rebuild from", "--after", "end", "--", "cat"),
            ("say what is to take the events: varve rebuild ... -- COMMAND", "--all"),
            ("say what is to take the events: varve rebuild ... -- COMMAND", "--all", "--"),
            ("there is no command \"no-such-command\"", "--", "no-such-command")]:
        refused(target, 2, "error: INVALID_ARGUMENT: " + says, *arguments)


def test_rebuild_then_tail_gives_every_event_once(folder):
    """While others append all the time."""
    server = Server(os.path.join(folder, "store"))
    writer = subprocess.Popen(
        [sys.executable, "-c",
         "import subprocess, sys, json\n"
         "n = 0\n"
         "while True:\n"
         "    events = ''.join(json.dumps({'stream': f's-{i % 50}', 'type': 't', 'data': {'n': i}}) + '\\n'\n"
         "                     for i in range(n, n + 500))\n"
         "    subprocess.run(sys.argv[1:] + ['import'], input=events.encode(), check=True, stdout=subprocess.DEVNULL)\n"
         "    n += 500\n", VARVE, "--server", server.url], env=clean_environment(), start_new_session=True)
    Server.running.append(writer)
    try:
        events = []
        give_up = time.monotonic() + DEADLINE_S
        cut = 0
        while cut < 3000:
            assert time.monotonic() < give_up
            done = varve("--server", server.url, "rebuild", "--after", cut, "-w", 3, "--cut-file", folder + "/cut",
                         "-o", "json", "--", "sh", "-c", 'cat > "$OUT/part-$VARVE_WORKER"', OUT=folder)
            expect(done.returncode, 0, done.err)
            found = parts(folder)
            check_parts(found, lambda e: e["stream"], list(range(cut + 1, json.loads(done.out)["cut"] + 1)))
            cut = int(open(folder + "/cut").read())
            events += [event for part in found.values() for event in part]
        tail = varve("--server", server.url, "tail", "--all", "--after", cut, "--count", 1500, "-o", "ndjson")
        events += [json.loads(line) for line in tail.out.splitlines()]
        expect(sorted(event["position"] for event in events), list(range(1, cut + 1501)))
    finally:
        os.killpg(writer.pid, signal.SIGKILL)
        writer.wait()
    server.stop()


def running(folder, server, command, *options):
    process = subprocess.Popen([VARVE, "--server", server.url, "rebuild", *options, "--", "sh", "-c", command],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=clean_environment(OUT=folder))
    Server.running.append(process)
    return process


class Filled:
    def __init__(self, server):
        self.server = server

    def ok(self, *arguments, stdin):
        done = varve("--server", self.server.url, *arguments, stdin=stdin)
        expect(done.returncode, 0, done.err)


def test_interrupted_nobody_takes_it_for_the_end(folder):
    server = Server(os.path.join(folder, "store"))
    fill(Filled(server))
    process = running(folder, server, "trap 'exit 0' TERM; : > $OUT/begun-$VARVE_WORKER; "
                      "while ! [ -e $OUT/go ]; do sleep 0.01; done; cat > /dev/null; : > $OUT/complete", "-w", "2",
                      "--cut-file", folder + "/cut")
    wait_until(lambda: len(glob.glob(folder + "/begun-*")) >= 2, "two that begin")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT_S)
    expect((process.returncode, out, err.decode().splitlines()[-1]),
           (1, b"", "error: CANCELLED: interrupted: the workers have not got all events"))
    expect((os.path.exists(folder + "/complete"), os.path.exists(folder + "/cut")), (False, False))
    server.stop()


def test_a_server_that_restarts_is_waited_for(folder):
    server = Server(os.path.join(folder, "store"))
    big = "x" * 20000
    events = [{"stream": f"s-{n % 7}", "type": "t", "data": {"n": n, "big": big}} for n in range(2000)]  # 40 MB
    Filled(server).ok("import", stdin=lines(events))
    process = running(folder, server, ": > $OUT/begun; while ! [ -e $OUT/go ]; do sleep 0.01; done; "
                      "cat > $OUT/part-$VARVE_WORKER", "-w", "1")
    wait_until(lambda: os.path.exists(folder + "/begun"), "one that begins")
    server.kill()  # More is left than pipes and buffers hold.
    server.start()
    open(folder + "/go", "w").close()
    out, err = process.communicate(timeout=TIMEOUT_S)
    expect(process.returncode, 0, err)
    check_parts(parts(folder), lambda e: e["stream"], list(range(1, 2001)))
    server.stop()


if __name__ == "__main__":
    main(globals())
