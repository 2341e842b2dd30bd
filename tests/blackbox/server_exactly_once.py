#!/usr/bin/env python3
"""Consumers whose effect and ack are one transaction: whatever is killed, leaves or is refused, each event has exactly
one effect in the log, and the effects of a key stand in the order of its events."""
import collections
import json
import os
import random
import select
import socket
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "lib"), HERE]
from consumers import PARK, filter_of, settings_of  # noqa: E402
from harness import (FENCED, NOT_DELIVERED, NOT_READY, WRONG_EXPECTED_VERSION, Client, Closed, Refused,  # noqa: E402
                     event)
from sagas import PART_ACK, PART_STREAM  # noqa: E402
from varved import PATIENCE_S, Server, run  # noqa: E402
import varve_protocol as vp  # noqa: E402
from waiting import wait_until  # noqa: E402

GROUP = "effects"
GONE = (Closed, ConnectionError, TimeoutError, OSError)
SOURCES = filter_of(categories=["order"])
SETTINGS = settings_of(filter=SOURCES, max_attempts=1000, backoff_ms=[1])


def connect(server):
    client = Client(("127.0.0.1", server.port))
    client.socket.settimeout(PATIENCE_S)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def effect_of(record, index=0):
    note = {"stream": record["stream"], "version": record["version"], "position": record["position"]}
    return event("handled", json.dumps(note).encode(), stream_index=index)


def body_of(membership, records, spoilt=False):
    """A TRANSACT with an effect of each event, and the acks of all. Spoilt: it expects what is not so."""
    streams = [["effect-" + record["stream"], vp.ANY] for record in records]
    events = [effect_of(record, i) for i, record in enumerate(records)]
    if spoilt:
        streams.append(["order-0", 999999])
    return [streams, events, [], [], [membership.group, membership.epoch, [r["position"] for r in records]]]


def effects(records):
    """[(position in the log, what it says of its source)...]"""
    return [(r["position"], json.loads(r["data"])) for r in records if r["type"] == "handled"]


def check_effects(client):
    """Each event has one, and those of a key are in order."""
    records = client.read()
    sources = [r for r in records if r["stream"].startswith("order-")]
    counts = collections.Counter(note["position"] for _, note in effects(records))
    wrong = {r["position"]: counts[r["position"]] for r in sources if counts[r["position"]] != 1}
    assert not wrong, list(wrong.items())[:10]
    assert len(sources) == sum(counts.values())
    last = collections.defaultdict(lambda: -1)
    for _, note in effects(records):
        assert note["version"] == last[note["stream"]] + 1, (note, last[note["stream"]])
        last[note["stream"]] = note["version"]
    return len(sources)


class Consumer(threading.Thread):
    """Has several transactions under way; spoils some, and now and then cuts its connection or leaves in the middle."""

    def __init__(self, server, name, seed, restless=True):
        super().__init__()
        self.server, self.name_, self.chance, self.restless = server, name, random.Random(seed), restless
        self.stopping, self.faults, self.stored, self.spoilt, self.lost = False, [], 0, 0, 0
        self.start()

    def transact(self, records, spoilt):
        client = self.client
        request_id = client.send("TRANSACT", body_of(self.membership, records, spoilt))
        client.kept[request_id] = collections.deque()
        self.under_way.append((request_id, records, spoilt))

    def hear(self):
        request_id, records, spoilt = self.under_way.popleft()
        try:
            self.client.answer(request_id, "TRANSACT_OK")
            self.stored += len(records)
            if spoilt:
                self.faults.append("a transaction was stored that expected what is not so")
        except Refused as error:
            if error.number == WRONG_EXPECTED_VERSION and spoilt:
                self.spoilt += 1
                self.transact(records, False)  # They are still with us.
            elif error.number not in (FENCED, NOT_READY):
                self.faults.append(str(error))
            elif error.number == NOT_READY and not self.stopping:
                self.transact(records, False)
        del self.client.kept[request_id]

    def work(self):
        records = [record for _, record in self.membership.next()]
        while records:
            count = self.chance.randint(1, 3)
            self.transact(records[:count], self.chance.random() < 0.1)
            records = records[count:]
        if self.restless and self.chance.random() < 0.03:
            raise ConnectionError("cut with transactions under way")
        if self.restless and self.chance.random() < 0.03:
            self.membership.cancel()
            while self.under_way:
                self.hear()
            self.join_group()

    def join_group(self):
        self.membership = self.client.join(GROUP, self.name_, max_in_flight=self.chance.randint(1, 30), takeover=True)

    def live(self):
        """One connection."""
        self.client, self.under_way = connect(self.server), collections.deque()
        try:
            self.join_group()
            while not self.stopping:
                if self.client.kept[self.membership.request_id]:
                    self.work()
                elif select.select([self.client.socket], [], [], 0.1)[0]:
                    self.client.keep_one()
                while self.under_way and (self.client.kept[self.under_way[0][0]] or len(self.under_way) > 50):
                    self.hear()
        finally:
            self.client.close()

    def run(self):
        while not self.stopping:
            try:
                self.live()
            except GONE:
                self.lost += 1
            except Refused as error:
                if error.number not in (FENCED, NOT_READY):
                    self.faults.append(str(error))
            if self.server.process.poll() is not None:
                return


