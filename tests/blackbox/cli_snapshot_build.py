#!/usr/bin/env python3
"""`varve snapshot build` and `verify`: every kind of reducer, every kind of failure, kill -9 in the middle."""
import json
import os
import random
import shlex
import struct
import subprocess
import sys
import time

from cli_support import BIN, ROOT, TIMEOUT_S, VARVE, Server, clean_environment, expect, lines, main, varve
from waiting import wait_until

DEADLINE_S = 60
BUILD = os.path.dirname(BIN)
ACCOUNT_SO = os.path.join(BUILD, "examples", "reducer.so")
ODD_SO = os.path.join(BUILD, "tests", "objects", "odd_reducer.so")
ACCOUNT_PY = f"program exec {shlex.quote(sys.executable)} {shlex.quote(ROOT + '/docs/examples/reducer.py')}"
FIGURES = ("folded", "events", "stored", "failed", "up_to_date")


def account_events(number, count):
    yield {"stream": f"account-{number}", "type": "account.opened", "data": {"owner": f"o{number}"}}
    for n in range(count - 1):
        kind = "withdrawn" if n % 3 == 2 else "deposited"
        yield {"stream": f"account-{number}", "type": f"account.{kind}", "data": {"amount": 10 + n % 7, "n": n}}


def fill(target, accounts=60, longest=40):
    """Accounts of 1 to `longest` events, and one stream of another category."""
    events = [e for n in range(accounts) for e in account_events(n, 1 + n % longest)]
    events.append({"stream": "order-1", "type": "order.placed", "data": {"total": 5}})
    target.ok("import", stdin=lines(events))
    return events


def figures(outcome, *names):
    return tuple(outcome[name] for name in names or FIGURES)


def build(target, *arguments, code=0):
    done = target("snapshot", "build", *arguments, "-o", "json")
    expect(done.returncode, code, f"{arguments}: {done.err}")
    outcome = json.loads(done.out)
    outcome["err"] = done.err
    return outcome


def verify(target, *arguments, code=0):
    done = target("snapshot", "verify", *arguments, "-o", "json")
    expect(done.returncode, code, f"{arguments}: {done.err}")
    return json.loads(done.out)


def listed(target, *arguments):
    return [(s["stream"], s["version"], s["type"], s["schema_version"], s["size"])
            for s in target.json("snapshot", "ls", *arguments)]


def state(target, stream, *arguments):
    return json.loads(target.ok("snapshot", "show", stream, "--raw", *arguments))


def balance(events, stream):
    total = 0
    for event in events:
        if event["stream"] == stream:
            amount = event["data"].get("amount", 0)
            total += amount if event["type"].endswith("deposited") else -amount
    return total


# ---- each kind of reducer -------------------------------------------------------------------------------------------

def test_each_reducer_builds_what_it_verifies(target):
    events = fill(target)
    for reducer, options in (("merge", []), (ACCOUNT_SO, ["--category", "account"]),
                             (ACCOUNT_PY, ["--type", "balance", "--category", "account"])):
        outcome = build(target, "--reducer", reducer, *options)
        streams = 61 if reducer == "merge" else 60
        expected = len(events) if reducer == "merge" else len(events) - 1
        expect(figures(outcome), (streams, expected, streams, 0, 0), reducer)
        checked = verify(target, "--reducer", reducer, *options)
        expect(figures(checked, "same", "different", "failed", "events"), (streams, 0, 0, expected), reducer)
        again = build(target, "--reducer", reducer, *options, "--verify")
        expect(figures(again) + figures(again, "same", "different"), (0, 0, 0, 0, streams, streams, 0), reducer)
        expect(state(target, "account-39"), {"owner": "o39", "amount": 13, "n": 38} if reducer == "merge" else
               {"balance": balance(events, "account-39"), "events": 40}, reducer)
    expect({s[2] for s in listed(target, "account")}, {"balance"}, "one of a version takes the place of another")


COUNTING = """
import sys
bytes_in, n, total = sys.stdin.buffer, 0, 0
while head := bytes_in.read(4):
    body = bytes_in.read(int.from_bytes(head, "big"))
    n += 1
    begins = b"\\xa5state" in body[:60]  # before the events
    if begins:
        at = body.index(b"\\xa5state") + 6
        total = 0 if body[at] == 0xc0 else int.from_bytes(body[at + 1:at + 5], "big")
    total += body.count(b"\\xa4type")
    answer = b"\\x82\\xa1n\\xce" + n.to_bytes(4, "big") + b"\\xa5state\\xce" + total.to_bytes(4, "big")
    sys.stdout.buffer.write(len(answer).to_bytes(4, "big") + answer)
    sys.stdout.buffer.flush()
"""


