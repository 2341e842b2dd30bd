#!/usr/bin/env python3
"""A history is imported at full speed with the outbox on, while varved is killed ten times and the broker three times:
Java's consumer gets every event once, each stream in order; `varve outbox verify` agrees, and what status said all
along makes sense.

usage: real_outbox_kills.py [EVENTS.ndjson]      (without it, a history is made up)
"""
import random
import sys
import tempfile
import threading
import time

import real
import real_status
from real_ci_tools import kcat
from real_support import Import, Reading, Server, check, count_lines, expect, write_history

TOPICS = r"varve\..*"
CONFIG = """[outbox kafka]
brokers = {brokers}
txn.max_events = {max_events}
"""
MAX_EVENTS = 500  # Many transactions, so that kills fall into every step of them.


def kill_the_broker(kafka):
    """It comes back while everything goes on."""
    kafka.kill()
    restart = threading.Thread(target=kafka.start)
    restart.start()
    return restart


def kill_during_the_import(server, importing, total, count):
    """While events are still coming in; a small history may be in before that."""
    for number in range(1, count + 1):
        while importing.is_alive() and ((said := real_status.ask(server)) is None
                                        or said["head_position"] < total * number // (count + 1)):
            pass
        print(f"kill of varved, {'events are' if importing.is_alive() else 'no events are'} coming in", flush=True)
        server.kill()
        server.start()


def kill_on_the_way(kafka, server, reading, total, kills, chance):
    """Kills spread over what the consumer has seen, so that they fall into work, however quick the machine is."""
    restarts = []
    for number, kill in enumerate(kills, 1):
        reading.wait_for(total * number // (len(kills) + 2))
        time.sleep(chance.random() * 0.1)
        print(f"{len(reading.lines)} records: kill of {kill}", flush=True)
        if kill == "broker":
            for restart in restarts:
                restart.join()
            restarts.append(kill_the_broker(kafka))
        else:
            server.kill()
            server.start()
    for restart in restarts:
        restart.join()


def import_and_kill(kafka, server, path, early, kills, seed):
    total, chance = count_lines(path), random.Random(seed)
    print(f"Kafka {kafka.version}, {total} events, seed {seed}", flush=True)
    chance.shuffle(kills)
    reading = Reading(kafka, TOPICS, total)
    try:
        began = time.monotonic()
        importing = Import(server, path)
        with real_status.Watch(server) as watch:
            kill_during_the_import(server, importing, total, early)
            kill_on_the_way(kafka, server, reading, total, kills, chance)
            importing.join()
            records = reading.result()
            print(f"all there within {time.monotonic() - began:.1f} s, import in {importing.runs} runs", flush=True)
            real_status.wait_until_idle(server)
        check(server, kafka, records)
        expect_same_from_kcat(kafka, records)
        expect(reading.misplaced(), [], "records in other partitions than Java's")
        expect(len(kafka.consume(TOPICS)), total, "records for a new reader: nothing came later")
        print(f"{len(records)} records: each event once, as in the log, each stream in order; kcat reads the same",
              flush=True)
    finally:
        reading.stop()
    watch.expect_truth()
    print(watch.summary())
    expect_agreement(server, total)


def expect_same_from_kcat(kafka, records):
    """librdkafka's consumer sees what Java's does."""
    for topic in {record.topic for record in records}:
        done = kcat("-C", "-b", kafka.bootstrap, "-t", topic, "-e", "-q", "-f", "%p %o %k\n", "-X",
                    "isolation.level=read_committed")
        expect(done.returncode, 0, done.stderr)
        wanted = sorted(f"{r.partition} {r.offset} {r.key.decode()}" for r in records if r.topic == topic)
        expect(sorted(done.stdout.splitlines()) == wanted, True, f"kcat reads of {topic} what Java's consumer does")


def expect_agreement(server, total):
    found = real_status.verify(server)
    print("varve outbox verify --all: " + ", ".join(f"{name} {value}" for name, value in found.items()), flush=True)
    expect((found["agrees"], found["events"]), (1, total), "verification")


def run(version, path, folder, server_kills, broker_kills):
    early = server_kills // 3
    kills = (server_kills - early) * ["varved"] + broker_kills * ["broker"]
    with real.Kafka(version) as kafka:
        with open(f"{folder}/outbox.conf", "w", encoding="utf-8") as file:
            file.write(CONFIG.format(brokers=kafka.bootstrap, max_events=MAX_EVENTS))
        server = Server(f"{folder}/store", "--config", file.name)
        try:
            import_and_kill(kafka, server, path, early, kills, random.randrange(10 ** 6))
            server.stop()
        except BaseException:
            with open(server.log, encoding="utf-8") as log:
                print("the end of varved's log:\n" + log.read()[-5000:] + "\nthe end of Kafka's:\n" + kafka.logs())
            raise
        finally:
            server.kill()


def main(events=60000, server_kills=10, broker_kills=3):
    for version in real.versions():
        with tempfile.TemporaryDirectory(prefix="varve-kills-") as folder:
            path = sys.argv[1] if len(sys.argv) > 1 else f"{folder}/history.ndjson"
            if len(sys.argv) < 2:
                write_history(path, events)
            run(version, path, folder, server_kills, broker_kills)
    print(f"{len(real.versions())} passed, 0 failed")


if __name__ == "__main__":
    main()
