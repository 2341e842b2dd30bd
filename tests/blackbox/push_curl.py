#!/usr/bin/env python3
"""Server-sent events as curl sees them: order, places to begin at, filters, what is rejected, resuming, errors."""
import json
import os
import random
import signal
import sys
import threading
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from held_port import HeldPort  # noqa: E402
from sse import Curl, PushServer, Stream, get  # noqa: E402
from varved import run  # noqa: E402


def event(kind="offer.made", data=None, user=None, class_=0, content_type=0, raw=None, **more):
    data = raw if raw is not None else json.dumps({} if data is None else data).encode()
    return [0, more.get("id"), kind, 1, None, more.get("correlation"), None, more.get("source"), user, class_,
            content_type, data, more.get("metadata")]


def append(connection, stream, *events):
    return connection.append(stream, list(events))


# ---- what comes ------------------------------------------------------------------------------------------------------


def an_event_is_sent_as_documented(directory):
    with PushServer(directory) as server, server.connect() as connection, Curl(server.url()) as curl:
        assert curl.wait_caught_up().body == {"position": 0}
        assert curl.messages[0].retry == "2000"
        append(connection, "offer-1", event("offer.made", {"total": 9007199254740993, "note": "a\nb\u2028c"},
                                            user="anna", id=bytes(range(16)), metadata=b'{"trace":\n"t"}'))
        (position, kind, body), = curl.wait_events(1)
        assert (position, kind) == (1, "offer.made")
        assert body.pop("recorded_at").endswith("Z")
        assert body == {"stream": "offer-1", "type": "offer.made", "id": "00010203-0405-0607-0809-0a0b0c0d0e0f",
                        "user_id": "anna", "data": {"total": 9007199254740993, "note": "a\nb\u2028c"},
                        "metadata": {"trace": "t"}, "version": 0, "position": 1}, body
        status, headers, _ = get(server.url(), "--head")
        assert status == 200 and headers["content-type"].startswith("text/event-stream"), headers
        assert headers["cache-control"] == "no-store"


def data_of_every_kind_is_one_line(directory):
    values = [b'{"a":\n1,\r\n"b":[\n]}', b'"line\\nbreak"', b" 5 ", b"null", b"[\r1]", "\"\u00e9\u2028\"".encode()]
    with PushServer(directory) as server, server.connect() as connection, Curl(server.url(after="start")) as curl:
        for value in values:
            append(connection, "a", event(raw=value))
        append(connection, "a", event(raw=b"\x82\xa1a\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1b\x92\xc3\xc0",
                                      content_type=1))
        append(connection, "a", event(raw=b"\x00\n\r\xff", content_type=2))
        append(connection, "a", event(raw=b""))
        events = curl.wait_events(len(values) + 3)
        for value, (_, _, body) in zip(values, events):
            assert body["data"] == json.loads(value), body
        assert events[-3][2]["data"] == {"a": "18446744073709551615", "b": [True, None]}, events[-3]
        assert events[-2][2]["data"] == "AAoN/w==", events[-2]
        assert "data" not in events[-1][2], events[-1]


def places_to_begin_at(directory):
    with PushServer(directory) as server, server.connect() as connection:
        append(connection, "a", *[event(data={"n": n}) for n in range(10)])
        for options, parameters, first in [((), {"after": "start"}, 1), ((), {"after": 4}, 5),
                                           (("-H", "Last-Event-ID: 7"), {"after": "start"}, 8),
                                           (("-H", "Last-Event-ID: 9"), {}, 10)]:
            with Curl(server.url(**parameters), *options) as curl:
                assert [p for p, _, _ in curl.wait_events(11 - first)] == list(range(first, 11))
                assert curl.wait_caught_up().id == "10"
        with Curl(server.url()) as curl:
            assert curl.wait_caught_up().id == "10"  # With an id: who loses the connection now misses nothing.
            append(connection, "a", event(data={"n": 10}))
            assert curl.wait_events(1)[0][0] == 11


def filters_choose(directory):
    with PushServer(directory) as server, server.connect() as connection:
        append(connection, "offer-1", event("offer.made", user="anna"), event("offer.made.late", user="bert"))
        append(connection, "offer-2", event("offer.refused", user="anna", class_=2))
        append(connection, "order-1", event("order.placed", user="anna", class_=1), event("offer.made"))
        for expected, parameters in [
                ([1, 2, 3, 4, 5], {}), ([1, 2, 3], {"category": "offer"}),
                ([1, 2, 3, 4, 5], {"category": "offer,order"}),
                ([1, 5], {"type": "offer.made"}), ([1, 2, 3, 5], {"type": "offer.*"}), ([2], {"type": "*.late"}),
                ([3, 4], {"type": "offer.refused,order.*"}), ([1, 3, 4], {"user": "anna"}), ([2], {"user": "bert"}),
                ([1, 3], {"user": "anna", "type": "offer.*"}), ([3], {"class": "realtime"}),
                ([3, 4], {"class": "realtime,integration"}), ([3], {"stream": "offer-2"}),
                ([4, 5], {"prefix": "order"}),
                ([5], {"category": "order", "type": "offer.mad?"}), ([], {"type": "offer"}), ([], {"user": "ann"})]:
            with Curl(server.url(after="start", **parameters)) as curl:
                assert curl.wait_caught_up().id == "5"
                assert [p for p, _, _ in curl.events()] == expected, (parameters, curl.events())