def test_programs_may_speak_msgpack(target):
    script = os.path.join(os.path.dirname(target.directory), "counting.py")
    with open(script, "w") as file:
        file.write(COUNTING)
    options = ["--reducer", f"program exec {shlex.quote(sys.executable)} {shlex.quote(script)}", "--type", "count",
               "--msgpack", "--category", "account"]
    fill(target)
    expect(build(target, *options)["stored"], 60)
    target.ok("append", "account-39", "account.deposited", '{"amount": 1}')
    outcome = build(target, *options, "--verify")
    expect(figures(outcome, "stored", "events", "different"), (1, 1, 0))
    done = target("snapshot", "show", "account-39", "-o", "json")
    expect(figures(json.loads(done.out), "content_type", "data", "size"), ("application/msgpack", "zgAAACk=", 5))


def test_a_later_build_goes_on_from_snapshots(target):
    fill(target)
    build(target, "--reducer", ACCOUNT_SO, "--category", "account")
    target.ok("import", stdin=lines({"stream": f"account-{n}", "type": "account.deposited", "data": {"amount": 1000}}
                                    for n in range(5) for _ in range(3)))
    outcome = build(target, "--reducer", ACCOUNT_SO, "--category", "account", "--keep", 5)
    expect(figures(outcome), (5, 15, 5, 0, 55))
    expect(state(target, "account-0"), {"balance": 3000, "events": 4})
    expect([s[1] for s in listed(target, "account-0")], [0, 3])
    expect(figures(verify(target, "--reducer", ACCOUNT_SO), "same", "different"), (65, 0))
    newer = build(target, "--reducer", "merge", "--category", "account", "--schema-version", 7)
    expect(figures(newer, "folded", "up_to_date"), (60, 0), "another type and schema version begins anew")


def commits(path):
    """Of a file of LMDB: the number of its last transaction, which is in the newer of its two meta pages."""
    with open(path, "rb") as file:
        pages = file.read(1 << 17)
    page_size = struct.unpack_from("=I", pages, 40)[0]
    for at in (0, page_size):
        expect(struct.unpack_from("=I", pages, at + 16)[0], 0xBEEFC0DE, "LMDB's magic number")
    return max(struct.unpack_from("=Q", pages, at + 144)[0] for at in (0, page_size))


def test_in_a_directory_many_are_stored_with_one_commit(folder):
    at = ["--db", os.path.join(folder, "store")]
    done = varve("import", *at, stdin=lines({"stream": f"s-{n}", "type": "t", "data": {"n": n}} for n in range(2000)))
    expect(done.returncode, 0, done.err)
    done = varve("snapshot", "build", "--reducer", "merge", "--workers", 2, *at, "-o", "json")
    expect((done.returncode, json.loads(done.out)["stored"]), (0, 2000), done.err)
    number = commits(os.path.join(folder, "store", "snapshots.mdb"))
    assert number < 40, f"{number} commits"
    big = {"text": "x" * 900000}
    done = varve("import", *at, stdin=lines({"stream": f"big-{n}", "type": "t", "data": big} for n in range(12)))
    expect(done.returncode, 0, done.err)
    done = varve("snapshot", "build", "--reducer", "merge", "--verify", "--workers", 1, *at, "-o", "json")
    expect(figures(json.loads(done.out), "stored", "same", "different"), (12, 2012, 0), done.err)


def test_which_streams_and_when(target):
    fill(target)
    dry = build(target, "--reducer", "merge", "--longer-than", 30, "--dry-run")
    expect(figures(dry, "streams", "to_fold", "too_short"), (61, 10, 51))
    expect(listed(target), [])
    expect(build(target, "--reducer", "merge", "--longer-than", 30)["stored"], 10)
    expect(build(target, "--reducer", "merge", "--prefix", "account-5")["stored"], 11)
    expect(build(target, "--reducer", "merge", "--category", "order")["stored"], 1)
    expect(build(target, "--reducer", "merge", "account-7", "--stream", "account-8")["stored"], 2)
    expect(build(target, "--reducer", "merge", "--category", "ord")["streams"], 0)
    target.ok("append", "account-7", "account.deposited", '{"amount": 1}')
    outcome = build(target, "--reducer", "merge", "--every", 2)
    expect(figures(outcome, "not_due", "up_to_date", "folded"), (3, 23, 35))
    target.ok("append", "account-7", "account.deposited", '{"amount": 1}')
    outcome = build(target, "--reducer", "merge", "--every", 2, "--keep", 1)
    expect(figures(outcome, "not_due", "up_to_date", "events"), (2, 58, 2))
    expect(len(listed(target, "account-7")), 1)


