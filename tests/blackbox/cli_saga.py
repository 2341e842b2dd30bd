#!/usr/bin/env python3
"""`varve saga`: sagas begun, stepped, undone, ended, listed, counted, claimed; deadlines that pass."""
import json
import os
import sys

from cli_support import Place, expect, main


def ids(sagas):
    return [saga["saga_id"] for saga in sagas]


# ---- from beginning to end ------------------------------------------------------------------------------------------

def test_a_saga_that_ends_well(folder):
    place = Place(folder)
    begun = place.ok("saga", "begin", "order", "17", '{"total":99}', "--step", "reserve", "--deadline", "1h")
    assert begun.startswith("order/17 begun at version 0, position "), begun
    saga = place.json("saga", "show", "order", "17")
    said = {"type": "order", "saga_id": "17", "status": "running", "step": "reserve", "version": 0,
            "state": {"total": 99}}
    expect({key: saga[key] for key in said}, said)
    assert "deadline" in saga and "error" not in saga
    stepped = place.json("saga", "step", "order", "17", "charge", "--expected", "0")
    expect((stepped["version"], stepped["change"]), (1, "step"))
    saga = place.json("saga", "show", "order", "17")
    expect((saga["step"], saga["state"], "deadline" in saga), ("charge", {"total": 99}, False))
    place.ok("saga", "complete", "order", "17", "-", stdin='{"total":99,"paid":true}')
    saga = place.json("saga", "show", "order", "17")
    expect((saga["status"], saga["version"], saga["state"]["paid"]), ("completed", 2, True))
    assert saga["completed_at"] == saga["updated_at"]
    history = place.json("saga", "history", "order", "17")
    expect([event["type"] for event in history], ["$saga.started", "$saga.stepped", "$saga.completed"])
    shown = place.ok("saga", "history", "order", "17")
    assert "started" in shown and "charge" in shown and '{"total":99,"paid":true}' in shown, shown
    assert "status        completed" in place.ok("saga", "show", "order", "17")
    place.server.stop()


def test_a_saga_that_is_undone(folder):
    place = Place(folder)
    place.ok("saga", "begin", "order", "18", "--step", "charge")
    place.ok("saga", "compensate", "order", "18", "release", "--error", 'card "declined"')
    saga = place.json("saga", "show", "order", "18")
    expect((saga["status"], saga["step"], saga["error"]), ("compensating", "release", 'card "declined"'))
    place.fails(3, "SAGA_FINISHED", "saga", "complete", "order", "18")
    place.ok("saga", "fail", "order", "18", "--error", "undone")
    saga = place.json("saga", "show", "order", "18")
    expect((saga["status"], saga["error"], "state" in saga), ("failed", "undone", False))
    place.ok("saga", "archive", "order", "18")
    place.fails(4, "SAGA_NOT_FOUND", "saga", "show", "order", "18")
    expect(len(place.json("saga", "history", "order", "18")), 4)
    place.fails(3, "SAGA_EXISTS", "saga", "begin", "order", "18")
    place.server.stop()


def test_what_does_not_fit_is_refused(folder):
    place = Place(folder)
    place.ok("saga", "begin", "order", "1")
    place.ok("saga", "step", "order", "1", "a")
    place.fails(3, "SAGA_CONFLICT", "saga", "step", "order", "1", "b", "--expected", "0")
    place.fails(3, "SAGA_EXISTS", "saga", "begin", "order", "1")
    place.fails(4, "SAGA_NOT_FOUND", "saga", "step", "order", "2", "a")
    place.fails(4, "SAGA_NOT_FOUND", "saga", "show", "order", "2")
    place.fails(4, "STREAM_NOT_FOUND", "saga", "history", "order", "2")
    place.fails(2, "INVALID_ARGUMENT", "saga", "begin", "or-der", "1")
    place.fails(2, "INVALID_ARGUMENT", "saga", "begin", "order", "3", "{broken")
    place.fails(2, "INVALID_ARGUMENT", "saga", "begin", "order", "3", "--deadline", "soon")
    place.fails(2, "INVALID_ARGUMENT", "saga", "step", "order", "1")
    place.fails(2, "INVALID_ARGUMENT", "saga", "step", "order", "1", "b", "--expected", "any")
    place.fails(2, "INVALID_ARGUMENT", "saga", "ls", "--status", "sleeping")
    place.fails(2, "INVALID_ARGUMENT", "saga", "claim", "order", "--status", "failed")
    place.fails(2, "INVALID_ARGUMENT", "saga", "claim", "order", "--wait", "31s")
    place.fails(2, "INVALID_ARGUMENT", "saga", "claim")
    expect(place.json("saga", "show", "order", "1")["version"], 1)
    place.server.stop()


