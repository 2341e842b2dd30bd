#!/usr/bin/env python3
"""Large bodies, which are parsed on a thread of their own: what holds for small ones holds for them, in whatever moment
their client leaves, the server stops, or too many come at once."""
import json
import os
import socket
import sys
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "lib"), HERE]
import http_api  # noqa: E402
from http_support import HttpServer  # noqa: E402
from varved import PATIENCE_S, run  # noqa: E402

BLANKS = 100000  # More than the loop parses itself; and what is wrong behind them is wrong "at byte 1...".
HEAD = "POST /v1/streams/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


def body_of(count, kind="t", size=100):
    return json.dumps([{"type": kind, "data": {"i": i, "x": "x" * size}} for i in range(count)]).encode()


def request(body, stream="s"):
    return (HEAD % (stream, len(body))).encode() + body


def wait_until(true, what):
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def post(server, body, stream="s"):
    status, _, answer = server.ask("POST", "/v1/streams/" + stream, body, {"Content-Type": "application/json"})
    return status, json.loads(answer)


def stored(server, stream="s"):
    """How many events the stream has."""
    status, answer = server.get_json(f"/v1/streams/{stream}/info")
    return answer["version"] + 1 if status == 200 else 0


def is_at_rest(server):
    wait_until(lambda: server.figure("http_requests_under_way") == 0, "nothing is under way")
    wait_until(lambda: server.figure("budget_used_bytes") < 100000, "what was charged is given back")


class Padded(http_api.Api):
    def call(self, method, target, body=None, status=200, headers=None):
        if body is not None:
            text = body if isinstance(body, (str, bytes)) else json.dumps(body)
            body = " " * BLANKS + text
        return super().call(method, target, body, status, headers)


# ---- what is in them -----------------------------------------------------------------------------------------------


def as_large_as_may_be(folder):
    count = 20000
    body = body_of(count, size=20)
    body += b" " * (8 * (1 << 20) - len(body))
    with HttpServer(folder) as server:
        status, answer = post(server, body)
        assert (status, answer["first_version"], answer["last_version"]) == (201, 0, count - 1), status
        assert len(set(answer["ids"])) == count
        for version in (0, 1, 63, 64, 65, 4711, count - 1):  # The ids that are told are those that were stored.
            event = server.get_json("/v1/events/" + answer["ids"][version])[1]
            assert (event["version"], event["data"]["i"]) == (version, version), event
        status, answer = post(server, b"[" + b",".join([b'{"type":"t"}'] * 70000) + b"]")
        assert (status, answer["code"], answer["field"]) == (413, "APPEND_TOO_LARGE", "events"), answer
        assert stored(server) == count
        is_at_rest(server)
        server.stop()


def what_is_wrong_with_them_is_named(folder):
    good = body_of(1000)
    with HttpServer(folder) as server:
        for body, field, says in [
                (good[:-1], "body", "not JSON at byte"), (good[:-1] + b"}", "body", "not JSON at byte"),
                (good[:-1] + b",]", "body", "not JSON at byte"), (good + b"\x00", "body", "not JSON at byte"),
                (good[:-1] + b',{"type":"\xff"}]', "body", "not UTF-8"),
                (good[:-1] + b',{"tipe":"a"}]', "events[1000].tipe", "did you mean type?"),
                (good[:-1] + b',7]', "events[1000]", "not a JSON object"),
                (good[:-1] + b',{"type":""}]', "events[1000].type", ""),
                (good[:-1] + b',{"type":"a","id":"x"}]', "events[1000].id", "UUID"),
                (b'{"events":' + good + b',"expected":"x"}', "expected", "no_stream"),
                (b"[" * 100000, "body", "not JSON at byte"), (b"\xff" * 100000, "body", "not JSON at byte 0"),
                (b'"' + b"x" * 100000 + b'"', "body", "not an event")]:
            status, answer = post(server, body)
            assert (status, answer["code"], answer["field"]) == (400, "INVALID_ARGUMENT", field), (body[-40:], answer)
            assert says in answer["detail"], answer
        assert stored(server) == 0
        is_at_rest(server)
        server.stop()


# ---- whose they are ------------------------------------------------------------------------------------------------


def requests_of_one_connection_keep_their_order(folder):
    """Each expects what the one before it leaves."""
    rounds, large = 5, 1000
    asked = b""
    for i in range(rounds):
        version = i * (large + 1)
        for first, count in ((version, large), (version + large, 1)):
            events = body_of(count).decode()
            asked += request(b'{"expected":%s,"events":%s}' % (str(first - 1).encode() if first > 0 else b'"no_stream"',
                                                              events.encode()))
    asked += b"GET /v1/streams/s/info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with HttpServer(folder) as server:
        with server.raw() as raw:
            sender = threading.Thread(target=raw.send, args=(asked,))
            sender.start()
            assert raw.answers() == [201] * (2 * rounds) + [200], raw.got[-1000:]
            sender.join()
        assert stored(server) == rounds * (large + 1)
        server.stop()


