#!/usr/bin/env python3
"""Kafka refuses events for what they are: exactly these are found, whatever is around them, later events of their
streams wait behind them, all others pass; an operator has them tried again or gives them up."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from broker import TxBroker, wait_until  # noqa: E402
from outbox_world import World, varve  # noqa: E402
from varved import run  # noqa: E402

CODES = {  # Kafka's names and librdkafka's
    "MESSAGE_TOO_LARGE": "MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE": "RECORD_LIST_TOO_LARGE",
    "INVALID_RECORD": "INVALID_RECORD", "INVALID_TIMESTAMP": "INVALID_TIMESTAMP", "CORRUPT_MESSAGE": "INVALID_MSG",
    "INVALID_TOPIC_EXCEPTION": "TOPIC_EXCEPTION",
}
ENVIRONMENT = ["NOT_ENOUGH_REPLICAS", "NOT_LEADER_OR_FOLLOWER", "TOPIC_AUTHORIZATION_FAILED", "REQUEST_TIMED_OUT",
               "UNKNOWN_TOPIC_OR_PARTITION", "KAFKA_STORAGE_ERROR"]
PLAIN = {"compression": "none", "txn.max_events": "200"}  # So that the double sees what is in a request.


def refuse(broker, mark, error="INVALID_RECORD"):
    """Every request that holds the mark, for ever, but copies for the topic of dead letters."""
    return broker.fault(api="Produce", action="error", error=error, mentions=mark, lacks="v-error-code", times=-1)


def write_poisoned(world, streams, events=1500):
    """A history, and in its midst streams of five events, of which the third holds the stream's name as a mark."""
    world.stop()
    world.load(events // 2, seed=1)
    for version in range(5):
        with open(world.directory + ".poison", "w", encoding="utf-8") as file:
            for stream in streams:
                data = {"number": version, "text": f"refuse {stream}" if version == 2 else "take me"}
                file.write(json.dumps({"stream": stream, "type": "bad", "data": data}) + "\n")
        world.load_file(world.directory + ".poison")
        world.load(events // 10, seed=2 + version)
    world.start()


def positions(world, stream):
    """Of the events of a stream, by version."""
    return [json.loads(line)["position"] for line in world.varve("read", stream, "-o", "ndjson").splitlines()]


def is_published(world, stream, count):
    world.published()
    return sum(found.key == stream.encode() for found in world.committed.records) >= count


def copies(broker):
    """Of dead letters, in their topic."""
    return [record for records in broker.committed("dead") for record in records]


def each_code_finds_its_event(directory):
    streams = {f"bad-{number}": code for number, code in enumerate(CODES)}
    settings = {**PLAIN, "dead_letter_topic": "dead"}
    with TxBroker("--topic", "dead:1") as broker, World(directory, broker, settings) as world:
        rules = {stream: refuse(broker, f"refuse {stream}", code) for stream, code in streams.items()}
        write_poisoned(world, streams)
        world.wait_for_status("all dead letters", dead_streams=len(streams), parked_events=3 * len(streams))
        letters = world.dead_letters()
        for stream, code in streams.items():
            letter = letters[stream]
            assert letter["position"] == positions(world, stream)[2] and letter["version"] == 2, letter
            assert letter["error_code"] == CODES[code] and letter["retry_count"] == 3, letter
        waiting = {position for stream in streams for position in positions(world, stream)[2:]}
        world.check(left_out=waiting)
        world.restart()
        world.check(left_out=waiting)
        marked = sorted(dict(copy.headers)["v-error-code"].decode() for copy in copies(broker))
        assert marked == sorted(CODES.values()), marked
        try_again(world, broker, rules)
        assert len(copies(broker)) == len(streams)
        world.check()


def try_again(world, broker, rules):
    """One in vain; one; two; the rest."""
    streams = list(rules)
    world.varve("outbox", "dead", "retry", streams[0])
    wait_until(lambda: world.dead_letters()[streams[0]]["retry_count"] > 3, "an attempt in vain")
    for rule in rules.values():
        broker.clear_faults(number=rule)
    for chosen in streams[:1], streams[1:3]:
        world.varve("outbox", "dead", "retry", *chosen)
        for stream in chosen:
            wait_until(lambda stream=stream: is_published(world, stream, 5), f"{stream} to be published")
    assert not is_published(world, streams[3], 3)
    world.varve("outbox", "dead", "retry", "--all")
    world.wait_for_status("no dead letters", dead_streams=0, parked_events=0)


def too_large_for_this_outbox(directory):
    """Found before anything is sent."""
    with TxBroker() as broker, World(directory, broker, {"max_message_bytes": "10000"}) as world:
        world.import_history(300)
        world.append("big-1", "grew", {"text": "small"})
        world.append("big-1", "grew", {"text": "x" * 20000})
        world.append("big-1", "grew", {"text": "small again"})
        world.wait_for_imports()
        world.wait_for_status("a dead letter", dead_streams=1, parked_events=2)
        letter = world.dead_letters()["big-1"]
        assert letter["version"] == 1 and letter["error_code"] == "MSG_SIZE_TOO_LARGE", letter
        assert json.loads(world.varve("outbox", "dead", "show", "big-1", "-o", "json"))["event"]["version"] == 1
        world.check(left_out=positions(world, "big-1")[1:])
        world.reconfigure({"max_message_bytes": "100000"})
        world.varve("outbox", "dead", "retry", "big-1")
        world.wait_for_status("no dead letters", dead_streams=0)
        world.check()


def skipped_events_leave_a_marked_gap(directory):
    with TxBroker() as broker, World(directory, broker, {**PLAIN, "poison.policy": "skip"}) as world:
        refuse(broker, "refuse bad-1")
        write_poisoned(world, ["bad-1"])
        world.wait_for_status("a dead letter", dead_streams=1)
        where = positions(world, "bad-1")
        world.check(left_out=where[2:3])
        gaps = {found.headers["v-pos"]: found.headers["v-gap-after"] for found in world.committed.records
                if "v-gap-after" in found.headers}
        assert gaps == {str(where[3]).encode(): str(where[2]).encode()}, gaps
        assert world.dead_letters()["bad-1"]["skipped"]
        world.varve("outbox", "dead", "discard", where[2], "--reason", "nobody needs it")
        world.wait_for_status("no dead letters", dead_streams=0)
        world.restart()
        world.check(left_out=where[2:3])


def halts_when_told_to(directory):
    """So long, its server is not ready."""
    options = ("--health.outbox_halted_after", "0s")
    with TxBroker() as broker, World(directory, broker, {**PLAIN, "poison.policy": "halt"}, options) as world:
        assert varve("health", "--server", world.url).returncode == 0
        rule = refuse(broker, "refuse bad-1")
        write_poisoned(world, ["bad-1"])
        status = world.wait_for_status("a halt", phase="HALTED", halt="POISON")
        assert "INVALID_RECORD" in status["reason"] and status["dead_streams"] == 0, status
        assert status["position"] < positions(world, "bad-1")[2]
        wait_until(lambda: varve("health", "--server", world.url).returncode == 1, "the server not to be ready")
        said = varve("health", "--server", world.url).stdout
        assert "outbox kafka is halted for " in said and "POISON" in said, said
        broker.clear_faults(number=rule)
        world.varve("outbox", "resume")
        wait_until(lambda: varve("health", "--server", world.url).returncode == 0, "the server to be ready again")
        world.check()


def given_up_for_good(directory):
    with TxBroker() as broker, World(directory, broker, PLAIN) as world:
        refuse(broker, "refuse bad-1")
        write_poisoned(world, ["bad-1"])
        world.wait_for_status("a dead letter", dead_streams=1, parked_events=3)
        where = positions(world, "bad-1")
        world.varve("outbox", "dead", "discard", where[2], "--reason", "a picture of a cat")
        wait_until(lambda: is_published(world, "bad-1", 4), "those behind it")
        world.restart()
        assert world.dead_letters() == {}
        world.check(left_out=where[2:3])
        audit = [json.loads(line) for line in world.varve("read", "$outbox-kafka", "-o", "ndjson").splitlines()]
        audit = [event["data"] for event in audit if event["type"] == "$outbox.discarded"]
        assert [(data["stream"], data["position"], data["reason"]) for data in audit] == \
            [("bad-1", where[2], "a picture of a cat")], audit


def the_environment_makes_no_dead_letters(directory):
    with TxBroker() as broker, World(directory, broker, {**PLAIN, "poison.attempts": "1"}) as world:
        for number, error in enumerate(ENVIRONMENT, 1):
            rule = broker.fault(api="Produce", action="error", error=error, times=8)
            world.import_history(200, seed=number)
            wait_until(lambda rule=rule: broker.acted(number=rule) > 0, error)
            world.wait_until_published(200 * number)
        assert world.dead_letters() == {}
        assert not [line for line in world.varve("read", "$outbox-kafka", "-o", "ndjson").splitlines()
                    if json.loads(line)["type"] == "$outbox.parked"]
        world.check()


def too_many_of_them_halt_it(directory):
    streams = ["bad-1", "bad-2", "bad-3"]
    with TxBroker() as broker, World(directory, broker, {**PLAIN, "poison.max_streams": "2"}) as world:
        for stream in streams:
            refuse(broker, f"refuse {stream}")
        write_poisoned(world, streams)
        status = world.wait_for_status("a halt", phase="HALTED", halt="PARK_LIMIT")
        assert status["dead_streams"] == 2, status
        first = min(world.dead_letters().values(), key=lambda letter: letter["position"])
        world.varve("outbox", "dead", "discard", first["position"], "--reason", "to make room")
        broker.clear_faults()
        world.varve("outbox", "resume")
        world.varve("outbox", "dead", "retry", "--all")
        world.wait_for_status("no dead letters", phase="RUN", dead_streams=0)
        world.check(left_out=[first["position"]])


run([each_code_finds_its_event, too_large_for_this_outbox, skipped_events_leave_a_marked_gap, halts_when_told_to,
     given_up_for_good, the_environment_makes_no_dead_letters, too_many_of_them_halt_it])