def users_see_their_own(directory):
    """Twenty channels at a time, while events of all come in; and those of nobody."""
    users = [f"user-{n}" for n in range(20)]
    with PushServer(directory) as server, server.connect() as connection:
        curls = {user: Curl(server.url(user=user)) for user in users}
        expected = {user: [] for user in users}
        chooser = random.Random(7)
        for curl in curls.values():
            curl.wait_caught_up()
        for n in range(300):
            user = chooser.choice(users + [None])
            append(connection, f"a-{n % 7}", event(data={"n": n}, user=user))
            expected.get(user, []).append(n)
        for user, curl in curls.items():
            events = curl.wait_events(len(expected[user]))
            assert [body["data"]["n"] for _, _, body in events] == expected[user]
            assert all(body["user_id"] == user for _, _, body in events)
        for curl in curls.values():
            curl.__exit__()


# ---- what may be pushed ----------------------------------------------------------------------------------------------


def what_may_not_go_out_stays_and_is_counted_once(directory):
    options = ["--push.allow_types", "offer.* order.placed", "--push.fields", "status customer.name items.sku",
               "--push.required_fields", "user_id data.order", "--push.uuid_fields", "data.order",
               "--push.time_fields", "data.due"]
    order = str(uuid.UUID(int=5, version=4))
    secret = {"order": order, "status": "new", "secret": "no", "customer": {"name": "A", "card": "no"},
              "items": [{"sku": 1, "price": "no"}], "due": "2024-05-01T12:00:00Z"}
    with PushServer(directory, *options) as server, server.connect() as connection:
        curls = [Curl(server.url(after="start")) for _ in range(3)]
        curls += [Curl(server.url(after="start", category="a")), Curl(server.url(after="start", type="o*,p*"))]
        append(connection, "a", event("offer.made", secret, user="u", metadata=b'{"internal":"no"}'),
               event("payment.done", secret, user="u"), event("offer.made", secret),
               event("offer.made", {"status": "new"}, user="u"), event("offer.made", {"order": "17"}, user="u"),
               event("order.placed", dict(secret, due="soon"), user="u"), event("order.placed", secret, user="v"))
        for curl in curls:
            events = curl.wait_events(2)
            assert [p for p, _, _ in events] == [1, 7]
            for _, _, body in events:
                assert body["data"] == {"status": "new", "customer": {"name": "A"}, "items": [{"sku": 1}]}, body
            assert b"no" not in curl.text.replace(b"not", b"")
            curl.__exit__()
        figures = server.figures()
        assert {name: value for name, value in figures.items() if name.startswith("push_rejected")} == {
            "push_rejected_type_not_allowed": 1, "push_rejected_missing_field": 2, "push_rejected_bad_id": 1,
            "push_rejected_bad_time": 1}, figures


def clients_share_what_is_rendered(directory):
    with PushServer(directory) as server, server.connect() as connection:
        curls = [Curl(server.url(type="offer.*", user="u")) if n % 2 else Curl(server.url()) for n in range(20)]
        for curl in curls:
            curl.wait_caught_up()
        for n in range(50):
            append(connection, "a", event(data={"n": n}, user="u"))
        for curl in curls:
            assert [body["data"]["n"] for _, _, body in curl.wait_events(50)] == list(range(50))
            curl.__exit__()
        figures = server.figures()
        assert figures["push_events"] == 1000
        assert figures["push_events_rendered"] <= 500, figures["push_events_rendered"]  # 50, but for stragglers.


def what_may_go_out_changes_while_it_runs(directory):
    config = directory + ".ini"
    with open(config, "w") as file:
        file.write("[push]\nfields = a\n")
    with PushServer(directory, "--config", config) as server, server.connect() as connection, \
            Curl(server.url(after="start")) as curl:
        append(connection, "s", event(data={"a": 1, "b": 2}))
        assert curl.wait_events(1)[0][2]["data"] == {"a": 1}
        with open(config, "w") as file:
            file.write("[push]\nfields = b\nallow_types = offer.*\n")
        server.signal(signal.SIGHUP)
        server.wait_for_log("config.reloaded")
        append(connection, "s", event("order.placed"), event(data={"a": 1, "b": 2}))
        assert curl.wait_events(2)[1][2]["data"] == {"b": 2}
        assert server.figures()["push_rejected_type_not_allowed"] == 1


# ---- resuming --------------------------------------------------------------------------------------------------------


