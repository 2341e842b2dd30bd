#!/usr/bin/env python3
"""Many clients of push that behave badly: they take nothing, or come and go by the thousand. Nobody else may notice."""
import contextlib
import json
import os
import random
import resource
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from sse import PushServer, Stream, connect  # noqa: E402
from varved import PATIENCE_S, event, may_grow, run  # noqa: E402
from waiting import wait_until  # noqa: E402

CLIENTS = 1000
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))  # What we start has as much.


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def filler(n):
    return event(json.dumps({"n": n, "text": "x" * 400}).encode(), kind="storm.came")


def thousand_slow_ones_and_a_fast_one(directory):
    with PushServer(directory, "--push.send_timeout", "10s", "--memory-budget", "64MiB") as server, \
            server.connect() as connection:
        for n in range(0, 20000, 500):
            connection.append("s-1", [filler(n + k) for k in range(500)])
        before_bytes, before_fds = server.resident_bytes(), descriptors(server)
        slow = [connect(server.http_port, f"/v1/events?after={n * 7}&named=false", receive_bytes=4096)
                for n in range(CLIENTS)]
        fast, got = Stream(server.http_port, "/v1/events?after=start"), []
        for n in range(20):  # Appends go on as if nobody were there, and the fast one sees them.
            fast.take_events(1000 * (n + 1), got)
            first_version, last_version = connection.append("s-1", [filler(20000 + n)])[1][0][:2]
            assert first_version == last_version == 20000 + n
        fast.take_events(20020, got)
        assert [int(m.id) for m in got] == list(range(1, 20021))
        assert [m.body["data"]["n"] for m in got] == list(range(20020))
        grown = server.resident_bytes() - before_bytes
        assert grown < may_grow(160), f"{grown >> 20} MiB more than without them"
        wait_until(lambda: server.figures()["push_dropped_clients"] == CLIENTS,
                   lambda: f"dropped: {server.figures()['push_dropped_clients']}")
        figures = server.figures()
        assert figures["push_clients"] == 1 and figures["push_clients_total"] == CLIENTS + 1, figures
        connection.append("s-1", [filler(20020)])
        assert fast.take_events(20021, got)
        wait_until(lambda: descriptors(server) <= before_fds + 1, lambda: f"descriptors: {descriptors(server)}")
        fast.close()
        for sock in slow:
            sock.close()
        print(f"        {CLIENTS} slow clients: {grown >> 20} MiB more, "
              f"{figures['push_events_rendered']} events rendered for {figures['push_events']} sent")


def behave_badly(chooser, server):
    """Come, do something, and go: with a FIN or a RST, at any point."""
    kind = chooser.randrange(6)
    target = f"/v1/events?after={chooser.choice(['start', 'end', 500])}&type={chooser.choice(['storm.*', 'none', '*'])}"
    if kind == 0:  # Not even a whole request.
        sock = socket.create_connection(("127.0.0.1", server.http_port), PATIENCE_S)
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: 127".encode()[:chooser.randrange(1, 40)])
    else:
        sock = connect(server.http_port, target)
        for _ in range(chooser.choice([0, 0, 1, 3])):
            with contextlib.suppress(BlockingIOError):
                sock.recv(chooser.choice([10, 1000, 100000]))
                sock.setblocking(False)  # More need not come.
    if kind == 5:
        sock.shutdown(socket.SHUT_WR)
    elif kind % 2 == 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return sock


def thousand_come_and_go(directory):
    chooser = random.Random(3)
    with PushServer(directory, "--memory-budget", "64MiB") as server, server.connect() as connection:
        for n in range(0, 2000, 500):
            connection.append("s-1", [filler(n + k) for k in range(500)])
        watcher, seen = Stream(server.http_port, "/v1/events?after=end"), []
        for _ in range(100):  # What is allocated once, and stays.
            behave_badly(chooser, server).close()
        wait_until(lambda: server.figures()["push_clients"] == 1, lambda: str(server.figures()["push_clients"]))
        before_bytes, before_fds = server.resident_bytes(), descriptors(server)
        version, there = 1999, []
        for round_ in range(1000):
            there.append(behave_badly(chooser, server))
            if len(there) > chooser.randrange(60):
                there.pop(chooser.randrange(len(there))).close()
            if round_ % 10 == 0:
                version += 1
                assert connection.append("s-1", [filler(version)])[1][0][1] == version
        for sock in there:
            sock.close()
        assert watcher.take_events(100, seen)
        assert [m.body["data"]["n"] for m in seen] == list(range(2000, 2100))
        wait_until(lambda: server.figures()["push_clients"] == 1, lambda: str(server.figures()["push_clients"]))
        wait_until(lambda: descriptors(server) <= before_fds, lambda: f"{descriptors(server)}, before {before_fds}")
        wait_until(lambda: server.resident_bytes() - before_bytes < may_grow(24),
                   lambda: f"{(server.resident_bytes() - before_bytes) >> 20} MiB more than before")
        assert server.figures()["push_dropped_clients"] == 0
        watcher.close()


if __name__ == "__main__":
    run([thousand_slow_ones_and_a_fast_one, thousand_come_and_go])