def write(client, chance, count):
    for _ in range(count):
        client.append(f"order-{chance.randrange(12)}", vp.ANY, [event() for _ in range(chance.randint(1, 4))])


def count_effects(client):
    return len(client.read(vp.TYPE, "handled"))


def stop_all(consumers):
    for consumer in consumers:
        consumer.stopping = True
    for consumer in consumers:
        consumer.join(2 * PATIENCE_S)
        assert not consumer.is_alive() and not consumer.faults, consumer.faults[:5]


def servers_and_consumers_that_end_anyhow_handle_nothing_twice(directory):
    chance, wanted = random.Random(5), 0
    for life in range(8):
        with Server(directory) as server:
            client = connect(server)
            if life == 0:
                client.group_create(GROUP, SETTINGS)
            consumers = [Consumer(server, f"c{i}", life * 10 + i) for i in range(3)]
            before = count_effects(client)
            write(client, chance, 150)
            wanted = sum(r["stream"].startswith("order-") for r in client.read())
            if life < 7:
                more = min(wanted, before + chance.randint(50, 250))
                wait_until(lambda: count_effects(client) >= more)
                server.stop() if life % 3 == 2 else server.kill()
            else:
                wait_until(lambda: count_effects(client) >= wanted)
            client.close()
            stop_all(consumers)
            with_all = connect(server) if life == 7 else None
            if with_all is not None:
                assert check_effects(with_all) == wanted
                assert with_all.group_info(GROUP)["parked"] == 0
                with_all.close()
                server.stop()


def what_was_answered_does_not_come_again_after_a_kill(directory):
    """No picture of the group has it yet."""
    for life in range(8):
        with Server(directory) as server:
            client = connect(server)
            if life == 0:
                client.group_create(GROUP, settings_of(filter=SOURCES, consumer_max_in_flight=1))
                client.append("order-1", vp.ANY, [event() for _ in range(24)])
            membership = client.join(GROUP, "one")
            for i in range(3):
                (attempt, record), = membership.events(1)
                assert (attempt, record["version"]) == (1, 3 * life + i), (attempt, record["version"])
                client.call("TRANSACT", body_of(membership, [record]))
            server.kill()
            client.close()
    with Server(directory) as server:
        client = connect(server)
        assert check_effects(client) == 24
        client.close()
        server.stop()


