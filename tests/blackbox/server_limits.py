#!/usr/bin/env python3
"""The bounds of varved: connections, requests, memory, slow peers, disk space."""
import os
import re
import resource
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import (Closed, Connection, Error, Server, append_body, event, fails_with, protocol,  # noqa: E402
                    may_grow, run)

MIB = 1 << 20
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def fill(connection, events, size):
    """So many events of random bytes."""
    while events > 0:
        connection.append("filler", [event(os.urandom(size), content_type=2) for _ in range(min(events, 100))])
        events -= 100


def read_body(credit=1 << 26, batch=0, limit=0):
    return [0, None, None, False, False, None, limit, None, None, credit, batch]


def many_connections(directory):
    with Server(directory) as server:
        connections = [server.connect() for _ in range(1000)]
        for i, c in enumerate(connections):
            c.send("APPEND", append_body(f"s-{i}", 1))
        for c in connections:
            assert c.receive()[0] == "APPEND_OK"
        assert connections[0].ask("STATS", [])[0]["connections"] == 1000
        for c in connections[1:]:
            c.sock.close()
        while connections[0].ask("STATS", [])[0]["connections"] != 1:
            time.sleep(0.01)
        assert len(connections[0].read()[0]) == 1000
        server.stop()


def one_connection_too_many_is_told(directory):
    with Server(directory, "--max-connections", "3") as server:
        connections = [server.connect() for _ in range(3)]
        for _ in range(100):  # More than are ever kept waiting.
            sock = socket.create_connection(("127.0.0.1", server.port), 60)
            with Connection(sock, hello=False) as c:
                frames = c.wait_closed()
                assert all(f[0] == "ERROR" and f[2][1] == "OVERLOADED" for f in frames), frames
        assert connections[0].ask("STATS", [])[0]["connections_refused"] == 100
        connections.pop().sock.close()
        while connections[0].ask("STATS", [])[0]["connections"] != 2:
            time.sleep(0.01)
        with server.connect() as c:
            assert c.ask("PING", [])


def descriptors_bound_the_connections(directory):
    with Server(directory, before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))) as server:
        assert "server.fewer_connections" in server.log()
        with server.connect() as c:
            shown = {entry[0]: entry[1:3] for entry in c.ask("CONFIG", [])[0]}
        value, origin = shown["server.max_connections"]
        assert int(value) < 200 and origin == "limit of descriptors; 1024 by default", shown
        socks = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(300)]
        for sock in socks:
            sock.close()
        server.wait_for_log("server.connections_refused")
        while True:
            try:
                with server.connect() as c:
                    c.append("a", 1)
                    break
            except (Closed, Error):  # The server has not noticed yet that the others are gone.
                time.sleep(0.05)
        assert "listener.failed" not in server.log(), server.log()


def a_slow_reader_is_bounded_and_then_closed(directory):
    with Server(directory, "--send-timeout", "2s", "--max-output", "1MiB") as server, server.connect() as c:
        fill(c, 2000, 20000)  # 40 MB: more than the sockets' buffers take.
        server_before = server.resident_bytes()
        with server.connect() as slow:
            slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            for _ in range(8):
                slow.send("READ", read_body())
            time.sleep(1)
            assert c.ask("PING", [])  # Nobody else notices.
            assert server.resident_bytes() - server_before < may_grow(24), server.resident_bytes() - server_before
            server.wait_for_log("CONSUMER_TOO_SLOW")
        stats = c.ask("STATS", [])[0]
        assert stats["slow_consumers"] == 1 and stats["reads_under_way"] == 0, stats
        assert stats["budget_used_bytes"] < MIB, stats


def who_takes_a_little_is_not_closed(directory):
    with Server(directory, "--send-timeout", "8s") as server, server.connect() as c:
        fill(c, 600, 10000)
        with server.connect() as slow:
            slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            slow.send("READ", read_body())
            got, until = 0, time.monotonic() + 10
            while time.monotonic() < until:
                got += len(slow.sock.recv(20000))
                time.sleep(0.1)
            assert c.ask("STATS", [])[0]["slow_consumers"] == 0
            slow.sock.settimeout(60)
            while got < 6000000:
                data = slow.sock.recv(1 << 20)
                assert data
                got += len(data)


def few_requests_at_a_time_are_enough(directory):
    with Server(directory, "--max-requests", "1") as server, server.connect() as c:
        count = 500
        c.send_bytes(b"".join(protocol.frame("APPEND", i + 10, append_body("a", 1, i - 1)) for i in range(count)))
        for i in range(count):
            name, got, body = c.receive()
            assert (name, got, body[1][0][0]) == ("APPEND_OK", i + 10, i)


