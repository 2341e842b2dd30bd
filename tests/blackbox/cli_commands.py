#!/usr/bin/env python3
"""Every command of varve, with every form of output, over a server and over a directory."""
import json
import os
import pty
import re
import subprocess
import sys
import time

from cli_support import VARVE, clean_environment, expect, lines, main, varve

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
SHORT_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ID = "0192f0c1-7a3b-7cde-8f01-23456789abc"


def matches(text, pattern):
    assert re.fullmatch(pattern, text, re.S), f"{text!r} does not match {pattern!r}"


# ---- append ---------------------------------------------------------------------------------------------------------

def test_append_tells_version_and_position(target):
    expect(target.ok("append", "order-42", "order.placed", '{"total": 99}'), "order-42@0 position 1\n")
    expect(target.ok("append", "order-42", "order.paid"), "order-42@1 position 2\n")
    expect(target.ok("append", "order-43", "order.placed", "[]"), "order-43@0 position 3\n")


def test_append_as_json(target):
    for form in "json", "ndjson":
        out = json.loads(target.ok("append", "a-1", "t", "1", "-o", form, "--id", ID + "a"))
        replayed = form == "ndjson"
        expect(out, {"stream": "a-1", "version": 0, "position": 1, "id": ID + "a", "replayed": replayed})
    matches(json.loads(target.ok("append", "a-1", "t", "-o", "json"))["id"], UUID)


def test_append_keeps_every_field(target):
    target.ok("append", "a-1", "t.x", '{"a":1}', "--id", ID + "a", "--time", "2024-05-01T12:00:00.25+02:00",
              "--correlation-id", ID + "b", "--causation-id", ID + "c", "--user-id", "ünal \"u\"", "--source", "shop",
              "--class", "realtime", "--schema-version", "7", "--metadata", '{"m": [1.0]}')
    out = target.ok("read", "a-1", "-o", "ndjson")
    matches(out, re.escape(
        '{"stream":"a-1","type":"t.x","id":"' + ID + 'a","time":"2024-05-01T10:00:00.250000Z",'
        '"correlation_id":"' + ID + 'b","causation_id":"' + ID + 'c","source":"shop","user_id":"ünal \\"u\\"",'
        '"class":"realtime","schema_version":7,"metadata":{"m": [1.0]},"data":{"a":1},'
        '"version":0,"position":1,"recorded_at":"') + TIME + '"}\n')


def test_append_takes_data_from_anywhere(target):
    folder = os.path.dirname(target.directory)
    with open(folder + "/data", "wb") as file:
        file.write(b"\x00\xff\n")
    target.ok("append", "a-1", "t", "-", stdin='{"from": "stdin"}')
    target.ok("append", "a-1", "t", f"@{folder}/data", "--content-type", "application/octet-stream")
    target.ok("append", "a-1", "t", "-", "--content-type", "application/msgpack", stdin=b"\x81\xa1a\x01")
    target.ok("append", "a-1", "t", "text", "--content-type=application/octet-stream")
    got = target.events("a-1")
    expect([e.get("data") for e in got], [{"from": "stdin"}, "AP8K", "gaFhAQ==", "dGV4dA=="])
    expect(got[1]["content_type"], "application/octet-stream")


def test_append_expects(target):
    target.fails(3, 'error: WRONG_EXPECTED_VERSION: stream "order-42": expected stream_exists, actual no_stream',
                 "append", "order-42", "t", "--expected", "stream_exists")
    target.ok("append", "order-42", "t", "--expected", "no_stream")
    target.fails(3, 'error: WRONG_EXPECTED_VERSION: stream "order-42": expected 5, actual 0',
                 "append", "order-42", "t", "--expected", "5")
    target.fails(3, 'error: WRONG_EXPECTED_VERSION: stream "order-42": expected no_stream, actual 0',
                 "append", "order-42", "t", "--expected", "no_stream")
    target.ok("append", "order-42", "t", "--expected", "0")
    target.ok("append", "order-42", "t", "--expected", "stream_exists")
    target.ok("append", "order-42", "t", "--expected=any")
    expect(len(target.events("order-42")), 4)


def test_append_again_with_its_id_stores_nothing(target):
    first = ["append", "a-1", "t", "{}", "--id", ID + "a"]
    expect(target.ok(*first), "a-1@0 position 1\n")
    expect(target.ok(*first), "a-1@0 position 1 (already there)\n")
    expect(target.ok(*first, "--expected", "no_stream"), "a-1@0 position 1 (already there)\n")
    done = target("append", "a-1", "t", '{"other":1}', "--id", ID + "a")
    expect(done.returncode, 3)
    matches(done.err, r"error: ID_REUSED: .*\n")
    expect(len(target.events("--all")), 1)