class Writer(threading.Thread):
    """Appends numbered events until it has appended `count`; goes on with the next server after a kill."""

    def __init__(self, server, count):
        super().__init__(daemon=True)
        self.server, self.count, self.written, self.fault = server, count, 0, None
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def run(self):
        connection = None
        while self.written < self.count:
            self.may_go_on.wait()
            try:
                connection = connection or self.server.connect()
                ids = [uuid.uuid5(uuid.NAMESPACE_OID, str(self.written + k)).bytes for k in range(5)]
                append(connection, f"s-{self.written % 3}",
                       *[event(data={"n": self.written + k}, id=ids[k]) for k in range(5)])
                self.written += 5
            except Exception as fault:  # The server was killed: the same events again, which it knows by their ids.
                connection, self.fault = None, fault
                self.may_go_on.wait(0.05)


def resume(stream_of, last_id, got, count):
    stream = stream_of(f"Last-Event-ID: {last_id}" if last_id is not None else "X-First: 1")
    assert stream.status == 200, stream.status
    try:
        stream.take_events(count, got)
    finally:
        stream.close()


def resuming_misses_and_doubles_nothing(directory):
    """Reconnects at random places while events come in, five kills -9 among them."""
    chooser = random.Random(11)
    held = HeldPort()
    server = PushServer(directory, held=held)
    writer = Writer(server, 3000)
    writer.start()
    got, kills = [], 5
    while len(got) < 3000:
        last_id = got[-1].id if got else None
        if kills > 0 and len(got) > (6 - kills) * 450:
            kills -= 1
            writer.may_go_on.clear()
            server.kill()
            server.__exit__(None)
            server = PushServer(directory, held=held)
            writer.server = server
            writer.may_go_on.set()
        resume(lambda header: Stream(server.http_port, "/v1/events?after=start&category=s", header), last_id, got,
               min(3000, len(got) + chooser.randrange(1, 200)))
    assert [int(m.id) for m in got] == list(range(1, 3001))
    assert [m.body["data"]["n"] for m in got] == list(range(3000))
    writer.join(60)
    server.stop()
    server.__exit__(None)
    held.close()


def a_stop_ends_streams_in_order(directory):
    with PushServer(directory) as server, Curl(server.url(after="start")) as curl:
        with server.connect() as connection:
            append(connection, "a", *[event(data={"n": n}) for n in range(100)])
        curl.wait_events(100)
        server.stop()
        curl.wait_for(lambda messages: curl.ended, "the end")
        assert curl.process.wait(60) == 0  # The last chunk came: no error for curl.


# ---- signs of life and errors ----------------------------------------------------------------------------------------


def heartbeats_carry_the_place(directory):
    with PushServer(directory, "--push.heartbeat", "1s") as server, server.connect() as connection, \
            Curl(server.url(user="nobody")) as curl:
        curl.wait_caught_up()
        append(connection, "a", *[event() for _ in range(7)])
        beat = curl.wait_for(lambda messages: [m for m in messages if m.comments and m.id == "7"], "a heartbeat")[0]
        assert beat.data is None
        curl.wait_for(lambda messages: [m for m in messages if m.comments and m.id is None], "one without news")


def errors_say_what_was_expected(directory):
    with PushServer(directory, "--push.max_clients", "1") as server, server.connect() as connection:
        append(connection, "a", event(), event())
        base = f"http://127.0.0.1:{server.http_port}/v1/events"
        for query, says in [("after=3", "the log ends at position 2"), ("after=x", "expected a position, start or end"),
                            ("class=urgent", "expected domain, integration or realtime"), ("type=a,,b", "empty"),
                            ("stream=%24all", "not pushed"), ("category=a-1", "before the first '-'"),
                            ("user=", "1 to 255"), ("afer=1", "after"), ("limit=5", "limit")]:
            status, headers, body = get(f"{base}?{query}")
            problem = json.loads(body)
            assert (status, headers["content-type"]) == (400, "application/problem+json"), (query, status, headers)
            assert problem["code"] == "INVALID_ARGUMENT" and says in problem["detail"], (query, problem)
        for last_id, says in [("9", "the log ends at position 2"), ("abc", "expected the position of an event")]:
            status, _, body = get(base, "-H", f"Last-Event-ID: {last_id}")
            assert status == 400 and says in json.loads(body)["detail"], body
        assert get(base, "--json", "{}")[0] == 405
        with Curl(server.url()) as curl:
            curl.wait_caught_up()
            status, headers, body = get(base)
            assert status == 503 and int(headers["retry-after"]) >= 1 and "push.max_clients" in body, (status, body)
        assert server.figures()["push_refused_clients"] == 1


if __name__ == "__main__":
    run([an_event_is_sent_as_documented, data_of_every_kind_is_one_line, places_to_begin_at, filters_choose,
         users_see_their_own, what_may_not_go_out_stays_and_is_counted_once, clients_share_what_is_rendered,
         what_may_go_out_changes_while_it_runs,
         resuming_misses_and_doubles_nothing, a_stop_ends_streams_in_order, heartbeats_carry_the_place,
         errors_say_what_was_expected])