def reads_that_wait_do_not_deafen_the_server(directory):
    with Server(directory, "--max-requests", "4") as server, server.connect() as c, server.connect() as other:
        fill(c, 100, 1000)
        reads = [c.send("READ", read_body(1, 1000)) for _ in range(8)]  # All of them wait for credit.
        for _ in reads:
            assert c.receive()[0] == "READ_BATCH"
        assert c.ask("PING", [])
        assert other.ask("STATS", [])[0]["requests_under_way"] == 9
        c.sock.close()
        while other.ask("STATS", [])[0]["requests_under_way"] != 1:
            time.sleep(0.01)


def without_memory_requests_are_refused_and_come_back(directory):
    with Server(directory, "--memory-budget", "64MiB", "--max-append-bytes", "16MiB", "--max-event-bytes",
                "8MiB") as server:
        with server.connect() as c, server.connect() as other:
            data = os.urandom(7 * MIB)
            c.append("a", [event(data, content_type=2)])
            hogs = []
            for _ in range(14):  # Frames whose end does not come.
                hog = server.connect()
                frame = protocol.frame("APPEND", 9, append_body("b", [event(data, content_type=2)]))
                hog.send_bytes(frame[:-1])
                hogs.append((hog, frame[-1:]))
            big = append_body("a", [event(data, content_type=2)])
            error = fails_with("OVERLOADED", other.ask, "APPEND", big)
            assert error.retry_after_ms > 0
            assert other.append("a", 1)  # What is small still goes.
            refused = 0
            for hog, last in hogs:
                hog.send_bytes(last)
                refused += hog.receive()[0] == "ERROR"
                hog.sock.close()
            assert 0 < refused < len(hogs), refused
            assert other.ask("APPEND", big)
            while other.ask("STATS", [])[0]["budget_used_bytes"] > 1 * MIB:
                time.sleep(0.01)


def reads_beyond_the_budget_take_turns(directory):
    """Many reads, little memory: none fails once begun, each gets all its events."""
    with Server(directory, "--memory-budget", "64MiB", "--max-output", "64MiB") as server, server.connect() as c:
        fill(c, 1000, 10000)
        readers = [server.connect() for _ in range(30)]
        begun, refused = [], 0
        for reader in readers:
            reader.send("READ", read_body(batch=MIB))
        time.sleep(0.5)
        for reader in readers:
            name, _, _ = reader.receive_raw()
            if name == "ERROR":
                refused += 1
            else:
                begun.append(reader)
        assert begun and server.resident_bytes() < 600 * MIB
        whole = []

        def take_all(reader):  # All at a time: who takes nothing holds memory that others wait for.
            while reader.receive_raw()[0] != "READ_END":
                pass
            whole.append(reader)

        takers = [threading.Thread(target=take_all, args=(reader,)) for reader in begun]
        for taker in takers:
            taker.start()
        for taker in takers:
            taker.join()
        assert len(whole) == len(begun)


def a_full_disk_is_an_answer(directory):
    with Server(directory) as server, server.connect() as c:
        c.append("a", 3)
        server.stop()
    with Server(directory, "--disk-reserve", str(1 << 59)) as server, server.connect() as c:
        fails_with("DISK_FULL", c.append, "a", 1)
        assert len(c.read(protocol.STREAM, "a")[0]) == 3
        assert c.ask("STATS", [])[0]["disk_full"] == 1
        server.stop()


def the_printed_memory_bound_holds(directory):
    with Server(directory, "--memory-budget", "64MiB", "--settle-size", "8MiB", "--settle-events", "20000",
                "--recent-ids", "1000", "--max-connections", "64") as server:
        bound = int(re.search(r"memory_bound_mib=(\d+)", server.log())[1]) * MIB
        connections = [server.connect() for _ in range(40)]
        for i in range(20):
            for c in connections:
                c.send("APPEND", append_body(f"s-{i}", [event(os.urandom(9000), content_type=2) for _ in range(20)]))
            for c in connections:
                assert c.receive()[0] in ("APPEND_OK", "ERROR")
        for c in connections:
            c.send("READ", read_body())
        time.sleep(1)
        assert server.resident_bytes() < bound, (server.resident_bytes(), bound)
        try:
            connections[0].ask("STATS", [])
        except (AssertionError, Closed):
            pass  # A batch came first.
        for c in connections:
            c.sock.close()


run([many_connections, one_connection_too_many_is_told, descriptors_bound_the_connections,
     a_slow_reader_is_bounded_and_then_closed, who_takes_a_little_is_not_closed,
     few_requests_at_a_time_are_enough, reads_that_wait_do_not_deafen_the_server,
     without_memory_requests_are_refused_and_come_back,
     reads_beyond_the_budget_take_turns, a_full_disk_is_an_answer, the_printed_memory_bound_holds])
