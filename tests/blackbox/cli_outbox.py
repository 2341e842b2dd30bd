#!/usr/bin/env python3
"""`varve outbox`: against a server without one, one whose Kafka is away, and one with a mock of Kafka."""
import json
import os
import sys

from cli_support import Place, expect, main, varve
from waiting import wait_until

AWAY = ("--kafka", "127.0.0.1:1")  # Nobody listens there.
MOCK = ("--kafka-mock",)


class Outbox(Place):
    def status(self):
        return self.json("outbox", "status", "kafka")

    def wait_status(self, what):
        return self.wait(what, "outbox", "status", "kafka")

    def append(self, stream, count=1, more=()):
        for n in range(count):
            self.ok("append", stream, "order.placed", json.dumps({"n": n}), *more)


# ---- what is refused ------------------------------------------------------------------------------------------------

def test_a_server_without_an_outbox(folder):
    place = Outbox(folder)
    expect(place.json("outbox", "status"), [])
    assert "the server has no outbox" in place("outbox", "status").err
    for words in (("status", "kafka"), ("pause",), ("pause", "kafka"), ("resume", "kafka"), ("drain",),
                  ("rewind", "--to", "0", "--yes"), ("reset", "kafka", "--from", "start", "--yes"), ("dead", "ls"),
                  ("dead", "show", "a", "--outbox", "kafka"), ("dead", "retry", "--all"),
                  ("dead", "discard", "1", "--reason", "x"), ("verify",), ("verify", "kafka"), ("history", "a"),
                  ("replay", "kafka", "--from", "1", "--yes")):
        place.fails(4, "OUTBOX_NOT_FOUND", "outbox", *words)
    place.server.stop()


def test_wrong_words(folder):
    place = Outbox(folder, *AWAY)
    for words in (("status", "no good"), ("status", "a", "b"), ("pause", "$kafka"), ("rewind",), ("reset",),
                  ("rewind", "--to", "x"), ("reset", "--from", "yesterday", "--yes"), ("replay",),
                  ("replay", "--from", "0"), ("replay", "--from", "9", "--to", "8"), ("drain", "--timeout", "soon"),
                  ("dead", "show"), ("dead", "retry"), ("dead", "retry", "a", "--all"),
                  ("dead", "discard", "0", "--reason", "r"), ("dead", "discard", "1"),
                  ("dead", "discard", "x", "--reason", "r"), ("verify", "--depth", "0"),
                  ("verify", "--all", "--depth", "9"), ("history",), ("history", "a", "--limit", "0"),
                  ("rewind", "--to", "0"), ("reset", "--from", "end"), ("replay", "--from", "1")):
        place.fails(2, "INVALID_ARGUMENT", "outbox", *words)
    place.fails(4, "OUTBOX_NOT_FOUND", "outbox", "status", "kafak")
    place.fails(4, "DEAD_LETTER_NOT_FOUND", "outbox", "dead", "show", "order-1")
    place.fails(4, "STREAM_NOT_FOUND", "outbox", "history", "order-1")
    err = varve("outbox", "status", "--db", folder).err
    assert err.startswith("error: UNSUPPORTED"), err
    place.server.stop()


def test_every_command_explains_itself():
    for words in ("status", "pause", "resume", "rewind", "reset", "drain", "dead ls", "dead show", "dead retry",
                  "dead discard", "verify", "history", "replay"):
        done = varve("outbox", *words.split(), "--help")
        expect(done.returncode, 0, words)
        assert f"Usage: varve outbox {words}" in done.out and "Examples:" in done.out, done.out
    expect(varve("outbox", "dead").returncode, 2)
    assert "outbox dead show" in varve("outbox", "dead", "--help").out
    assert "did you mean outbox dead show?" in varve("outbox", "dead", "shwo").err