def the_same_at_the_same_time_is_stored_once(folder):
    body = json.dumps([{"type": "t", "id": str(uuid.uuid4()), "data": "x" * 300} for _ in range(500)]).encode()
    answers = []
    with HttpServer(folder) as server:
        threads = [threading.Thread(target=lambda: answers.append(post(server, body))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(status for status, _ in answers) == [200] * 7 + [201], answers
        assert len({json.dumps(dict(answer, replayed=None)) for _, answer in answers}) == 1
        assert stored(server) == 500
        is_at_rest(server)
        server.stop()


def those_who_leave_meanwhile(folder):
    """All of a body is stored, or nothing, and nothing of the request is left."""
    count = 1000
    whole = request(body_of(count))
    with HttpServer(folder) as server:
        for i in range(24):
            raw = server.raw()
            raw.send(whole if i % 3 else whole[:-1])
            if i % 2:
                raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST
            raw.socket.close()
        assert post(server, body_of(1), "other")[0] == 201
        is_at_rest(server)
        wait_until(lambda: server.figure("http_connections") == 0, "all are gone")
        assert stored(server) % count == 0, stored(server)
        server.stop()


def a_stop_meanwhile(folder):
    """What was told to be stored is; the rest is stored wholly or not at all."""
    count, sent = 1000, 4
    whole = request(body_of(count))
    for i in range(2):
        with HttpServer(f"{folder}-{i}") as server:
            peers = [server.raw() for _ in range(sent)]
            for raw in peers:
                raw.send(whole)
            if i > 0:
                wait_until(lambda: server.figure("http_requests") > 0, "the first is there")
            server.stop()
            told = 0
            for raw in peers:
                with raw:
                    answer = raw.until_closed()
                    told += answer.startswith(b"HTTP/1.1 201 ")
                    assert not answer or answer.split()[1] in (b"201", b"503"), answer[:200]
        with HttpServer(f"{folder}-{i}") as server:
            there = stored(server)
            assert there % count == 0 and told * count <= there <= sent * count, (told, there)
            server.stop()


# ---- how many there may be -----------------------------------------------------------------------------------------


def too_many_at_once(folder):
    """Each is stored or told to come again; the memory stays within its budget, and who sends little is served."""
    count, peers = 4, 24
    body = body_of(count, size=600000)
    statuses = []
    with HttpServer(folder, "--memory-budget", "64MiB") as server:
        before = server.resident_bytes()

        def send(number):
            with server.raw() as raw:
                raw.send(request(body, "large-%d" % number))
                raw.receive()  # Nothing, when it was refused before all of it was read.
                statuses.append(raw.got[9:12])

        threads = [threading.Thread(target=send, args=(i,)) for i in range(peers)]
        for thread in threads:
            thread.start()
        with server.connect() as connection:
            for _ in range(20):
                connection.append("small", 1)
        for thread in threads:
            thread.join()
        assert set(statuses) <= {b"201", b"429", b""} and b"201" in statuses, statuses
        status, info = server.get_json("/v1/all?limit=1&backwards")
        assert info["events"][0]["position"] == statuses.count(b"201") * count + 20, (info, statuses)
        is_at_rest(server)
        more = (server.resident_bytes() - before) >> 20
        print(f"{statuses.count(b'201')} of {peers} stored; {more} MiB more", flush=True)
        server.stop()


def appends_beside_them(folder):
    """Only measured, as it depends on the machine: an append every 2 ms while somebody posts 8 MiB after 8 MiB."""
    if "VARVE_LONG_TESTS" not in os.environ:
        return
    body, over, posts = body_of(60000, size=80), threading.Event(), []
    with HttpServer(folder, "--http.max_body", "16MiB") as server:

        def post_on():
            while not over.is_set():
                posts.append(post(server, body)[0])

        for peers in (0, 1):
            took, cpu_before, posts_before = [], loop_ms(server), len(posts)
            over.clear()
            threads = [threading.Thread(target=post_on) for _ in range(peers)]
            for thread in threads:
                thread.start()
            with server.connect() as connection:
                began = time.monotonic()
                for i in range(2000):
                    due = began + i * 0.002
                    time.sleep(max(0, due - time.monotonic()))
                    connection.append("small", 1)
                    took.append((time.monotonic() - due) * 1000)
            over.set()
            for thread in threads:
                thread.join()
            took.sort()
            loop = loop_ms(server) - cpu_before
            print(f"{len(posts) - posts_before} bodies of {len(body) >> 20} MiB: an append takes p50 {took[1000]:.2f}, "
                  f"p99 {took[1980]:.2f}, at most {took[-1]:.2f} ms; the loop {loop:.0f} ms in all", flush=True)
        server.stop()


def loop_ms(server):
    """Processor time of the loop's thread."""
    with open(f"/proc/{server.process.pid}/task/{server.process.pid}/schedstat", encoding="ascii") as figures:
        return int(figures.read().split()[0]) / 1e6


if __name__ == "__main__":
    http_api.Api = Padded
    run([http_api.test_appends, http_api.test_ids_make_retries_safe, http_api.test_conflicts_tell_what_is,
         http_api.test_what_is_wrong_with_an_append_is_named, as_large_as_may_be, what_is_wrong_with_them_is_named,
         requests_of_one_connection_keep_their_order, the_same_at_the_same_time_is_stored_once,
         those_who_leave_meanwhile, a_stop_meanwhile, too_many_at_once, appends_beside_them])
