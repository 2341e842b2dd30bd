#!/usr/bin/env python3
"""Consumer groups of a real varved that is killed, and whose consumers are: nothing is skipped, keys keep their order,
and only what was not finished comes again, nothing whose ack was answered. What the consumers saw is held against the
log."""
import collections
import json
import os
import random
import select
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "lib"), HERE]
from consumers import PARK, RETRY, STOP, filter_of, settings_of  # noqa: E402
from harness import FENCED, GROUP_STOPPED, Client, Closed, Refused, event  # noqa: E402
from varved import PATIENCE_S, Server, run  # noqa: E402
import varve_protocol as vp  # noqa: E402
from waiting import wait_until  # noqa: E402

GROUP = "readers"
GONE = (Closed, ConnectionError, TimeoutError, OSError)


class Talker(Client):
    """A Client as a context manager, with the patience of these tests."""

    def __init__(self, server):
        super().__init__(("127.0.0.1", server.port))
        self.socket.settimeout(PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # CREDIT and ack go out one by one.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


connect = Talker


def pictures(client):
    """(type, data) of every event of the group's own stream."""
    records = client.read(vp.STREAM, "$group-" + GROUP, include_system=True)
    return [(record["type"], json.loads(record["data"])) for record in records]


class Ledger:
    """What consumers were given and what they finished, over all lives of the server; its rules are checked as it is
    written."""

    def __init__(self):
        self.lock = threading.Lock()
        self.finished = set()                          # (stream, version): an ack was sent for it,
        self.confirmed = set()                         # position: and answered
        self.positions = {}                            # position -> (stream, version)
        self.given = collections.Counter()
        self.faults = []

    def joined(self, checkpoint):
        with self.lock:
            unfinished = [p for p, e in self.positions.items() if p <= checkpoint and e not in self.finished]
            if unfinished:
                self.faults.append(f"checkpoint {checkpoint} is past unfinished {sorted(unfinished)[:5]}")

    def give(self, record, checkpoint):
        stream, version, position = record["stream"], record["version"], record["position"]
        with self.lock:
            self.positions[position] = (stream, version)
            self.given[position] += 1
            if position <= checkpoint:
                self.faults.append(f"{position} was finished before checkpoint {checkpoint}, and came again")
            if position in self.confirmed:
                self.faults.append(f"the ack of {position} was answered, and it came again")
            for lower in range(version):
                if (stream, lower) not in self.finished:
                    self.faults.append(f"{stream} {version} came before {lower} was finished")
                    return

    def finish(self, record):
        with self.lock:
            self.finished.add((record["stream"], record["version"]))

    def confirm(self, position):
        with self.lock:
            self.confirmed.add(position)


class Writer(threading.Thread):
    """Appends to a few streams, over all lives of the server, until it is told to stop."""

    def __init__(self, streams, limit):
        super().__init__()
        self.streams, self.limit, self.client, self.written, self.done = streams, limit, None, 0, False
        self.ready = threading.Condition()
        self.start()

    def use(self, client):
        with self.ready:
            self.client = client
            self.ready.notify()

    def run(self):
        chance = random.Random(1)
        while self.written < self.limit:
            with self.ready:
                self.ready.wait_for(lambda: self.client is not None, PATIENCE_S)
                client = self.client
            try:
                client.append(chance.choice(self.streams), vp.ANY, [event() for _ in range(chance.randint(1, 5))])
                self.written += 1
            except GONE:
                self.client = None
        self.done = True


class Consumer(threading.Thread):
    def __init__(self, server, ledger, name, seed):
        super().__init__()
        self.server, self.ledger, self.name_ = server, ledger, name
        self.chance, self.stopping = random.Random(seed), False
        self.acks = collections.deque()
        self.start()

    def work(self, membership):
        for attempt, record in membership.next():
            self.ledger.give(record, membership.checkpoint)
            if self.chance.random() < 0.1 and attempt < 5:
                membership.nack(record["position"], action=RETRY, retry_after_ms=self.chance.randint(0, 20))
            else:
                self.ledger.finish(record)
                self.acks.append((membership.send_ack(record["position"]), record["position"]))

    def run(self):
        try:
            client = connect(self.server)
            membership = client.join(GROUP, self.name_, max_in_flight=self.chance.randint(1, 30), takeover=True)
            self.ledger.joined(membership.checkpoint)
            while not self.stopping:
                if client.kept[membership.request_id]:
                    self.work(membership)
                elif select.select([client.socket], [], [], 0.1)[0]:
                    client.keep_one()
                while self.acks and (client.kept[self.acks[0][0]] or len(self.acks) > 100):
                    request_id, position = self.acks.popleft()
                    if membership.acked(request_id) == (1, {}):
                        self.ledger.confirm(position)
            client.close()
        except GONE:
            pass
        except Refused as error:
            if error.number != FENCED:
                self.ledger.faults.append(str(error))


def everything_is_finished(client, ledger):
    last = [record["position"] for record in client.read() if (record["stream"], record["version"])
            not in ledger.finished]
    return not last


def killed_servers_skip_nothing_and_keep_the_order(directory):
    ledger = Ledger()
    writer = Writer([f"order-{i}" for i in range(12)], 1500)
    for life in range(6):
        with Server(directory) as server:
            with_all = connect(server)
            if life == 0:
                with_all.group_create(GROUP, settings_of(max_attempts=1000, backoff_ms=[1]))
            writer.use(connect(server))
            consumers = [Consumer(server, ledger, f"c{i}", life * 10 + i) for i in range(3)]
            if life < 5:
                before = len(ledger.finished)
                wait_until(lambda: len(ledger.finished) >= before + 100 or
                           (writer.done and everything_is_finished(with_all, ledger)))
                server.kill()
            else:
                wait_until(lambda: writer.done)
                wait_until(lambda: everything_is_finished(with_all, ledger))
            for consumer in consumers:
                consumer.stopping = True
                consumer.join()
            assert not ledger.faults, ledger.faults[:5]
            if life == 5:
                records = with_all.read()
                assert {(r["stream"], r["version"]) for r in records} == ledger.finished
                assert all(ledger.given[r["position"]] >= 1 for r in records)
                server.stop()
    writer.join()


# ---- consumers that are killed ---------------------------------------------------------------------------------------

CHILD = """
import socket, sys
sys.path[:0] = %r
from harness import Client
client = Client(("127.0.0.1", %d))
client.socket.settimeout(60)
client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
membership = client.join(%r, sys.argv[1], max_in_flight=8, takeover=True)
while True:
    for attempt, record in membership.next():
        print("given", record["position"], record["stream"], record["version"], flush=True)
        print("finished", record["position"], record["stream"], record["version"], flush=True)
        membership.send_ack(record["position"])
"""


class Child:
    """A consumer as a process; what it prints before it is killed is what it did."""

    def __init__(self, server, ledger, name):
        code = CHILD % (sys.path[:2], server.port, GROUP)
        self.ledger = ledger
        self.process = subprocess.Popen([sys.executable, "-c", code, name], stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            words = line.split()
            if len(words) != 4 or not line.endswith("\n"):
                continue  # It was killed while it wrote.
            with self.ledger.lock:
                self.ledger.lines.append((words[0], int(words[1]), words[2], int(words[3])))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Lines:
    def __init__(self):
        self.lock = threading.Lock()
        self.lines = []

    def finished(self):
        with self.lock:
            return {line[1] for line in self.lines if line[0] == "finished"}


def killed_consumers_skip_nothing(directory):
    lines, chance = Lines(), random.Random(3)
    with Server(directory) as server, connect(server) as client:
        client.group_create(GROUP, settings_of(max_attempts=1000, backoff_ms=[1]))
        for i in range(400):
            client.append(f"order-{i % 7}", vp.ANY, [event() for _ in range(20)])
        wanted = {record["position"] for record in client.read()}
        children = [Child(server, lines, f"c{i}") for i in range(3)]
        for _ in range(10):
            before = len(lines.finished())
            wait_until(lambda: len(lines.finished()) > before or lines.finished() == wanted)
            number = chance.randrange(3)
            children[number].kill()
            children[number] = Child(server, lines, f"c{number}")
        wait_until(lambda: lines.finished() == wanted)
        wait_until(lambda: client.group_info(GROUP)["in_flight"] == 0)
        for child in children:
            child.kill()
        assert client.group_info(GROUP)["checkpoint"] >= max(wanted)
        again = sum(line[0] == "finished" for line in lines.lines) - len(wanted)
        assert again <= 10 * 8, again  # What was out when one was killed, and nothing else.
        assert client.group_info(GROUP)["parked"] == 0
        server.stop()


# ---- parked events, stops, resets, over lives of the server ----------------------------------------------------------

def parked_events_survive_kills_and_their_replays_never_move_the_checkpoint(directory):
    with Server(directory) as server, connect(server) as client:
        client.group_create(GROUP, settings_of(max_attempts=2, backoff_ms=[1]))
        client.append("order-1", vp.ANY, [event() for _ in range(6)])
        membership = client.join(GROUP, "one")
        for _ in range(4):  # Two that are parked because the consumer says so, one that used its attempts up.
            (attempt, record), = membership.events(1)
            if record["version"] < 2:
                membership.nack(record["position"], action=PARK, reason="not now")
            else:
                membership.nack(record["position"], action=RETRY, retry_after_ms=0, reason="no luck")
        (attempt, record), = membership.events(1)
        assert record["version"] == 3 and attempt == 1  # Its key goes on; this one stays unfinished.
        server.kill()
    with Server(directory) as server, connect(server) as client:
        entries, end = client.parked_list(GROUP)
        assert [(e["version"], e["reason"], e["attempts"]) for e in entries] == [
            (0, "nack", 1), (1, "nack", 1), (2, "max_attempts", 2)] and end, entries
        membership = client.join(GROUP, "one")
        (attempt, record), = membership.events(1)
        assert record["version"] == 3
        checkpoint = client.group_info(GROUP)["checkpoint"]
        assert client.parked_replay(GROUP, entries[0]["position"]) == 1
        server.kill()  # What was asked for is forgotten, the event is not.
    with Server(directory) as server, connect(server) as client:
        assert len(client.parked_list(GROUP)[0]) == 3
        membership = client.join(GROUP, "one")
        assert client.parked_replay(GROUP, limit=1) == 1
        (attempt, record), = membership.events(1)
        assert record["version"] == 3  # Replays are the last of their key.
        for version in 3, 4, 5:
            membership.ack(record["position"])
            (attempt, record), = membership.events(1)
            assert record["version"] == (version + 1 if version < 5 else 0), record
        assert client.group_info(GROUP)["checkpoint"] >= checkpoint
        membership.ack(record["position"])
        wait_until(lambda: client.group_info(GROUP)["parked"] == 2)
        assert client.parked_discard(GROUP, limit=1, reason="no use") == 1
        server.kill()
    with Server(directory) as server, connect(server) as client:
        entries, end = client.parked_list(GROUP)
        assert [e["version"] for e in entries] == [2] and end
        types = collections.Counter(r["type"] for r in client.read(vp.STREAM, "$parked-" + GROUP, include_system=True))
        assert types == {"$parked": 3, "$parked.resolved": 1, "$parked.discarded": 1}, types
        server.stop()


def a_stop_and_a_reset_survive_a_kill(directory):
    with Server(directory) as server, connect(server) as client:
        client.group_create(GROUP)
        client.append("order-1", vp.ANY, [event() for _ in range(3)])
        membership = client.join(GROUP, "one")
        (_, record), = membership.events(1)
        membership.nack(record["position"], action=STOP, reason="look at this")
        try:
            membership.next()
            raise AssertionError("the membership went on")
        except Refused as error:
            assert error.number == GROUP_STOPPED and "look at this" in error.message
        server.kill()
    with Server(directory) as server, connect(server) as client:
        info = client.group_info(GROUP)
        assert info["stop_reason"] == "look at this"
        client.group_update(GROUP, resume=True)
        server.kill()
    with Server(directory) as server, connect(server) as client:
        assert client.group_info(GROUP)["stop_reason"] is None
        membership = client.join(GROUP, "one")
        for _ in range(3):
            (_, record), = membership.events(1)
            membership.ack(record["position"])
        client.group_reset(GROUP, 1)
        server.kill()
    with Server(directory) as server, connect(server) as client:
        assert client.group_info(GROUP)["checkpoint"] == 1
        server.stop()


def a_busy_group_writes_at_most_a_few_checkpoints_a_second(directory):
    with Server(directory) as server, connect(server) as client:
        client.group_create(GROUP, settings_of(filter=filter_of(categories=["order"])))
        for i in range(20):
            client.append(f"order-{i}", vp.ANY, [event() for _ in range(50)])
        membership, acked = client.join(GROUP, "one"), 0
        began = time.monotonic()
        while acked < 1000:
            acked += membership.ack(*[record["position"] for _, record in membership.next()])[0]
        wait_until(lambda: pictures(client)[-1][1]["checkpoint"] >= 1000)
        seconds = time.monotonic() - began
        checkpoints = [data["checkpoint"] for kind, data in pictures(client) if kind == "$group.checkpoint"]
        assert checkpoints == sorted(set(checkpoints)), checkpoints
        assert len(checkpoints) <= 4 * seconds + 2, (checkpoints, seconds)
        server.stop()


def a_graceful_stop_loses_no_ack(directory):
    """What was acked before SIGTERM does not come again, though its checkpoint was not due yet."""
    for life in range(4):
        with Server(directory) as server, connect(server) as client:
            if life == 0:
                client.group_create(GROUP)
            client.append("order-1", vp.ANY, [event()])
            membership = client.join(GROUP, "one")
            (attempt, record), = membership.events(1)
            assert (attempt, record["version"]) == (1, life), (attempt, record["version"])
            assert membership.ack(record["position"]) == (1, {})
            server.stop()


run([killed_servers_skip_nothing_and_keep_the_order, killed_consumers_skip_nothing,
     parked_events_survive_kills_and_their_replays_never_move_the_checkpoint, a_stop_and_a_reset_survive_a_kill,
     a_busy_group_writes_at_most_a_few_checkpoints_a_second, a_graceful_stop_loses_no_ack])