def test_two_outboxes_must_be_named(folder):
    config = os.path.join(folder, "outboxes.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[outbox loans]\nbrokers = 127.0.0.1:1\n[outbox audit]\nbrokers = 127.0.0.1:1\n")
    place = Outbox(folder, "--config", config)
    expect([outbox["name"] for outbox in place.json("outbox", "status")], ["loans", "audit"])
    assert "loans, audit" in place.fails(2, "INVALID_ARGUMENT", "outbox", "pause")
    expect(place.json("outbox", "pause", "audit"), {"outbox": "audit", "action": "pause", "position": 0, "count": 0})
    expect([outbox["phase"] == "PAUSED" for outbox in place.json("outbox", "status")], [False, True])
    place.server.stop()


# ---- Kafka is away --------------------------------------------------------------------------------------------------

def test_kafka_is_away(folder):
    place = Outbox(folder, *AWAY)
    place.append("order-1", 3)
    status = place.wait_status(lambda it: it["breaker"] == "OPEN" and it["reason"] and it["next_attempt"])
    expect((status["head_position"], status["lag_events"], status["position"]), (3, 3, 0))
    table = place.ok("outbox", "status")
    assert "kafka, exactly_once, at 127.0.0.1:1" in table and "3 events, the first waits for" in table, table
    expect([event["status"] for event in place.json("outbox", "history", "order-1")], ["pending"] * 3)
    expect([event["version"] for event in place.json("outbox", "history", "order-1", "--from", "1", "--limit", "1")],
           [1])
    place.fails(1, "NOT_READY: not drained in time: at position 0 of 3", "outbox", "drain", "--timeout", "300ms")
    place.fails(3, "OUTBOX_BUSY", "outbox", "verify")
    place.ok("outbox", "pause", "--reason", "it is away")
    place.fails(3, "OUTBOX_BUSY: the outbox is PAUSED", "outbox", "drain")
    place.fails(2, "INVALID_ARGUMENT: the checkpoint is at position", "outbox", "rewind", "--to", "99", "--yes")
    place.server.stop()


# ---- with a mock of Kafka -------------------------------------------------------------------------------------------

def test_from_the_log_to_kafka(folder):
    place = Outbox(folder, *MOCK)
    place.append("order-1", 3)
    place.append("order-2")
    place.append("tick-1", 1, ("--class", "realtime"))
    drained = place.json("outbox", "drain", "kafka", "--timeout", "1m")
    expect((drained["outbox"], drained["position"] >= 5, drained["parked_events"]), ("kafka", True, 0))
    status = place.status()
    expect((status["phase"], status["breaker"], status["events_published"]), ("RUN", "CLOSED", 4))
    assert status["publish_delay_us_p50"] > 0 and status["is_mock"] is True, status
    history = place.json("outbox", "history", "order-1")
    expect([(event["status"], event["topic"]) for event in history], [("published", "varve.order")] * 3)
    expect([event["status"] for event in place.json("outbox", "history", "tick-1")], ["filtered"])
    expect(place.json("outbox", "dead", "ls"), [])
    assert "published" in place.ok("outbox", "history", "order-1").splitlines()[1]
    assert "4 events since the server started" in place.ok("outbox", "status", "kafka")
    verified = place.json("outbox", "verify", "--all")
    assert verified["agrees"] is True, verified
    expect((verified["events"], verified["missing"], verified["finding"]), (4, 0, ""))
    assert place.ok("outbox", "verify").startswith("agrees "), "a table"

    place.ok("outbox", "pause", "kafka", "--reason", "a test")
    place.append("order-1")
    expect(place.status()["phase"], "PAUSED")
    expect(place.json("outbox", "history", "order-1")[-1]["status"], "pending")
    place.ok("outbox", "resume")
    place.ok("outbox", "drain")
    expect(place.status()["events_published"], 5)
    place.server.stop()