# ---- read -----------------------------------------------------------------------------------------------------------

def fill(target):
    """Six events: a-1 gets 1, 3, 5; b-1 gets 2, 4; a-2 gets 6."""
    rows = [("a-1", "x"), ("b-1", "y"), ("a-1", "y"), ("b-1", "x"), ("a-1", "x"), ("a-2", "y")]
    target.ok("import", stdin=lines(
        {"stream": s, "type": t, "data": i + 1, "id": ID[:-1] + "f%x" % i, "correlation_id": ID + "ab"[i % 2]}
        for i, (s, t) in enumerate(rows)))


def test_read_kinds_and_bounds(target):
    fill(target)
    cases = [
        (["a-1"], [1, 3, 5]),
        (["a-1", "--from", "1"], [3, 5]),
        (["a-1", "--from", "1", "--limit", "1"], [3]),
        (["a-1", "--backwards"], [5, 3, 1]),
        (["a-1", "--backwards", "--from", "1"], [3, 1]),
        (["a-1", "--from", "99"], []),
        (["--all"], [1, 2, 3, 4, 5, 6]),
        (["--all", "--from", "3", "-n", "2"], [3, 4]),
        (["-a", "-b", "-n2"], [6, 5]),
        (["--category", "a"], [1, 3, 5, 6]),
        (["--category", "a", "--backwards", "--from", "5"], [5, 3, 1]),
        (["--category", "none"], []),
        (["--type", "x"], [1, 4, 5]),
        (["--type", "x", "--from", "2"], [4, 5]),
        (["--type", "none"], []),
        (["--correlation", ID + "b"], [2, 4, 6]),
        (["--correlation", ID + "b", "--backwards", "--limit", "2"], [6, 4]),
        (["--id", ID[:-1] + "f3"], [4]),
        (["--all", "--since", "1h"], [1, 2, 3, 4, 5, 6]),
        (["--all", "--until", "1h ago"], []),
        (["--all", "--since", "2000-01-01", "--until", "2000-01-02"], []),
        (["a-1", "--since", "2000-01-01T00:00:00Z"], [1, 3, 5]),
    ]
    for arguments, expected in cases:
        expect([e["data"] for e in target.events(*arguments)], expected, f"read {arguments}")


def test_read_by_time(target):
    for n in range(5):
        target.ok("append", "a-1", "t", n)
        time.sleep(0.002)
    times = [e["recorded_at"] for e in target.events("a-1")]
    expect(times, sorted(times))
    for what in ["a-1"], ["--all"], ["--category", "a"], ["--type", "t"]:
        got = [e["data"] for e in target.events(*what, "--since", times[1], "--until", times[3])]
        expect(got, [1, 2], f"read {what} from the second to before the fourth")
        got = [e["data"] for e in target.events(*what, "--since", times[1], "--until", times[3], "--backwards")]
        expect(got, [2, 1])


def test_read_forms(target):
    expect(target.ok("read", "--all"), "position  stream@version  type  recorded_at  data\n")
    expect(target.ok("read", "--all", "-o", "json"), "[]\n")
    expect(target.ok("read", "--all", "-o", "ndjson"), "")
    fill(target)
    table = target.ok("read", "b-1").splitlines()
    matches(table[0], r"position  stream@version  type  recorded_at +data")
    matches(table[1], r"       2  b-1@0           y     " + SHORT_TIME + "  2")
    expect(len(table), 3)
    array = json.loads(target.ok("read", "--all", "-o", "json"))
    expect(array, target.events("--all"))
    expect(list(array[0]), ["stream", "type", "id", "correlation_id", "data", "version", "position", "recorded_at"])


def test_read_table_cuts_to_a_width_only_where_there_is_one(target):
    long = json.dumps("x" * 300)
    target.ok("append", "a-1", "t", long)
    assert long in target.ok("read", "a-1")
    for line in target.ok("read", "a-1", COLUMNS="100").splitlines():
        assert len(line) <= 100, line
    assert target.ok("read", "a-1", COLUMNS="100").endswith("xxx...\n")


def test_read_what_is_not_there(target):
    target.ok("append", "a-1", "t")
    done = target("read", "b-1")
    expect((done.returncode, done.out), (4, ""))
    matches(done.err, r"error: STREAM_NOT_FOUND: .*b-1.*\n")
    target.fails(4, f"error: EVENT_NOT_FOUND: no event has the id {ID}a", "read", "--id", ID + "a")


