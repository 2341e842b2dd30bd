#!/usr/bin/env python3
"""Import and export: round trips, bad lines, interruptions of the importer and of the server."""
import base64
import json
import random
import re
import subprocess
import sys
import time
import uuid

from cli_support import VARVE, Server, clean_environment, expect, lines, main, varve


def result(imported, streams, already):
    return f"imported {imported} events into {streams} streams ({already} already there)\n"


def some_events(count, seed=1):
    """Events of every shape, each with an id, woven over some streams."""
    pick = random.Random(seed)
    events = []
    for n in range(count):
        event = {"stream": f"s{pick.randrange(3)}-{pick.randrange(40)}", "type": pick.choice(["a.b", "c", "ü"]),
                 "id": str(uuid.UUID(int=pick.getrandbits(128)))}
        if pick.random() < 0.5:
            day = f"20{pick.randrange(10, 40)}-0{pick.randrange(1, 10)}-1{pick.randrange(10)}"
            event["time"] = f"{day}T0{pick.randrange(10)}:30:59.{pick.randrange(10**6):06}Z"
        for name in "correlation_id", "causation_id":
            if pick.random() < 0.3:
                event[name] = str(uuid.UUID(int=pick.getrandbits(128)))
        if pick.random() < 0.2:
            event["source"] = pick.choice(["shop", 'quo"te', "日本語", ""])
        if pick.random() < 0.2:
            event["user_id"] = "u\\n%d" % n
        if pick.random() < 0.2:
            event["class"] = pick.choice(["integration", "realtime"])
        if pick.random() < 0.2:
            event["schema_version"] = pick.choice([0, 2, 2**32 - 1])
        if pick.random() < 0.2:
            event["content_type"] = "application/octet-stream"
        if pick.random() < 0.2:
            event["metadata"] = {"n": n}
        if "content_type" in event:
            event["data"] = base64.b64encode(pick.randbytes(pick.randrange(1, 60))).decode()
        elif pick.random() < 0.9:
            event["data"] = {"n": n, "text": "x" * pick.randrange(100), "list": [1.5, None, True]}
        events.append({name: value for name, value in event.items() if value != ""})
    return events


def exported(target_or_options):
    options = getattr(target_or_options, "options", target_or_options)
    out = varve("read", "--all", "-o", "ndjson", *options)
    expect(out.returncode, 0, out.err)
    return out.out


def without_the_store(text):
    """What was imported: an exported line without what the store says."""
    return re.sub(r',"version":\d+,"position":\d+,"recorded_at":"[^"]*"}$', "}", text, flags=re.M)


def check_same(target, events):
    """Exactly these events, in this order, none twice, versions and positions without gaps."""
    got = [json.loads(line) for line in exported(target).splitlines()]
    expect(len(got), len(events), "number of events")
    versions = {}
    for n, (is_, was) in enumerate(zip(got, events)):
        expect(is_["position"], n + 1, "position")
        expect(is_["version"], versions.get(is_["stream"], -1) + 1, "version")
        versions[is_["stream"]] = is_["version"]
        for name in was:
            expect(is_.get(name), was[name], f"{name} of event {n}")
        expect(set(is_) - set(was) - {"version", "position", "recorded_at", "id"}, set(), "members that were not given")


# ---- round trips ----------------------------------------------------------------------------------------------------

def test_import_and_read_back(target):
    events = some_events(1500)
    streams = len({e["stream"] for e in events})
    expect(target.ok("import", stdin=lines(events)), result(1500, streams, 0))
    check_same(target, events)
    by_stream = {}
    for event in events:
        by_stream.setdefault(event["stream"], []).append(event["id"])
    for stream in list(by_stream)[:10]:
        expect([e["id"] for e in target.events(stream)], by_stream[stream], stream)
    stats = target.json("stats")
    expect((stats["last_position"], stats["stream_count"]), (1500, streams))