def test_sending_again(folder):
    place = Outbox(folder, *MOCK)
    place.append("order-1", 3)
    place.append("order-2", 2)
    place.ok("outbox", "drain")
    replayed = place.json("outbox", "replay", "--from", "1", "--stream", "order-1", "--yes")
    expect((replayed["action"], replayed["count"]), ("replay", 1))
    expect(place.wait_status(lambda it: it["replay_number"] == 0)["events_replayed"], 3)
    expect(place.status()["events_published"], 5)
    begun = place.ok("outbox", "replay", "--from", "1", "--type", "order.placed", "--no-wait", "--yes")
    assert "begun" in begun, begun
    expect(place.wait_status(lambda it: it["replay_number"] == 0)["events_replayed"], 8)

    moved = place.json("outbox", "rewind", "--to", "0", "--yes", "--reason", "again")
    expect((moved["action"], moved["position"]), ("reset", 0))
    place.ok("outbox", "drain")
    expect(place.status()["events_published"], 10)
    expect(place("outbox", "verify", "--all").returncode, 6)  # Each is there twice, unmarked.
    place.ok("outbox", "pause")
    place.append("order-3")
    place.ok("outbox", "reset", "--from", "end", "--yes")
    place.ok("outbox", "resume")
    place.ok("outbox", "drain")
    expect(place.status()["events_published"], 10)
    place.server.stop()


def test_dead_letters(folder):
    place = Outbox(folder, *MOCK)
    with open(os.path.join(folder, "large"), "wb") as file:
        file.write(b"x" * 1000001)  # Above what a message may have.
    place.append("order-1")
    place.ok("append", "order-1", "order.painted", "@" + file.name, "--content-type", "application/octet-stream")
    place.append("order-1", 2)
    place.append("order-2")
    place.ok("outbox", "drain")
    letters = place.json("outbox", "dead", "ls", "kafka")
    expect([(letter["stream"], letter["version"], letter["waiting"]) for letter in letters], [("order-1", 1, 3)])
    assert letters[0]["error_code"] and letters[0]["last_error"], letters
    shown = place.json("outbox", "dead", "show", "order-1")
    expect((shown["position"], shown["event"]["type"]), (letters[0]["position"], "order.painted"))
    assert "waiting behind  2" in place.ok("outbox", "dead", "show", "order-1")
    assert letters[0]["error_code"] in place.ok("outbox", "dead", "ls")
    expect([event["status"] for event in place.json("outbox", "history", "order-1")],
           ["published", "failed", "failed", "failed"])
    assert "3 events in dead letters" in place.ok("outbox", "drain")
    expect(place.json("outbox", "dead", "retry", "order-1")["count"], 1)
    place.wait_status(lambda it: it["retry_streams"] == 0)
    expect(len(place.json("outbox", "dead", "ls")), 1)  # It is as large as before.
    place.ok("outbox", "dead", "discard", letters[0]["position"], "--reason", "a picture")
    expect(place.json("outbox", "drain")["parked_events"], 0)  # What stood behind it went.
    expect([event["status"] for event in place.json("outbox", "history", "order-1")],
           ["published", "discarded", "published", "published"])
    place.fails(4, "DEAD_LETTER_NOT_FOUND", "outbox", "dead", "discard", letters[0]["position"], "--reason", "again")
    place.server.stop()


def test_the_mock_is_shown(folder):
    place = Outbox(folder, *MOCK)
    shown = {row["key"]: row for row in place.json("config", "show", "outbox.kafka")}
    expect(shown["outbox.kafka.brokers"],
           {"key": "outbox.kafka.brokers", "value": place.status()["brokers"], "origin": "--kafka-mock",
            "reloadable": False})
    expect([shown[f"outbox.kafka.{key}"]["origin"] for key in ("mock", "mode")], ["--kafka-mock", "default"])
    place.server.stop()


def test_the_mock_ends_with_its_server(folder):
    place = Outbox(folder, *MOCK)
    place.append("order-1")
    place.ok("outbox", "drain")
    with open(place.server.log, encoding="utf-8") as log:
        ready = next(line for line in log if "kafka_mock.ready" in line)
    pid = int(ready.split("pid=")[1].split()[0])
    assert os.path.exists(f"/proc/{pid}")
    place.server.kill()
    wait_until(lambda: not is_running(pid), "the mock's end")


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main(globals()))