def what_is_refused_stays_with_its_consumer(directory):
    with Server(directory) as server:
        client, other = connect(server), connect(server)
        client.group_create(GROUP, SETTINGS)
        client.append("order-1", vp.ANY, [event()])
        client.append("order-2", vp.ANY, [event()])
        membership = client.join(GROUP, "one")
        records = [record for _, record in membership.events(2)]
        second = other.join(GROUP, "two")
        for _ in range(3):
            try:
                client.call("TRANSACT", body_of(membership, records, spoilt=True))
                raise AssertionError("it was stored")
            except Refused as error:
                assert error.number == WRONG_EXPECTED_VERSION, error
                assert [c[4] for c in error.conflicts] == [PART_STREAM], error.conflicts
        body = body_of(membership, records)
        body[4][2] += [records[0]["position"], 10 ** 6]
        try:
            client.call("TRANSACT", body)
            raise AssertionError("it was stored")
        except Refused as error:
            assert error.number == FENCED, error
            assert [(c[0], c[1], c[4]) for c in error.conflicts] == [
                (2, FENCED, PART_ACK), (3, NOT_DELIVERED, PART_ACK)], error.conflicts
        try:  # Of a membership of another connection.
            other.call("TRANSACT", body_of(membership, records))
            raise AssertionError("it was stored")
        except Refused as error:
            assert error.number == FENCED and not error.conflicts, (error, error.conflicts)
        assert count_effects(client) == 0
        client.call("TRANSACT", body_of(membership, records))
        assert membership.ack(records[0]["position"]) == (0, {records[0]["position"]: FENCED})
        assert check_effects(client) == 2
        assert client.group_info(GROUP)["acked"] == 2 and client.group_info(GROUP)["redelivered"] == 0
        assert not other.kept[second.request_id] and other.silent(0.1)  # It was given nothing.
        assert client.group_info(GROUP)["checkpoint"] >= records[1]["position"]
        client.close()
        other.close()
        server.stop()


def resets_come_before_or_after_a_transaction_as_the_log_says(directory):
    """Behind each reset each event has one effect more, and none has two."""
    chance = random.Random(9)
    with Server(directory) as server:
        client = connect(server)
        client.group_create(GROUP, SETTINGS)
        write(client, chance, 100)
        wanted = sum(r["stream"].startswith("order-") for r in client.read())
        consumers = [Consumer(server, f"c{i}", i, restless=False) for i in range(3)]
        for _ in range(5):
            before = count_effects(client)
            more = before + chance.randint(1, wanted - 1)
            wait_until(lambda: count_effects(client) >= more or client.group_info(GROUP)["in_flight"] == 0)
            client.group_reset(GROUP, 0)
        records = client.read(vp.STREAM, "$group-" + GROUP, include_system=True)
        resets = [r["position"] for r in records if r["type"] == "$group.reset"] + [1 << 62]
        wait_until(lambda: sum(p > resets[-2] for p, _ in effects(client.read())) >= wanted)
        stop_all(consumers)
        assert len(resets) == 6
        start = 0
        for end in resets:
            counts = collections.Counter(n["position"] for p, n in effects(client.read()) if start < p < end)
            assert max(counts.values(), default=0) <= 1, counts.most_common(3)
            assert end < resets[-1] or len(counts) == wanted
            start = end
        client.close()
        server.stop()


def replays_of_parked_events_are_handled_once(directory):
    with Server(directory) as server:
        client = connect(server)
        client.group_create(GROUP, SETTINGS)
        client.append("order-1", vp.ANY, [event() for _ in range(20)])
        membership = client.join(GROUP, "one")
        for _ in range(20):
            (_, record), = membership.events(1)
            membership.nack(record["position"], action=PARK, reason="not now")
        wait_until(lambda: client.group_info(GROUP)["parked"] == 20)
        server.kill()
        client.close()
    for life in range(5):  # Each handles four of them, and is killed.
        with Server(directory) as server:
            client = connect(server)
            assert client.group_info(GROUP)["parked"] == 20 - 4 * life
            membership = client.join(GROUP, "one")
            assert client.parked_replay(GROUP) == 20 - 4 * life
            for i in range(4):
                (_, record), = membership.events(1)
                assert record["version"] == 4 * life + i
                client.call("TRANSACT", body_of(membership, [record]))
            server.kill()
            client.close()
    with Server(directory) as server:
        client = connect(server)
        assert client.group_info(GROUP)["parked"] == 0
        assert check_effects(client) == 20
        client.close()
        server.stop()


run([what_is_refused_stays_with_its_consumer, what_was_answered_does_not_come_again_after_a_kill,
     servers_and_consumers_that_end_anyhow_handle_nothing_twice,
     resets_come_before_or_after_a_transaction_as_the_log_says, replays_of_parked_events_are_handled_once])