def test_a_stream_that_is_chosen_twice_counts_once(target):
    fill(target)
    for expected, *choices in [
            (60, "--stream", "account-7", "--category", "account"), (60, "--category", "account", "account-7"),
            (11, "--prefix", "account-5", "--stream", "account-5", "account-51", "account-5"),
            (60, "--prefix", "account-5", "--category", "account"), (61, "--category", "order", "--prefix", ""),
            (60, "--category", "account", "--category", "account"), (2, "account-1", "--stream", "account-2"),
            (61, "--prefix", "a", "--prefix", "account-3", "order-1", "--category", "account")]:
        dry = build(target, "--reducer", "merge", "--dry-run", *choices)
        expect(figures(dry, "streams", "to_fold"), (expected, expected), choices)
    outcome = build(target, "--reducer", "merge", "--verify", "account-7", "--prefix", "account-7", "--stream",
                    "account-7")
    expect(figures(outcome, "streams", "folded", "stored", "same"), (1, 1, 1, 1))


def test_streams_that_were_cut_or_ended(target):
    fill(target, 4)
    build(target, "--reducer", "merge", "account-3")
    for stream in ("account-2", "account-3"):
        target.ok("append", stream, "account.deposited", '{"amount": 1}')
        target.ok("stream", "truncate", stream, "--before", 1)
    target.ok("stream", "delete", "account-1")
    target.ok("stream", "tombstone", "account-0", "--yes")
    outcome = build(target, "--reducer", "merge")
    expect(figures(outcome, "ended", "no_beginning", "folded", "events", "failed"), (2, 1, 2, 2, 0))
    outcome = verify(target, "--reducer", "merge")
    expect(figures(outcome, "same", "different", "no_beginning"), (1, 0, 1))


def test_verify_lists_what_differs(target):
    fill(target, 5)
    build(target, "--reducer", ACCOUNT_PY, "--type", "x", "--category", "account")
    outcome = verify(target, "--reducer", "merge", "--type", "x", code=1)
    expect(figures(outcome, "streams", "without_snapshot", "same", "different"), (6, 1, 0, 5))
    expect(outcome["differing"], [{"stream": f"account-{n}", "version": n} for n in range(5)])
    done = target("snapshot", "verify", "--reducer", "merge", "--type", "x", "account-2")
    expect((done.returncode, done.out.splitlines()[:3]), (1, ["differs    version", "account-2        2", ""]))
    outcome = verify(target, "--reducer", "merge")
    expect(figures(outcome, "without_snapshot", "folded"), (6, 0))


# ---- reducers that do what they should not --------------------------------------------------------------------------

BAD = """
import json, os, sys, time
for line in sys.stdin.buffer:
    message = json.loads(line)
    what = message["stream"].split("-")[0]
    answer = {"n": message["n"], "state": {"events": len(message["events"])}}
    if what == "crash": os.abort()
    if what == "exit": sys.exit(4)
    if what == "hang": time.sleep(1000)
    if what == "garbage": print("here I am", flush=True); continue
    if what == "large": answer["state"] = "x" * (2 << 20)
    if what == "refused": answer["error"] = "I do not want to"
    print(json.dumps(answer, sort_keys=True), flush=True)
"""


def test_bad_programs_fail_their_streams_alone(target):
    script = os.path.join(os.path.dirname(target.directory), "bad.py")
    with open(script, "w") as file:
        file.write(BAD)
    bad = {"crash-1": "the program was killed by signal 6", "exit-1": "the program ended with exit status 4",
           "garbage-1": "the program: its answer is not JSON", "hang-1": "the program gave no answer within 12000 ms",
           "large-1": "the state has 2097154 bytes; a snapshot may have 1048576",
           "refused-1": "the program says: I do not want to"}
    good = [f"{kind}-{n}" for kind in ("account", "goods", "zebra") for n in range(40)]
    target.ok("import", stdin=lines({"stream": stream, "type": "t", "data": {"n": n}}
                                    for n in range(3) for stream in [*good, *bad]))
    options = ["--reducer", f"program exec {shlex.quote(sys.executable)} {shlex.quote(script)}", "--type", "count",
               "--timeout", "12s"]
    outcome = build(target, *options, code=1)
    expect(figures(outcome), (len(good), 3 * len(good), len(good), len(bad), 0))
    expect(sorted(outcome["err"].splitlines()),
           sorted(f'failed: stream "{stream}": {why}' for stream, why in bad.items()))
    expect([s[0] for s in listed(target)], sorted(good))
    again = build(target, *options, "--prefix", "r", code=1)
    expect(figures(again), (0, 0, 0, 1, 0), "what failed is tried again")


