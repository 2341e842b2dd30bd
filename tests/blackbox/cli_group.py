#!/usr/bin/env python3
"""`varve group` and `varve parked`: groups made, looked at, changed, ended; parked events shown and dealt with."""
import json
import sys

from cli_support import Place, expect, lines, main, varve


class Groups(Place):
    """A server with some events."""

    def __init__(self, folder, events=6):
        super().__init__(folder)
        self.ok("import", stdin=lines({"stream": f"order-{i % 3}", "type": f"t{i % 2}", "data": {"n": i}}
                                      for i in range(events)))

    def wait_info(self, group, what):
        return self.wait(what, "group", "info", group)

    def park(self, group, count):
        """So many events, by a command that fails."""
        self.ok("group", "create", group, "--max-attempts", 1)
        self.ok("group", "work", group, "--count", count, "--", "sh", "-c", "echo no way >&2; exit 3")
        self.wait_info(group, lambda info: info["parked"] == count)


# ---- groups ---------------------------------------------------------------------------------------------------------

def test_a_group_from_its_making_to_its_end(folder):
    place = Groups(folder)
    expect(place.json("group", "ls"), [])
    expect(place.ok("group", "create", "mails", "--type", "t0", "--type", "t1", "--category", "order", "--after", 2,
                    "--key", "category", "--max-in-flight", 10, "--consumer-max-in-flight", 3, "--ack-timeout", "1m30s",
                    "--max-attempts", 7, "--backoff", "100ms,2s"), "mails created: it begins behind position 2\n")
    info = place.json("group", "info", "mails")
    said = {"group": "mails", "state": "running", "checkpoint": 2, "in_flight": 0, "retrying": 0, "parked": 0,
            "filter": {"categories": ["order"], "types": ["t0", "t1"]}, "key": "category", "max_in_flight": 10,
            "consumer_max_in_flight": 3, "ack_timeout_ms": 90000, "max_attempts": 7, "backoff_ms": [100, 2000],
            "consumers": []}
    expect({key: info[key] for key in said}, said)
    listed = place.json("group", "ls")
    expect([(g["group"], g["checkpoint"], g["key"], "consumers" in g) for g in listed],
           [("mails", 2, "category", False)])
    assert "--category order --type t0 --type t1" in place.ok("group", "ls")
    assert "ack_timeout    1m 30s" in place.ok("group", "info", "mails")
    expect(place.ok("group", "delete", "mails"), "mails deleted\n")
    expect(place.json("group", "ls"), [])
    place.server.stop()


def test_defaults_and_where_it_begins(folder):
    place = Groups(folder)
    created = place.json("group", "create", "a")
    expect((created["checkpoint"], created["filter"], created["ack_timeout_ms"], created["max_attempts"],
            created["backoff_ms"]), (0, {}, 30000, 5, [1000, 5000, 30000]))
    end = place.json("ping")["last_position"]
    assert place.json("group", "create", "b", "--after", "end", "--all")["checkpoint"] >= end
    place.ok("group", "delete", "a")
    expect(place.json("group", "create", "c", "--system", "--backoff", "none")["filter"], {"include_system": True})
    place.server.stop()


def test_an_update_changes_what_it_names(folder):
    place = Groups(folder)
    before = place.json("group", "create", "g", "--type", "t0", "--class", "domain", "--max-attempts", 9)
    keys = [key for key in before if key not in ("last_position", "checkpoint", "ack_timeout_ms")]
    after = place.json("group", "update", "g", "--ack-timeout", "5m")
    expect(after["ack_timeout_ms"], 300000)
    expect({key: after[key] for key in keys}, {key: before[key] for key in keys})
    after = place.json("group", "update", "g", "--prefix", "order-")
    expect((after["filter"], after["max_attempts"], after["ack_timeout_ms"]), ({"prefixes": ["order-"]}, 9, 300000))
    expect(place.json("group", "update", "g", "--all")["filter"], {})
    expect(place.ok("group", "update", "g", "--resume"), "g updated\n")
    place.server.stop()


def test_a_reset_begins_elsewhere(folder):
    place = Groups(folder)
    place.ok("group", "create", "g", "--category", "order")
    place.ok("group", "work", "g", "--count", 6, "--", "true")
    place.wait_info("g", lambda info: info["acked"] == 6)
    expect(place.ok("group", "reset", "g", "--after", 4), "g reset: it goes on behind position 4\n")
    out = place.ok("group", "work", "g", "--count", 2, "--", "cat")
    expect([json.loads(line)["position"] for line in out.splitlines()], [5, 6])
    place.server.stop()


# ---- parked events --------------------------------------------------------------------------------------------------

def test_parked_events_are_listed_and_shown(folder):
    place = Groups(folder)
    place.park("g", 6)
    listed = place.json("parked", "ls", "g")
    expect([p["position"] for p in listed], [1, 2, 3, 4, 5, 6])
    first = listed[0]
    expect((first["stream"], first["version"], first["type"], first["attempts"], first["reason"], first["last_error"],
            first["replaying"]), ("order-0", 0, "t0", 1, "max_attempts", "exit status 3: no way", False))
    expect([p["position"] for p in place.json("parked", "ls", "g", "--after", 2, "--limit", 2)], [3, 4])
    assert "exit status 3: no way" in place.ok("parked", "ls", "g")
    shown = place.json("parked", "show", "g", 4)
    expect(shown.pop("event"), json.loads(place.ok("read", "--all", "--from", 4, "--limit", 1, "-o", "ndjson")))
    expect(shown, listed[3])
    text = place.ok("parked", "show", "g", 4)
    assert "last_error        exit status 3: no way\n" in text and '{"n":3}' in text.replace(" ", ""), text
    place.server.stop()