def test_export_equals_import_byte_by_byte(target):
    target.ok("import", stdin=lines(some_events(700, seed=2)))
    first = exported(target)
    other = ["--db", target.directory + "-copy"]
    streams = {json.loads(line)["stream"] for line in first.splitlines()}
    expect(varve("import", *other, stdin=first).out, result(700, len(streams), 0))
    second = exported(other)
    expect(without_the_store(second), without_the_store(first))
    expect(re.sub(r'"recorded_at":"[^"]*"', "", second), re.sub(r'"recorded_at":"[^"]*"', "", first))


def test_spelling_of_data_survives(target):
    spellings = ['{ "a" :1}', "12345678901234567890123", "1.0", "1e5", '"\\u00e4\\/"', "-0", '{"a":1,"a":2}', "null",
                 '""', "[ ]", '"日本"']
    text = "".join('{"stream":"s","type":"t","metadata":%s,"data":%s}\n' % (s, s) for s in spellings)
    target.ok("import", stdin=text)
    out = exported(target)
    for spelling, line in zip(spellings, out.splitlines()):
        wanted = '"data":' + spelling + ',"version"'
        assert wanted in line, f"{wanted} is not in {line}"


def test_times_keep_their_microsecond(target):
    given = ["2011-10-01T00:38:44.546+02:00", "1969-12-31T23:59:59.999999Z", "2024-02-29T23:59:59.000001-11:30"]
    target.ok("import", stdin=lines({"stream": "s", "type": "t", "time": t} for t in given))
    expect([e["time"] for e in target.events("s")],
           ["2011-09-30T22:38:44.546000Z", "1969-12-31T23:59:59.999999Z", "2024-03-01T11:29:59.000001Z"])


def test_files_pipes_blank_lines_and_carriage_returns(target):
    path = target.directory + ".ndjson"
    with open(path, "wb") as file:
        file.write(b'\n{"stream":"s","type":"t","data":1}\r\n\n  \n{"stream":"s","type":"t","data":2}')
    expect(target.ok("import", path), result(2, 1, 0))
    expect(target.ok("import", "-", stdin='{"stream":"s","type":"t","data":3}'), result(1, 1, 0))
    expect([e["data"] for e in target.events("s")], [1, 2, 3])
    expect(target.ok("import", "/dev/null"), result(0, 0, 0))


def test_import_as_json(target):
    events = some_events(10)
    expect(target.json("import", stdin=lines(events + events[:3])),
           {"imported": 10, "streams": len({e["stream"] for e in events}), "already_there": 3,
            "system_events_left_out": 0})


def test_system_events_are_left_out(target):
    target.ok("import", stdin=lines(some_events(5)))
    stream = target.events("--all")[0]["stream"]
    target.ok("stream", "retention", stream, "--max-count", "100")
    everything = target.ok("read", "--all", "--system", "-o", "ndjson")
    expect(len(everything.splitlines()), 6)
    done = varve("import", "--db", target.directory + "-copy", stdin=everything)
    expect((done.returncode, done.err),
           (0, "note: 1 events of system streams ($...) were left out; the store writes its own\n"))
    assert done.out.startswith("imported 5 events"), done.out


# ---- nothing twice --------------------------------------------------------------------------------------------------

def test_again_stores_nothing(target):
    events = some_events(2500)
    streams = len({e["stream"] for e in events})
    target.ok("import", stdin=lines(events))
    expect(target.ok("import", stdin=lines(events)), result(0, streams, 2500))
    expect(target.ok("import", stdin=lines(events[::-1])), result(0, streams, 2500))
    check_same(target, events)


def test_a_mix_of_old_and_new(target):
    events = some_events(3000)
    known = events[100:900:3] + events[1500:1501] + events[2000:]
    target.ok("import", stdin=lines(known))
    expect(target.ok("import", stdin=lines(events)).split(" into")[0], f"imported {3000 - len(known)} events")
    old = {e["id"] for e in known}
    check_same(target, known + [e for e in events if e["id"] not in old])


def test_a_file_that_says_something_twice(target):
    events = some_events(1200)
    twice = events[:600] + events[300:900] + events
    expect(target.ok("import", stdin=lines(twice)).split(" (")[1], "1200 already there)\n")
    check_same(target, events)