def test_repeating_a_command_with_its_event_id_changes_nothing_twice(folder):
    place = Place(folder)
    same = ("--event-id", "00000000-0000-4000-8000-000000000001")
    first = place.json("saga", "begin", "order", "1", *same)
    expect(place.json("saga", "begin", "order", "1", *same), first)
    expect(place.json("saga", "show", "order", "1")["version"], 0)
    place.server.stop()


def test_states_of_other_kinds(folder):
    place = Place(folder)
    path = os.path.join(folder, "state")
    with open(path, "wb") as file:
        file.write(b"\0\1\2")
    place.ok("saga", "begin", "job", "a/b c", "@" + path, "--content-type", "application/octet-stream")
    saga = place.json("saga", "show", "job", "a/b c")
    expect((saga["state"], saga["content_type"]), ("AAEC", "application/octet-stream"))
    assert "(3 bytes of application/octet-stream)" in place.ok("saga", "show", "job", "a/b c")
    place.server.stop()


# ---- many -----------------------------------------------------------------------------------------------------------

def test_lists_and_counts(folder):
    place = Place(folder)
    for n in range(5):
        place.ok("saga", "begin", "order", n, "--step", "reserve", "--deadline", f"{n + 1}h")
    place.ok("saga", "begin", "job", "x")
    place.ok("saga", "step", "order", 1, "charge", "--deadline", "30m")
    place.ok("saga", "complete", "order", 2)
    place.ok("saga", "fail", "order", 3, "--error", "no")
    expect(ids(place.json("saga", "ls", "order", "--status", "running")), ["0", "4", "1"])
    expect(ids(place.json("saga", "ls", "--status", "completed,failed")), ["2", "3"])
    expect(ids(place.json("saga", "ls", "--limit", "2")), ["x", "0"])
    expect(ids(place.json("saga", "ls", "--by-deadline")), ["1", "0", "4"])
    expect(ids(place.json("saga", "ls", "--by-deadline", "--deadline-before", "2h")), ["1", "0"])
    expect(ids(place.json("saga", "ls", "order", "--step", "charge")), ["1"])
    expect(ids(place.json("saga", "stuck")), [])
    expect(ids(place.json("saga", "stuck", "order", "--for", "0")), ["0", "4", "1"])
    expect(ids(place.json("saga", "ls", "order", "--unchanged-for", "1h")), [])
    counts = {row.pop("type"): row for row in place.json("saga", "counts")}
    expect(counts["order"], {"running": 3, "compensating": 0, "timed_out": 0, "completed": 1, "failed": 1})
    expect(counts["job"]["running"], 1)
    table = place.ok("saga", "ls", "order")
    assert "unchanged for" in table.splitlines()[0] and "in 29m" in table, table
    assert "compensating" in place.ok("saga", "counts").splitlines()[0]
    place.server.stop()


def test_claims_and_deadlines(folder):
    place = Place(folder)
    for n in range(3):
        place.ok("saga", "begin", "order", n, json.dumps({"n": n}), "--step", "reserve")
    first = place.json("saga", "claim", "order", "--worker", "a", "--lease", "1h", "--limit", "2")
    expect([(saga["saga_id"], saga["state"]) for saga in first], [("0", {"n": 0}), ("1", {"n": 1})])
    expect(ids(place.json("saga", "claim", "order", "--lease", "1h", "--limit", "2")), ["2"])
    expect(place.json("saga", "claim", "order"), [])
    place.ok("saga", "step", "order", 0, "charge", "--expected", "0")
    expect(ids(place.json("saga", "claim", "order", "--lease", "1h", "--wait", "30s")), ["0"])
    place.ok("saga", "begin", "late", "1", "--deadline", "1ms")
    saga = place.wait(lambda it: it["status"] == "timed_out", "saga", "show", "late", "1")
    expect((saga["version"], "deadline" in saga), (1, False))
    expect(ids(place.json("saga", "claim", "late", "--status", "timed_out", "--lease", "1h")), ["1"])
    expect([event["type"] for event in place.json("saga", "history", "late", "1")],
           ["$saga.started", "$saga.timed_out"])
    place.server.stop()


if __name__ == "__main__":
    sys.exit(main(globals()))