def test_many_failures_are_counted(target):
    target.ok("import", stdin=lines({"stream": f"s-{n:03}", "type": "t", "data": 1 << 70} for n in range(50)))
    outcome = build(target, "--reducer", "merge", code=1)
    expect(outcome["failed"], 50)
    said = outcome["err"].splitlines()
    expect(len(said), 21)
    assert '", event 0: a number in the data is too large' in said[0], said[0]
    expect(said[20], "failed: more streams, which are only counted")


def test_a_program_that_never_answers_ends_it_all(target):
    fill(target)
    done = target("snapshot", "build", "--reducer", "program exit 3", "--type", "x", "--workers", 1)
    expect(done.returncode, 1)
    expect(done.err.splitlines()[-1], "error: IO: the reducer was started again and again and never answered; at last: "
           'stream "account-17": the program ended with exit status 3')
    expect(len(done.err.splitlines()), 11)


def test_an_object_that_crashes_fails_its_streams_alone(target):
    good = [f"{kind}-{n}" for kind in ("account", "zebra") for n in range(30)]
    bad = ("crash-1", "crash-2", "large-1")
    target.ok("import", stdin=lines({"stream": stream, "type": "t"} for stream in [*good, *bad]))
    outcome = build(target, "--reducer", ODD_SO, code=1)
    expect(figures(outcome, "streams", "crashed", "failed"), (63, 2, 1))
    said = {'failed: stream "crash-1": the reducer crashed (signal 11)',
            'failed: stream "crash-2": the reducer crashed (signal 11)',
            'failed: stream "large-1": the state has 2097152 bytes; a snapshot may have 1048576'}
    expect(set(outcome["err"].splitlines()), said)
    expect([s[0] for s in listed(target)], sorted(good))
    expect(figures(verify(target, "--reducer", ODD_SO), "same", "different"), (60, 0))


def test_an_object_that_ends_the_process_fails_its_streams_alone(target):
    good = [f"{kind}-{n}" for kind in ("account", "zebra") for n in range(30)]
    target.ok("import", stdin=lines({"stream": stream, "type": "t"} for stream in [*good, "exit-1", "exit-2"]))
    outcome = build(target, "--reducer", ODD_SO, "--workers", 1, code=1)
    expect(figures(outcome, "streams", "crashed", "failed"), (62, 2, 0))
    expect(set(outcome["err"].splitlines()),
           {f'failed: stream "exit-{n}": the reducer ended the process' for n in (1, 2)})
    expect([s[0] for s in listed(target)], sorted(good))
    target.ok("import", stdin=lines([{"stream": "leave-1", "type": "t"}]))
    done = target("snapshot", "build", "--reducer", ODD_SO, "leave-1")
    expect((done.returncode, done.out, done.err),
           (1, "", "error: IO: folding was not finished: something, such as the reducer, ended the process "
                   "(exit status 0)\n"))


def test_a_state_that_is_no_json_is_named(target):
    target.ok("import", stdin=lines({"stream": stream, "type": "t"} for stream in ("a-1", "a-2")))
    os.environ["ODD_REDUCER"] = "garbage"
    try:
        outcome = build(target, "--reducer", ODD_SO, code=1)
    finally:
        del os.environ["ODD_REDUCER"]
    expect(figures(outcome, "streams", "stored", "failed"), (2, 0, 2))
    for stream, said in zip(("a-1", "a-2"), sorted(outcome["err"].splitlines())):
        expect(said.startswith(f'failed: stream "{stream}": the state: data is not JSON'), True)


def test_an_object_that_crashes_ever_again_is_given_up(target):
    target.ok("import", stdin=lines({"stream": f"crash-{n}", "type": "t"} for n in range(100)))
    done = target("snapshot", "build", "--reducer", ODD_SO, "--workers", 1)
    expect(done.returncode, 1)
    expect(len(done.err.splitlines()), 21)
    expect(done.err.splitlines()[-1], "error: IO: the reducer crashes again and again; the rest was not folded")