def test_lines_without_ids_are_known_again(target):
    events = [{"stream": f"s-{n % 10}", "type": "t", "data": n // 100} for n in range(2000)]  # many equal lines
    expect(target.ok("import", stdin=lines(events)), result(2000, 10, 0))
    expect(target.ok("import", stdin=lines(events)), result(0, 10, 2000))
    more = events + [{"stream": "s-3", "type": "t", "data": "new"}]
    expect(target.ok("import", stdin=lines(more)), result(1, 10, 2000))
    ids = [e["id"] for e in target.events("--all")]
    expect(len(set(ids)), 2001)


def test_known_beyond_the_ids_a_server_remembers(folder):
    server = Server(folder + "/store", "--recent-ids", "100")
    events = some_events(3000)
    options = ["--server", server.url]
    varve("import", *options, stdin=lines(events))
    again = varve("import", *options, stdin=lines(events))
    assert "imported 0 events" in again.out and "(3000 already there)" in again.out, again.out + again.err
    check_same(options, events)
    server.stop()


def test_without_an_index_of_ids_the_newest_are_known(folder):
    server = Server(folder + "/store", "--index", "none")
    events = some_events(1500)
    options = ["--server", server.url]
    varve("import", *options, stdin=lines(events))
    again = varve("import", *options, stdin=lines(events))
    expect(again.returncode, 0, again.err)
    assert "keeps no index of ids" in again.err and "imported 0 events" in again.out, again.out + again.err
    check_same(options, events)
    server.stop()


# ---- bad lines ------------------------------------------------------------------------------------------------------

def test_a_bad_line_is_named_and_its_batch_not_stored(target):
    good = lines(some_events(1300))
    done = target("import", stdin=good + '{"stream":"s","type":"t","data":}\n' + lines(some_events(10, seed=9)))
    expect((done.returncode, done.out), (1, ""))
    first, second = done.err.splitlines()
    assert re.fullmatch(r"error: line 1301: not JSON at byte 32: .+", first), first
    expect(second, "1000 events were imported before (0 already there); running it again stores nothing twice.")
    check_same(target, some_events(1300)[:1000])
    expect(target.ok("import", stdin=good).split(" into")[0], "imported 300 events")
    check_same(target, some_events(1300))


BAD_LINES = [
    ("{", "not JSON at byte 1"),
    ("[]", "not a JSON object"),
    ("null", "not a JSON object"),
    ("{}", '"stream" is missing'),
    ('{"stream":"s"}', '"type" is missing'),
    ('{"stream":"","type":"t"}', "stream: must be 1 to 480 bytes"),
    ('{"stream":"' + "s" * 481 + '","type":"t"}', "stream: must be 1 to 480 bytes"),
    ('{"stream":"a\\u0000b","type":"t"}', "stream: must be free of control characters"),
    ('{"stream":"s","type":"' + "t" * 256 + '"}', "type: must be 1 to 255 bytes"),
    ('{"stream":"s","type":"t","id":"7"}', '"id" must be a UUID'),
    ('{"stream":"s","type":"t","time":"noon"}', '"time" must be a time as in RFC 3339'),
    ('{"stream":"s","type":"t","Data":1}', 'unknown member "Data"; did you mean data?'),
    ('{"stream":"s","type":"t","data":1,"data":2}', '"data" stands there twice'),
    ('{"stream":"s","type":"t","class":"x"}', '"class" must be'),
    ('{"stream":"s","type":"t","content_type":"text/html"}', '"content_type" must be'),
    ('{"stream":"s","type":"t","content_type":"application/msgpack","data":"wQ=="}', "data: must be one msgpack value"),
    ('{"stream":"s","type":"t","content_type":"application/octet-stream","data":"*"}', '"data" must be base64'),
    ('{"stream":"s","type":"t","data":"' + "x" * (1 << 20) + '"}', "data and metadata take 1048578 bytes"),
    ('{"stream":"s","type":"t","data":' + "[" * 5000 + "]" * 5000 + "}", "not JSON at byte"),
    (b'{"stream":"s\xff","type":"t"}', "not JSON at byte"),
    ("\ufeff{}", "not JSON at byte 0"),
]


def test_every_kind_of_bad_line(target):
    for line, says in BAD_LINES:
        line = line if isinstance(line, bytes) else line.encode()
        done = target("import", stdin=b'{"stream":"s","type":"t"}\n' + line + b"\n")
        expect((done.returncode, done.out), (1, ""), line[:60])
        assert done.err.startswith(f"error: line 2: {says}"), f"{line[:60]}: {done.err}"
    expect(target.events("--all"), [])


def test_files_that_cannot_be_read(target):
    done = target("import", "/nowhere/at-all")
    expect((done.returncode, done.err), (1, "error: IO: /nowhere/at-all: No such file or directory\n"))
    done = target("import", "/")
    expect(done.returncode, 1)
    assert done.err.startswith("error: line 1: reading: Is a directory\n"), done.err


def test_a_tombstoned_stream_stops_the_import(target):
    target.ok("append", "s-1", "t")
    target.ok("stream", "tombstone", "s-1", "--yes")
    done = target("import", stdin='{"stream":"s-2","type":"t"}\n{"stream":"s-1","type":"t"}\n')
    expect((done.returncode, done.out), (3, ""))
    assert done.err.startswith("error: STREAM_TOMBSTONED: "), done.err
    assert "The batch of lines 1 to 2 was not acknowledged." in done.err, done.err
    expect(target.events("--all"), [])


# ---- interruptions --------------------------------------------------------------------------------------------------

def start_import(path, options):
    return subprocess.Popen([VARVE, "import", path, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=clean_environment())


def interrupt_and_resume(folder, interrupt, make_options, after=lambda: None):
    """Import a file again and again, interrupted at random moments; after a last run in peace all is there once."""
    events = some_events(30000, seed=5)
    path = folder + "/events.ndjson"
    with open(path, "w") as file:
        file.write(lines(events))
    pick = random.Random(11)
    cut = 0
    for round_ in range(8):
        importer = start_import(path, make_options())
        time.sleep(0.02 + pick.random() * 0.15)
        cut += importer.poll() is None
        interrupt(importer)
        importer.communicate()
        after()
    assert cut > 0, "every import was over before it could be interrupted"
    last = start_import(path, make_options())
    out, err = last.communicate(timeout=120)
    expect(last.returncode, 0, err.decode())
    assert re.match(rb"imported \d+ events into \d+ streams \(\d+ already there\)\n", out), out
    check_same(make_options(), events)


def test_kill_the_importer(folder):
    server = Server(folder + "/store")
    interrupt_and_resume(folder, lambda importer: importer.kill(), lambda: ["--server", server.url])
    server.stop()


def test_kill_the_importer_that_has_the_store_open(folder):
    interrupt_and_resume(folder, lambda importer: importer.kill(), lambda: ["--db", folder + "/store"])


def test_kill_the_server(folder):
    server = Server(folder + "/store")

    def kill(importer):
        server.kill()
        importer.wait(timeout=60)

    interrupt_and_resume(folder, kill, lambda: ["--server", server.url], lambda: server.start())
    server.stop()


def test_stop_the_server_gracefully(folder):
    server = Server(folder + "/store")

    def stop(importer):
        server.stop()
        importer.wait(timeout=60)

    interrupt_and_resume(folder, stop, lambda: ["--server", server.url], lambda: server.start())
    server.stop()


def test_two_importers_at_once(folder):
    server = Server(folder + "/store")
    events = some_events(20000, seed=6)
    path = folder + "/events.ndjson"
    with open(path, "w") as file:
        file.write(lines(events))
    both = [start_import(path, ["--server", server.url]) for _ in range(2)]
    told = [importer.communicate(timeout=120) for importer in both]
    for importer, (out, err) in zip(both, told):
        expect(importer.returncode, 0, err.decode())
    imported = [int(out.split()[1]) for out, _ in told]
    expect(sum(imported), 20000, f"imported together {imported}")
    check_same(["--server", server.url], events)
    server.stop()


if __name__ == "__main__":
    sys.exit(main(globals()))
