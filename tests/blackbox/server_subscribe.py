#!/usr/bin/env python3
"""Subscriptions to a real varved: its clock, its memory, its end; and what ends a subscription."""
import os
import resource
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import PATIENCE_S, Server, event, may_grow, run  # noqa: E402

MIB = 1 << 20
EVERYTHING = [[], [], [], [], None, 0, False]
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def of_streams(*names):
    return [list(names), [], [], [], None, 0, False]


def subscribe(c, filter_=None, after=0, credit=MIB):
    """The request's id; SUBSCRIBED is taken."""
    request = c.send("SUBSCRIBE", [filter_ or EVERYTHING, after, credit, 0])
    name, got, body = c.receive()
    assert (name, got) == ("SUBSCRIBED", request), (name, got, body)
    return request


def take(c, request, wanted):
    """The body of the next message, which must be of this kind and request."""
    name, got, body = c.receive()
    assert (name, got) == (wanted, request), (name, got, body)
    return body


def fill(c, count, size):
    for _ in range(0, count, 100):
        c.append("filler", [event(os.urandom(size), content_type=2) for _ in range(min(100, count))])


def capability_is_announced(directory):
    with Server(directory) as server, server.connect() as c:
        assert "subscribe" in c.hello[4]


def caught_up_on_empty_and_missing(directory):
    with Server(directory) as server, server.connect() as c, server.connect() as writer:
        request = subscribe(c)
        assert take(c, request, "CAUGHT_UP") == [0]
        writer.append("a", 3)
        assert take(c, request, "EVENTS")[1] == 3
        missing = subscribe(c, of_streams("missing"))
        assert take(c, missing, "CAUGHT_UP") == [3]
        server.stop()


def sparse_filter_advances_within_seconds(directory):
    with Server(directory) as server, server.connect() as c, server.connect() as writer:
        request = subscribe(c, of_streams("never"))
        assert take(c, request, "CAUGHT_UP") == [0]
        for i in range(1, 4):
            writer.append("other", 1)
            assert take(c, request, "CHECKPOINT") == [i]  # Nothing else comes along that could trigger it.
        assert c.is_silent(2.5)  # And nothing is told when nothing has changed.


def checkpoint_past_the_end(directory):
    with Server(directory) as server, server.connect() as c:
        c.append("a", 5)
        c.send("SUBSCRIBE", [EVERYTHING, 6, MIB, 0])
        name, _, body = c.receive()
        assert name == "ERROR" and body[1] == "INVALID_ARGUMENT" and body[3] == "after", body


def resumes_after_a_restart(directory):
    seen = []
    position = 0
    for last in 40, 80, 120:
        with Server(directory) as server, server.connect() as c, server.connect() as writer:
            request = subscribe(c, after=position)
            take(c, request, "CAUGHT_UP")
            for _ in range(20):
                writer.append("a", 2)
            while position < last:
                records, position = take(c, request, "EVENTS")[:2]
                seen += records
            server.kill()
    assert len(seen) == 120


def a_stopping_server_says_so(directory):
    with Server(directory) as server, server.connect() as c:
        request = subscribe(c)
        take(c, request, "CAUGHT_UP")
        server.signal(signal.SIGTERM)
        body = take(c, request, "ERROR")
        assert body[1] == "NOT_READY", body
        assert c.wait_closed() == []
        assert server.wait() == 0


def a_slow_consumer_is_bounded_and_then_closed(directory):
    with Server(directory, "--send-timeout", "2s", "--max-output", "1MiB") as server, server.connect() as c:
        fill(c, 2000, 20000)  # 40 MB: more than the sockets' buffers take.
        before = server.resident_bytes()
        with server.connect() as slow:
            slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            for _ in range(20):
                slow.send("SUBSCRIBE", [EVERYTHING, 0, 64 * MIB, 0])
            while c.ask("STATS", [])[0]["subscription_events"] == 0:
                time.sleep(0.01)
            time.sleep(1)
            assert c.ask("PING", [])  # Nobody else notices.
            assert server.resident_bytes() - before < may_grow(24), server.resident_bytes() - before
            server.wait_for_log("CONSUMER_TOO_SLOW")
        stats = c.ask("STATS", [])[0]
        assert stats["slow_consumers"] == 1 and stats["subscriptions"] == 0 and stats["followers"] == 0, stats
        assert stats["budget_used_bytes"] < MIB, stats


def one_batch_for_a_thousand(directory):
    """Nobody reads, so that the batch is held by all 1,000: it must not be there 1,000 times."""
    with Server(directory, "--send-timeout", "60s") as server, server.connect() as writer:
        connections = [server.connect() for _ in range(1000)]
        requests = [subscribe(c, after=None, credit=1) for c in connections]
        for c, request in zip(connections, requests):
            take(c, request, "CAUGHT_UP")
        before, sent = server.resident_bytes(), 300000
        writer.append("a", [event(os.urandom(sent), content_type=2)])
        until = time.monotonic() + PATIENCE_S
        while writer.ask("STATS", [])[0]["subscription_events"] < 1000:
            assert time.monotonic() < until
        stats = writer.ask("STATS", [])[0]
        assert stats["follower_batches"] == 1 and stats["follower_batches_shared"] == 1, stats
        assert stats["budget_used_bytes"] < 4 * MIB, stats
        assert server.resident_bytes() - before < may_grow(40), server.resident_bytes() - before
        for c, request in zip(connections, requests):
            assert len(take(c, request, "EVENTS")[0][0]) > sent
            c.sock.close()


def subscriptions_are_no_requests_under_way(directory):
    with Server(directory, "--max-requests", "2") as server, server.connect() as c:
        requests = [subscribe(c, of_streams(f"s-{i}")) for i in range(1)]
        take(c, requests[0], "CAUGHT_UP")
        for i in range(1, 20):
            requests.append(subscribe(c, of_streams(f"s-{i}")))
            take(c, requests[i], "CAUGHT_UP")
        assert c.ask("PING", [])
        c.send("CANCEL", [], requests[7])
        assert take(c, requests[7], "ERROR")[1] == "CANCELLED"


run([capability_is_announced, caught_up_on_empty_and_missing, sparse_filter_advances_within_seconds,
     checkpoint_past_the_end, resumes_after_a_restart, a_stopping_server_says_so,
     a_slow_consumer_is_bounded_and_then_closed, one_batch_for_a_thousand, subscriptions_are_no_requests_under_way])