def test_read_many_in_all_forms(target):
    target.ok("import", stdin=lines({"stream": f"s-{i % 7}", "type": "t", "data": {"n": i}} for i in range(5000)))
    got = target.events("--all")
    expect([e["data"]["n"] for e in got], list(range(5000)))
    expect([e["position"] for e in got], list(range(1, 5001)))
    expect([e["data"]["n"] for e in target.json("read", "--all", "-b")], list(range(4999, -1, -1)))
    expect(len(target.ok("read", "--all").splitlines()), 5001)
    expect([e["data"]["n"] for e in target.events("s-3")], list(range(3, 5000, 7)))


def test_read_into_a_closed_pipe_is_quiet(target):
    target.ok("import", stdin=lines({"stream": "s", "type": "t", "data": "x" * 100} for _ in range(20000)))
    for form in "table", "ndjson", "json":
        reader = subprocess.Popen([VARVE, "read", "--all", "-o", form, *target.options], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, env=clean_environment())
        reader.stdout.read(10)
        reader.stdout.close()
        expect(reader.stderr.read(), b"", "standard error")
        reader.stderr.close()
        expect(reader.wait(timeout=60), 0, "exit code")


def test_read_onto_a_full_disk_fails(target):
    target.ok("append", "a-1", "t", "1")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([VARVE, "read", "a-1", *target.options], stdout=full, stderr=subprocess.PIPE,
                              env=clean_environment())
    expect((done.returncode, done.stderr), (1, b"error: IO: the output could not be written\n"))


# ---- stream ---------------------------------------------------------------------------------------------------------

def test_stream_ls(target):
    expect(target.ok("stream", "ls"), "stream  version  events  updated_at  state\n")
    expect(target.json("stream", "ls"), [])
    fill(target)
    table = target.ok("stream", "ls").splitlines()
    matches(table[1], r"a-1 +2 +3  " + SHORT_TIME + "  live")
    expect([line.split()[0] for line in table], ["stream", "a-1", "a-2", "b-1"])
    expect([e["stream"] for e in target.json("stream", "ls", "a-")], ["a-1", "a-2"])
    expect([e["stream"] for e in target.json("stream", "ls", "--limit", "2")], ["a-1", "a-2"])
    expect([e["stream"] for e in target.json("stream", "ls", "--after", "a-1")], ["a-2", "b-1"])
    expect(target.json("stream", "ls", "zzz"), [])
    expect(len(target.ok("stream", "ls", "-o", "ndjson").splitlines()), 3)


def test_stream_ls_turns_pages(target):
    names = sorted(f"s-{i}" for i in range(2500))
    target.ok("import", stdin=lines({"stream": name, "type": "t"} for name in names))
    expect([e["stream"] for e in target.json("stream", "ls")], names)
    expect([e["stream"] for e in target.json("stream", "ls", "-n", "1500")], names[:1500])


def test_stream_info(target):
    fill(target)
    info = target.json("stream", "info", "a-1")
    matches(info.pop("created_at"), TIME)
    matches(info.pop("updated_at"), TIME)
    expect(info, {"stream": "a-1", "version": 2, "first_version": 0, "events": 3, "last_position": 5,
                  "truncate_before": 0, "max_count": 0, "max_age_us": 0, "state": "live"})
    table = dict(line.split(None, 1) for line in target.ok("stream", "info", "a-1").splitlines())
    expect((table["stream"], table["state"], table["version"], table["events"]), ("a-1", "live", "2", "3"))
    done = target("stream", "info", "zzz")
    expect((done.returncode, done.out), (4, ""))
    matches(done.err, r"error: STREAM_NOT_FOUND: .*zzz.*\n")


def test_stream_truncate(target):
    fill(target)
    expect(target.ok("stream", "truncate", "a-1", "--before", "1"), "a-1 truncated: versions below 1 are hidden\n")
    expect([e["version"] for e in target.events("a-1")], [1, 2])
    expect([e["data"] for e in target.events("--all")], [2, 3, 4, 5, 6])
    out = target.json("stream", "truncate", "a-1", "--before", "2", "--expected", "2")
    expect((out["stream"], out["change"]), ("a-1", "truncate"))
    expect(target.json("stream", "info", "a-1")["truncate_before"], 2)
    expect([e["version"] for e in target.events("a-1")], [2])