def test_parked_events_are_replayed_or_discarded(folder):
    place = Groups(folder)
    place.park("g", 6)
    checkpoint = place.json("group", "info", "g")["checkpoint"]
    expect(place.ok("parked", "replay", "g", 2), "replayed 1 event of g\n")
    expect(place.json("parked", "replay", "g", "--limit", 2), {"group": "g", "replayed": 2})
    out = place.ok("group", "work", "g", "--count", 3, "--", "cat")
    expect(sorted(json.loads(line)["position"] for line in out.splitlines()), [1, 2, 3])
    place.wait_info("g", lambda info: info["parked"] == 3)
    expect(place.ok("parked", "discard", "g", 4, "--reason", "nobody wants it"), "discarded 1 event of g\n")
    expect(place.ok("parked", "discard", "g", "--all"), "discarded 2 events of g\n")
    expect(place.json("parked", "ls", "g"), [])
    expect(place.ok("parked", "ls", "g", "-o", "ndjson"), "")
    assert place.json("group", "info", "g")["checkpoint"] >= checkpoint
    expect(place.json("parked", "replay", "g", "--all"), {"group": "g", "replayed": 0})
    place.server.stop()


def test_what_fails_again_is_parked_again(folder):
    place = Groups(folder, events=1)
    place.park("g", 1)
    place.ok("parked", "replay", "g", "--all")
    place.ok("group", "work", "g", "--count", 1, "--", "sh", "-c", "echo still not >&2; exit 4")

    place.wait(lambda it: not it["replaying"] and "still" in it["last_error"], "parked", "show", "g", 1)
    expect(len(place.json("parked", "ls", "g")), 1)
    place.server.stop()


# ---- what is wrong --------------------------------------------------------------------------------------------------

def test_outcomes_have_their_exit_codes(folder):
    place = Groups(folder)
    for command in (["group", "info"], ["group", "delete"], ["group", "reset", "--after", "start"],
                    ["group", "update", "--resume"], ["group", "update", "--max-attempts", 3], ["parked", "ls"],
                    ["parked", "replay", "--all"], ["parked", "discard", "--all"]):
        place.fails(4, "GROUP_NOT_FOUND: ", *command[:2], "nobody", *command[2:])
    place.fails(4, "GROUP_NOT_FOUND: ", "parked", "show", "nobody", 1)
    place.fails(4, "GROUP_NOT_FOUND: ", "group", "work", "nobody", "--", "true")
    place.ok("group", "create", "g")
    place.fails(3, "GROUP_EXISTS: ", "group", "create", "g")
    for command in ("show", "replay", "discard"):
        place.fails(4, "EVENT_NOT_FOUND: ", "parked", command, "g", 1)
    place.fails(2, "INVALID_ARGUMENT: after: ", "group", "reset", "g", "--after", 4711)
    place.fails(2, "INVALID_ARGUMENT: after: ", "group", "create", "h", "--after", 4711)
    place.server.stop()


def test_wrong_command_lines():
    for arguments, says in (
        (["group"], None), (["group", "frobnicate"], None), (["parked"], None),
        (["group", "create"], "too few arguments; usage: varve group create NAME [filter] [settings] "
         "[--after POSITION|start|end]"),
        (["group", "create", "$g"], "group: "), (["group", "create", "x" * 129], "group: "),
        (["group", "create", "g", "--ack-timeout", "5"], "--ack-timeout must be a duration "),
        (["group", "create", "g", "--ack-timeout", "1ms"], "settings.ack_timeout_ms: "),
        (["group", "create", "g", "--max-attempts", "0"], "settings.max_attempts: "),
        (["group", "create", "g", "--key", "x"], '--key must be stream, category or correlation, not "x"'),
        (["group", "create", "g", "--prefix", "$group-"], "filter: can never match: "),
        (["group", "update", "g"], "say what to change: a setting, a filter, or --resume"),
        (["group", "update", "g", "--after", "1"], "unknown option --after"),
        (["group", "reset", "g"], "--after POSITION|start|end is missing"),
        (["group", "work", "g"], "the command is missing: "),
        (["group", "work", "g", "--"], "the command is missing: "),
        (["group", "work", "g", "--", "no-such-command"], 'there is no command "no-such-command"'),
        (["group", "work", "g", "--jobs", "0", "--", "true"], "--jobs must be at least 1"),
        (["group", "work", "g", "--jobs", "65", "--", "true"], "--jobs must be a whole number from 0 to 64"),
        (["group", "work", "g", "--count", "0", "--", "true"], "--count must be at least 1"),
        (["parked", "show", "g", "0"], "POSITION must be that of an event (1, 2, 3, ...), not "),
        (["parked", "replay", "g"], "say which: one of POSITION, --limit N or --all"),
        (["parked", "discard", "g", "7", "--all"], "say which: one of POSITION, --limit N or --all"),
        (["parked", "replay", "g", "--limit", "0"], "--limit must be at least 1"),
    ):
        done = varve(*arguments)
        expect((done.returncode, done.out), (2, ""), f"{arguments}: {done.err}")
        assert says is None or done.err.startswith("error: INVALID_ARGUMENT: " + says), f"{arguments}: {done.err}"


def test_a_directory_has_no_groups(folder):
    for arguments in (["group", "ls"], ["group", "create", "g"], ["group", "work", "g", "--db", folder, "--", "true"],
                      ["parked", "ls", "g"]):
        done = varve(*arguments) if "--db" in arguments else varve(*arguments, "--db", folder)
        expect(done.returncode, 1, f"{arguments}: {done.err}")
        command = " ".join(arguments[:2])
        expect(done.err, f"error: UNSUPPORTED: `varve {command}` needs a server; --db has none\n")


if __name__ == "__main__":
    sys.exit(main(globals()))