def test_what_cannot_be_is_refused(target):
    fill(target, 1)
    for says, *arguments in [
            ("say what folds the events: --reducer merge, --reducer ./name.so or --reducer 'program COMMAND'",),
            ("a reducer is \"merge\", the path of a shared object (./name.so) or \"program COMMAND...\", not \"x\"",
             "--reducer", "x"),
            ("a program's snapshots need a type, such as \"account\"", "--reducer", "program cat"),
            ("only programs are spoken to in msgpack", "--reducer", "merge", "--msgpack"),
            ("--every must be at least 1", "--reducer", "merge", "--every", 0),
            ("--keep must be at least 1", "--reducer", "merge", "--keep", 0),
            ("--workers must be from 1 to 256", "--reducer", "merge", "--workers", 0)]:
        target.fails(2, "error: INVALID_ARGUMENT: " + says, "snapshot", "build", *arguments)
    done = target("snapshot", "build", "--reducer", "merge", "nobody-1")
    expect((done.returncode, done.err.startswith("error: STREAM_NOT_FOUND: ")), (4, True), done.err)


# ---- killed in the middle -------------------------------------------------------------------------------------------

def kill_at_random(command, seed):
    """Runs it again and again, killed at random moments, until it was quicker."""
    chance = random.Random(seed)
    for kills in range(25):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=clean_environment())
        Server.running.append(process)
        try:
            out, err = process.communicate(timeout=chance.uniform(0.005, 0.15 + kills * 0.02))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            continue
        if b"error: LOCKED" in err:
            continue  # By what was killed, which is still about to end.
        expect(process.returncode, 0, err)
        return
    give_up = time.monotonic() + DEADLINE_S
    done = None
    while done is None or b"error: LOCKED" in done.stderr and time.monotonic() < give_up:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S)
    expect(done.returncode, 0, done.stderr)


def test_killed_and_run_again_it_is_the_same(target):
    events = [e for n in range(1500) for e in account_events(n, 1 + n % 20)]
    target.ok("import", stdin=lines(events))
    for number, (reducer, *options) in enumerate([("merge",), (ACCOUNT_SO,), (ACCOUNT_PY, "--type", "python")]):
        command = ["snapshot", "build", "--reducer", reducer, *options]
        kill_at_random([VARVE, *command, *target.options], number)
        kind = (options or ["--type", "merge" if reducer == "merge" else "account"])[1]
        expect([(s[0], s[1]) for s in listed(target, "--type", kind)],
               sorted((f"account-{n}", n % 20) for n in range(1500)), reducer)
        expect(figures(verify(target, *command[2:]), "same", "different", "failed"), (1500, 0, 0), reducer)
        expect(figures(build(target, *command[2:])), (0, 0, 0, 0, 1500), reducer)


WAITING = """
import json, os, sys, time
for line in sys.stdin.buffer:
    message = json.loads(line)
    if message["stream"] == "account-700" and not os.path.exists(sys.argv[1] + "/go"):
        open(sys.argv[1] + "/begun", "w").close()
        while not os.path.exists(sys.argv[1] + "/go"): time.sleep(0.01)
    print(json.dumps({"n": message["n"], "state": [e["data"] for e in message["events"]]}), flush=True)
"""


def test_a_server_that_is_killed_is_waited_for(folder):
    server = Server(os.path.join(folder, "store"))
    at = ["--server", server.url + "?reconnect_attempts=60"]
    done = varve("import", *at, stdin=lines({"stream": f"account-{n}", "type": "t", "data": {"n": n}}
                                            for _ in range(2) for n in range(1000)))
    expect(done.returncode, 0, done.err)
    with open(folder + "/waiting.py", "w") as file:
        file.write(WAITING)
    command = ["snapshot", "build", "--type", "waiting", "--reducer",
               f"program exec {shlex.quote(sys.executable)} {folder}/waiting.py {folder}", *at]
    process = subprocess.Popen([VARVE, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=clean_environment())
    Server.running.append(process)
    wait_until(lambda: os.path.exists(folder + "/begun"), "one that begins")
    server.kill()
    server.start()
    open(folder + "/go", "w").close()
    out, err = process.communicate(timeout=TIMEOUT_S)
    expect(process.returncode, 0, err)
    done = varve("snapshot", "verify", *command[2:], "-o", "json")
    expect(figures(json.loads(done.out), "same", "different"), (1000, 0), done.err)
    server.stop()


if __name__ == "__main__":
    sys.exit(main(globals()))