def test_changes_expect_too(target):
    fill(target)
    for words in ["truncate", "a-1", "--before", "3"], ["retention", "a-1", "--max-count", "1"], ["delete", "a-1"], \
            ["tombstone", "a-1", "--yes"]:
        target.fails(3, 'error: WRONG_EXPECTED_VERSION: stream "a-1": expected 7, actual 2',
                     "stream", *words, "--expected", "7")
    expect([e["version"] for e in target.events("a-1")], [0, 1, 2])


def test_stream_retention_keeps_what_is_not_given(target):
    fill(target)
    expect(target.ok("stream", "retention", "a-1", "--max-count", "2"), "a-1 has its new retention\n")
    expect([e["version"] for e in target.events("a-1")], [1, 2])
    target.ok("stream", "retention", "a-1", "--max-age", "1d")
    info = target.json("stream", "info", "a-1")
    expect((info["max_count"], info["max_age_us"]), (2, 86400 * 10**6))
    target.ok("stream", "retention", "a-1", "--max-count", "0", "--max-age", "0")
    info = target.json("stream", "info", "a-1")
    expect((info["max_count"], info["max_age_us"]), (0, 0))
    expect([e["version"] for e in target.events("a-1")], [0, 1, 2])
    target.ok("stream", "retention", "a-1", "--max-age", "1ms")
    time.sleep(0.01)
    expect(target.events("a-1"), [])


def test_stream_delete_and_come_back(target):
    fill(target)
    expect(target.ok("stream", "delete", "a-1"), "a-1 deleted: its events are hidden; an append brings it back\n")
    expect(target("read", "a-1").returncode, 4)
    expect([e["data"] for e in target.events("--all")], [2, 4, 6])
    states = {e["stream"]: e["state"] for e in target.json("stream", "ls")}
    expect(states, {"a-1": "deleted", "a-2": "live", "b-1": "live"})
    matches(target.ok("append", "a-1", "t", "--expected", "no_stream"), r"a-1@3 position \d+\n")
    expect([e["version"] for e in target.events("a-1")], [3])


def test_stream_tombstone_is_for_ever_and_asks(target):
    fill(target)
    target.fails(2, "error: INVALID_ARGUMENT: a tombstone is for ever: say --yes", "stream", "tombstone", "a-1")
    expect(len(target.events("a-1")), 3)
    expect(target.ok("stream", "tombstone", "a-1", "--yes"), "a-1 tombstoned: it takes no more events\n")
    done = target("append", "a-1", "t")
    expect(done.returncode, 3)
    matches(done.err, r"error: STREAM_TOMBSTONED: .*a-1.*\n")
    done = target("read", "a-1")
    expect((done.returncode, done.out), (4, ""))
    matches(done.err, r"error: STREAM_TOMBSTONED: .*a-1.*\n")
    expect([e["state"] for e in target.json("stream", "ls", "a-1")], ["tombstoned"])


def test_changes_of_streams_that_are_not_there(target):
    target.ok("append", "b-1", "t")
    for words in ["delete", "a-1"], ["truncate", "a-1", "--before", "1"], ["tombstone", "a-1", "--yes"], \
            ["retention", "a-1", "--max-count", "1"], ["retention", "a-1", "--max-count", "1", "--max-age", "1d"]:
        done = target("stream", *words)
        expect(done.returncode, 4, f"exit code of {words}: {done.err}")
        matches(done.err, r"error: STREAM_NOT_FOUND: .*a-1.*\n")


def test_system_streams_show_when_asked_for(target):
    fill(target)
    target.ok("stream", "truncate", "a-1", "--before", "1")
    expect([e["stream"] for e in target.json("stream", "ls")], ["a-1", "a-2", "b-1"])
    expect([e["stream"] for e in target.json("stream", "ls", "--system")], ["$$a-1", "a-1", "a-2", "b-1"])
    expect([e["stream"] for e in target.json("stream", "ls", "$")], ["$$a-1"])
    expect(len(target.events("--all")), 5)
    expect([e["stream"] for e in target.events("--all", "--system")][-1], "$$a-1")
    expect([e["type"] for e in target.events("$$a-1")], ["$metadata"])


# ---- stats, ping, check ---------------------------------------------------------------------------------------------

def test_stats(target):
    fill(target)
    stats = target.json("stats")
    expect((stats["last_position"], stats["stream_count"]), (6, 3))
    matches(stats["database_id"], UUID)
    table = dict(line.split(None, 1) for line in target.ok("stats").splitlines())
    expect((table["last_position"], table["stream_count"]), ("6", "3"))
    matches(table["journal_bytes"], r"[\d.]+ ([KMG]i)?B")
    matches(table["created_at_us"], TIME)
    expect(json.loads(target.ok("stats", "-o", "ndjson"))["last_position"], 6)


