#!/usr/bin/env python3
"""Stop and start under load: clients append as fast as they can while varved is restarted, as systemctl does it.

Nothing that was acknowledged is lost; what was not is sent again with the same ids, and stored once."""
import os
import re
import signal
import socket
import sys
import threading
import time
import traceback
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import PATIENCE_S, Closed, Connection, Server, append_body, event, protocol, run  # noqa: E402

CLIENTS, WINDOW = 6, 64
NOT_READY = "NOT_READY"


class Appender(threading.Thread):
    """One connection at a time, to one stream, always with some appends under way."""

    def __init__(self, path, number):
        super().__init__(daemon=True)
        self.path, self.stream = path, f"load-{number}"
        self.waiting, self.acknowledged = [], []  # Ids, in the order of the stream.
        self.replayed = self.connections = self.refused = 0
        self.over, self.fault = False, None
        self.start()

    def run(self):
        try:
            while not (self.over and not self.waiting):
                try:
                    self.live()
                except (Closed, OSError):
                    time.sleep(0.005)  # The server is away.
        except Exception:
            self.fault = traceback.format_exc()

    def live(self):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.path)
        with Connection(sock) as connection:
            self.connections += 1
            under_way = {self.send(connection, id_): id_ for id_ in self.waiting}
            while not (self.over and not self.waiting):
                while not self.over and len(under_way) < WINDOW:
                    self.waiting.append(uuid.uuid4().bytes)
                    under_way[self.send(connection, self.waiting[-1])] = self.waiting[-1]
                self.take_answer(connection, under_way)

    def send(self, connection, id_):
        return connection.send("APPEND", append_body(self.stream, [event(id_=id_)]))

    def take_answer(self, connection, under_way):
        name, request_id, body = connection.receive()
        if name == "ERROR":  # Of the server's end: everything from here on is sent again by the next connection.
            assert body[1] == NOT_READY, body
            self.refused += 1
            if request_id in under_way:
                connection.wait_closed()
            raise Closed()
        id_ = under_way.pop(request_id)
        assert name == "APPEND_OK" and id_ == self.waiting[0], (name, body)
        self.replayed += bool(body[0])
        self.acknowledged.append(self.waiting.pop(0))

    def wait_for_more(self, count):
        wanted, until = len(self.acknowledged) + count, time.monotonic() + PATIENCE_S
        while len(self.acknowledged) < wanted:
            assert self.fault is None, self.fault
            assert time.monotonic() < until, f"{self.stream} does not get on"
            time.sleep(0.005)


def start(directory, path):
    return Server(directory, "--unix", path, "--stop-timeout", "60s", tcp=False)


def stop_in_order(server):
    server.stop()
    assert "event=server.stopped" in server.log(), server.log()
    assert "the server stopped" not in server.log(), server.log()  # Nobody was cut.


def stop_at_once(server):
    """A second signal does not wait for what is under way; two that come too close are one."""
    server.signal(signal.SIGTERM)
    server.wait_for_log("event=server.stopping")
    server.signal(signal.SIGTERM)
    assert server.wait() in (0, -signal.SIGTERM), server.log()


def kill(server):
    server.kill()


def expect_all(path, clients):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    with Connection(sock) as connection:
        for client in clients:
            ids = [record["id"] for record in connection.read(protocol.STREAM, client.stream)[0]]
            assert ids == client.acknowledged, (client.stream, len(ids), len(client.acknowledged))
    events, connections = sum(len(c.acknowledged) for c in clients), sum(c.connections for c in clients)
    refused, replayed = sum(c.refused for c in clients), sum(c.replayed for c in clients)
    print(f"note: {events} events over {connections} connections, {refused} were told NOT_READY, {replayed} appends had"
          " been stored without an answer")


def live_through(directory, stops):
    path = directory + ".sock"
    server = start(directory, path)
    clients = [Appender(path, number) for number in range(CLIENTS)]
    for stop in stops:
        with server:
            for client in clients:
                client.wait_for_more(100)
            stop(server)
        server = start(directory, path)
        assert stop != stop_in_order or re.search(r"recovered_events=0\b", server.log()), server.log()
    with server:
        for client in clients:
            client.wait_for_more(100)
            client.over = True
        for client in clients:
            client.join(PATIENCE_S)
            assert not client.is_alive() and client.fault is None, client.fault
        expect_all(path, clients)
        server.stop()


def restarts_in_order_lose_nothing(directory):
    live_through(directory, [stop_in_order] * 4)


def nor_do_those_in_a_hurry(directory):
    live_through(directory, [stop_at_once, kill, stop_in_order, stop_at_once, kill])


if __name__ == "__main__":
    run([restarts_in_order_lose_nothing, nor_do_those_in_a_hurry])
