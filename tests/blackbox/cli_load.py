#!/usr/bin/env python3
"""`varve load`: an aggregate from its snapshot and the events after it, and what a reducer makes of them."""
import json
import os
import sys

from cli_support import BIN, Place, expect, lines, main


ODD_SO = os.path.join(os.path.dirname(BIN), "tests", "objects", "odd_reducer.so")


class Account(Place):
    """A server with an account of five events, and a snapshot of its first three."""

    def __init__(self, folder):
        super().__init__(folder)
        self.put(0, 3)
        self.ok("snapshot", "build", "--reducer", "merge")
        self.put(3, 5)

    def put(self, first, end):
        self.ok("import", stdin=lines({"stream": "account-1", "type": "account.changed",
                                       "data": {"n": n, f"key{n}": True, "key0": None}} for n in range(first, end)))


STATE = {"n": 4, "key1": True, "key2": True, "key3": True, "key4": True}


def test_the_snapshot_and_the_events_after_it(folder):
    place = Account(folder)
    loaded = place.json("load", "account-1")
    expect((loaded["stream"], loaded["version"]), ("account-1", 4))
    expect((loaded["snapshot"]["version"], loaded["snapshot"]["type"]), (2, "merge"))
    expect([event["version"] for event in loaded["events"]], [3, 4])
    shown = place.ok("load", "account-1")
    assert "merge, schema version 1, of version 2" in shown and "account-1@4" in shown, shown
    place.server.stop()


def test_folded_it_is_what_folding_from_zero_is(folder):
    place = Account(folder)
    quick = place.json("load", "account-1", "--reducer", "merge")
    slow = place.json("load", "account-1", "--reducer", "merge", "--no-snapshots")
    expect((quick["state"], quick["snapshot_version"], quick["events"]), (STATE, 2, 2))
    expect((slow["state"], "snapshot_version" in slow, slow["events"]), (STATE, False, 5))
    expect(json.loads(place.ok("load", "account-1", "--reducer", "merge")), STATE)
    place.server.stop()


def test_a_snapshot_of_another_kind_is_left_alone(folder):
    place = Account(folder)
    loaded = place.json("load", "account-1", "--type", "other")
    expect(("snapshot" in loaded, len(loaded["events"])), (False, 5))
    loaded = place.json("load", "account-1", "--schema-version", "2")
    expect(("snapshot" in loaded, len(loaded["events"])), (False, 5))
    assert "snapshot  none" in place.ok("load", "account-1", "--no-snapshots")
    place.server.stop()


def test_what_cannot_be_loaded(folder):
    place = Account(folder)
    place.fails(4, "STREAM_NOT_FOUND", "load", "account-2")
    place.fails(2, "INVALID_ARGUMENT", "load")
    place.fails(2, "INVALID_ARGUMENT", "load", "account-1", "--reducer", "no such thing")
    place.ok("stream", "delete", "account-1")
    place.fails(4, "STREAM_NOT_FOUND", "load", "account-1")
    place.server.stop()


def test_a_shared_object_that_fails_is_said(target):
    target.ok("import", stdin=lines({"stream": stream, "type": "t"}
                                    for stream in ("crash-1", "exit-1", "leave-1", "picky-1", "large-1", "good-1")))
    for stream, says in [
            ("crash-1", 'failed: stream "crash-1": the reducer crashed (signal 11)'),
            ("exit-1", 'failed: stream "exit-1": the reducer ended the process'),
            ("leave-1", "error: IO: folding was not finished: something, such as the reducer, ended the process (exit "
                        "status 0)"),
            ("picky-1", 'failed: stream "picky-1", event 0: the reducer says: not to my taste'),
            ("large-1", 'failed: stream "large-1": the state has 2097152 bytes; a snapshot may have 1048576')]:
        for output in ("table", "json"):
            done = target("load", stream, "--reducer", ODD_SO, "-o", output)
            expect((done.returncode, done.out, done.err), (1, "", says + "\n"), stream)
    expect(target.json("load", "good-1", "--reducer", ODD_SO)["state"], "AAAAAA==")
    target.fails(4, "error: STREAM_NOT_FOUND: stream \"nobody-1\": the stream does not exist or was deleted", "load",
                 "nobody-1", "--reducer", ODD_SO)


def test_a_state_that_is_no_json_is_not_printed(target):
    target.ok("import", stdin=lines([{"stream": "a-1", "type": "t"}]))
    for output in ("table", "json"):
        done = target("load", "a-1", "--reducer", ODD_SO, "-o", output, ODD_REDUCER="garbage")
        expect((done.returncode, done.out), (1, ""), done.err)
        expect(done.err.startswith('failed: stream "a-1": the state: data is not JSON'), True, done.err)


if __name__ == "__main__":
    sys.exit(main(globals()))