def test_ping(target):
    target.ok("append", "a-1", "t")
    matches(target.ok("ping"), r"ok: last position 1, answered in [\d.]+ (us|ms|s)\n")
    out = target.json("ping")
    expect(out["last_position"], 1)
    matches(out["server_time"], TIME)


def test_check_finds_nothing_in_a_sound_store(target):
    fill(target)
    target.stop()
    out = varve("check", target.directory)
    expect(out.returncode, 0, out.err)
    matches(out.out, r"checked 6 events, \d+ journal frames: all sound\n")
    matches(varve("check", "--deep", "--db", target.directory).out,
            r"checked 6 events, \d+ journal frames, 3 streams, \d+ index entries: all sound\n")
    expect(varve("check", target.directory, "-o", "json").out, "[]\n")
    if target.server:
        target.server.start()


def test_the_same_output_from_server_and_directory(target):
    fill(target)
    forms = [["read", "--all"], ["read", "--all", "-o", "json"], ["stream", "ls"], ["stream", "info", "a-1"],
             ["read", "a-1", "-o", "ndjson"], ["read", "--id", ID[:-1] + "f3"]]
    if target.kind == "server":
        from_server = [target.ok(*form) for form in forms]
        target.server.stop()
        expect([varve(*form, "--db", target.directory).out for form in forms], from_server)


# ---- help, versions, terminals --------------------------------------------------------------------------------------

COMMANDS = ["append", "import", "read", "stream ls", "stream info", "stream truncate", "stream retention",
            "stream delete", "stream tombstone", "stats", "health", "config show", "top", "ping", "check"]


def test_help_everywhere():
    overview = varve("--help")
    expect((overview.returncode, overview.err), (0, ""))
    for command in COMMANDS:
        assert f"\n  {command} " in overview.out, command
        asked = varve("help", *command.split())
        expect((asked.returncode, asked.err), (0, ""))
        assert f"Usage: varve {command}" in asked.out and "\nExamples:\n" in asked.out, asked.out
        expect(varve(*command.split(), "--help").out, asked.out)
        expect(varve(*command.split(), "-h").out, asked.out)
    for words in [], ["help"], ["help", "--help"], ["help", "-h"]:
        expect(varve(*words).returncode, 0 if words else 2)
    matches(varve("--version").out, r"varve \d+\.\d+\.\d+\n")


def test_groups_show_their_commands():
    expect(varve("stream").returncode, 2)
    expect(varve("stream", "--help").returncode, 0)
    for out in varve("stream", "--help").out, varve("help", "stream").out, varve("stream").err:
        for command in COMMANDS:
            expect(f"varve {command} " in out, command.startswith("stream "), command)
        assert "\nExamples:\n" in out, out


def on_a_terminal(command, answer=b"", **environment):
    """(exit code, everything shown) of a command whose in- and outputs are a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(VARVE, [VARVE, *command], clean_environment(**environment))
    if answer:
        time.sleep(0.3)
        os.write(terminal, answer)
    shown = b""
    while True:
        try:
            got = os.read(terminal, 65536)
        except OSError:
            break
        if not got:
            break
        shown += got
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_colours_are_for_terminals(target):
    fill(target)
    command = ["read", "a-1", *target.options]
    assert "\033" not in target.ok("read", "a-1")
    assert "\033[1m" in on_a_terminal(command, TERM="xterm")[1]
    assert "\033" not in on_a_terminal(command, TERM="xterm", NO_COLOR="1")[1]
    assert "\033" not in on_a_terminal(command, TERM="dumb")[1]


def test_tombstone_asks_on_a_terminal(target):
    fill(target)
    code, shown = on_a_terminal(["stream", "tombstone", "a-1", *target.options], b"n\n")
    expect(code, 1)
    assert "for ever" in shown and "CANCELLED" in shown, shown
    expect(len(target.events("a-1")), 3)
    code, shown = on_a_terminal(["stream", "tombstone", "a-1", *target.options], b"y\n")
    expect(code, 0)
    expect(target("read", "a-1").returncode, 4)


def test_the_environment_names_the_server(target):
    if target.kind == "server":
        expect(varve("append", "a-1", "t", VARVE_URL=target.server.url).out, "a-1@0 position 1\n")
        done = varve("ping", VARVE_URL="varve://127.0.0.1:1?reconnect_attempts=0")
        expect(done.returncode, 5)
        matches(done.err, r"error: UNREACHABLE: .*127\.0\.0\.1.*\n")


if __name__ == "__main__":
    sys.exit(main(globals()))
