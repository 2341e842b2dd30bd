#!/usr/bin/env python3
"""/metrics against known traffic: every count is exact, histograms add up, counters never fall, labels stay bounded
whatever they hold, and promtool has nothing to say."""
import os
import sys
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "lib"), HERE]
from consumers import PARK, RETRY, SKIP, filter_of, settings_of  # noqa: E402
from harness import FENCED, GROUP_EXISTS, WRONG_EXPECTED_VERSION, Client, event, refused  # noqa: E402
from http_support import HttpServer  # noqa: E402
from sagas import BEGIN, COMPLETE, FAIL, STEP, change  # noqa: E402
from scrapes import Scrape, promtool  # noqa: E402
from varved import PATIENCE_S, run  # noqa: E402
import varve_protocol as vp  # noqa: E402

HOSTILE = ['plain', 'a"b', 'a\\', '\\"', '{x="y"} 1', 'le="+Inf"', "grüße", "# TYPE x counter", "\\n", "other"]


class Scraped(HttpServer):
    """Each scrape must be sound, alone and after the one before it."""

    last = None

    def scrape(self):
        status, headers, body = self.ask("GET", "/metrics")
        assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", headers
        now = Scrape(body.decode())
        now.check()
        if self.last is not None:
            now.check_after(self.last)
        self.last = now
        return now

    def wait_for(self, name, value, **labels):
        until = time.monotonic() + PATIENCE_S
        while self.scrape().value(name, absent=-1, **labels) != value:
            assert time.monotonic() < until, (name, labels, value, self.last.value(name, absent=-1, **labels))
            time.sleep(0.05)
        return self.last

    def client(self):
        return Client(("127.0.0.1", self.port))


def append(client, stream, kinds, source=None, expected=vp.ANY):
    return client.append(stream, expected, [event(kind, source=source) for kind in kinds])


def test_appends(folder):
    with Scraped(folder) as server:
        before, client = server.scrape(), server.client()
        known = [event("placed"), event("paid")]
        for _ in range(3):
            client.append("order-1", vp.NO_STREAM, known)  # Twice it is answered from the past.
        for n in range(40):
            append(client, f"order-{n % 7 + 2}", ["paid"] * (n % 5 + 1))
        for _ in range(5):
            refused(WRONG_EXPECTED_VERSION, append, client, "order-1", ["paid"], expected=77)
        events = 2 + sum(n % 5 + 1 for n in range(40))
        now = server.scrape()
        assert before.value("varve_events_appended_total") == 0
        assert now.value("varve_events_appended_total") == now.value("varve_last_position") == events
        assert now.value("varve_appends_total") == 41 and now.value("varve_append_replays_total") == 2
        assert now.value("varve_append_conflicts_total") == 5
        assert now.value("varve_requests_total", operation="APPEND", code="OK") == 43
        assert now.value("varve_requests_total", operation="APPEND", code="WRONG_EXPECTED_VERSION") == 5
        assert now.value("varve_requests_total", operation="HELLO", code="OK") == 1
        assert now.value("varve_request_duration_seconds_count", operation="APPEND") == 48
        assert now.value("varve_requests_failed_total") == 5 and now.value("varve_requests_in_progress") == 0
        # One connection that waits for each answer: every append that was stored is a group of its own.
        assert now.value("varve_commit_group_events_count") == now.value("varve_commit_duration_seconds_count") == 41
        assert now.value("varve_sync_duration_seconds_count") == 41
        assert now.value("varve_commit_group_events_sum") == events
        assert now.value("varve_commit_group_events_bucket", le="1") == 8
        assert now.value("varve_commit_group_events_bucket", le="2") == 17  # The two that were known are one of them.
        assert now.value("varve_commit_group_events_bucket", le="8") == 41
        assert now.value("varve_streams") == 8 and now.value("varve_connections") == 1
        assert now.value("varve_sync_duration_seconds_sum") <= now.value("varve_commit_duration_seconds_sum")


# What becomes of an event, by the last digit of its position: the first time, and from then on.
FATES = {3: ("retry", "ack"), 5: ("park", "park"), 8: ("skip", "skip")}


def work(member, events):
    """Finish them all; {fate: how often}. Acks are answered when they are durable, so nobody waits for each."""
    done, acks = dict.fromkeys(["ack", "retry", "park", "skip"], 0), []
    while done["ack"] + done["park"] + done["skip"] < events:
        for attempt, record in member.next():
            position = record["position"]
            fate = FATES.get(position % 10, ("ack", "ack"))[min(attempt, 2) - 1]
            if fate == "ack":
                acks.append(member.send_ack(position))
            else:
                action = {"retry": RETRY, "park": PARK, "skip": SKIP}[fate]
                assert member.nack(position, action=action, retry_after_ms=0 if fate == "retry" else None,
                                   reason="so it is") == (1, {})
            done[fate] += 1
    assert all(member.acked(ack) == (1, {}) for ack in acks)
    return done


def test_groups(folder):
    with Scraped(folder) as server:
        client, worker = server.client(), server.client()
        client.group_create("mail", settings_of(filter_of(categories=["order"])))
        refused(GROUP_EXISTS, client.group_create, "mail", settings_of())
        client.group_create("idle", settings_of(filter_of(categories=["order"])))
        for n in range(20):
            append(client, f"order-{n}", ["placed", "paid"], source="shop" if n < 8 else None)
        member = worker.join("mail", "one")
        done = work(member, 40)
        assert member.ack(999) == (0, {999: 24})  # NOT_DELIVERED
        assert min(done.values()) > 0 and done["park"] > 1, done
        now = server.wait_for("varve_group_parked_events", done["park"], group="mail")
        assert now.value("varve_group_acks_total") == now.sum("varve_events_consumed_total") == done["ack"]
        assert now.value("varve_group_nacks_total") == 40 - done["ack"] + done["retry"]
        assert now.value("varve_group_events_redelivered_total") == done["retry"]
        assert now.value("varve_group_events_delivered_total") == 40 + done["retry"]
        assert now.value("varve_group_acks_refused_total") == 1
        consumed = now.all("varve_events_consumed_total")
        assert set(consumed) == {("paid", "shop"), ("paid", "unknown"), ("placed", "shop"), ("placed", "unknown")}
        for kind in "placed", "paid":
            took = now.value("varve_event_processing_duration_seconds_count", event_type=kind, handler="mail")
            assert took == consumed[kind, "shop"] + consumed[kind, "unknown"], (kind, took, consumed)
        assert now.value("varve_requests_total", operation="GROUP_CREATE", code="OK") == 2
        assert now.value("varve_requests_total", operation="GROUP_CREATE", code="GROUP_EXISTS") == 1
        assert now.value("varve_requests_total", operation="GROUP_ACK", code="OK") == done["ack"] + 1
        assert now.value("varve_requests_total", operation="GROUP_JOIN", code="OK") == 0  # It goes on.
        assert now.value("varve_group_members", group="mail") == now.value("varve_group_consumers") == 1
        assert now.value("varve_group_members", group="idle") == 0 and now.value("varve_consumer_groups") == 2
        assert now.value("varve_group_lag_events", group="idle") == now.value("varve_last_position") - \
            now.value("varve_group_checkpoint", group="idle")
        assert member.cancel() == 16
        server.wait_for("varve_requests_total", 1, operation="GROUP_JOIN", code="CANCELLED")


def test_acks_of_transactions(folder):
    with Scraped(folder) as server:
        client = server.client()
        client.group_create("mail", settings_of(filter_of(categories=["order"])))
        append(client, "order-1", ["placed", "paid"], source="shop")
        member = client.join("mail", "one")
        first = member.events(1)[0][1]["position"]
        refused(WRONG_EXPECTED_VERSION, client.transact, [["sent-1", 7]], [event("sent")],
                ack=["mail", member.epoch, [first]])
        assert server.scrape().sum("varve_events_consumed_total") == 0
        client.transact([["sent-1", vp.NO_STREAM]], [event("sent")], ack=["mail", member.epoch, [first]])
        refused(FENCED, client.transact, [["sent-2", vp.NO_STREAM]], [event("sent")],
                ack=["mail", member.epoch, [first]])
        now = server.scrape()
        assert now.all("varve_events_consumed_total") == {("placed", "shop"): 1}
        assert now.value("varve_event_processing_duration_seconds_count", event_type="placed", handler="mail") == 1
        assert now.value("varve_transactions_total") == 1
        assert now.value("varve_requests_total", operation="TRANSACT", code="FENCED") == 1


def test_sagas(folder):
    with Scraped(folder) as server:
        client = server.client()
        for n in range(6):
            client.move_saga(BEGIN, "loan", str(n), step="check")
        client.transact(sagas=[change(BEGIN, "loan", "late", deadline=1), change(BEGIN, "trip", "1")])
        client.move_saga(STEP, "loan", "0", step="pay")
        known = uuid.uuid4().bytes
        for _ in range(2):  # The second time it is answered from the past, and counts no more.
            client.move_saga(COMPLETE, "loan", "0", event_id=known)
        client.transact(sagas=[change(COMPLETE, "loan", "1"), change(FAIL, "loan", "2")])
        now = server.wait_for("varve_saga_deadlines_fired_total", 1)
        assert now.value("varve_saga_duration_seconds_count", saga_type="loan") == 3
        assert ("trip",) not in now.all("varve_saga_duration_seconds_count")
        statuses = {status: count for (kind, status), count in now.all("varve_sagas").items() if kind == "loan"}
        assert statuses == {"running": 3, "compensating": 0, "timed_out": 1, "completed": 2, "failed": 1}, statuses
        changes = {change: count for (change,), count in now.all("varve_saga_changes_total").items()}
        assert changes == {"begin": 8, "step": 1, "compensate": 0, "complete": 2, "fail": 1, "archive": 0}, changes
        took = [saga["completed_at"] or saga["failed_at"] for saga in client.all_sagas(type="loan")]
        began = [saga["started_at"] for saga in client.all_sagas(type="loan")]
        exact = sum(end - start for end, start in zip(took, began) if end is not None) / 1e6
        assert abs(now.value("varve_saga_duration_seconds_sum", saga_type="loan") - exact) < 1e-6
        assert now.value("varve_sagas_overdue") == 0


def test_an_outbox(folder):
    with Scraped(folder, "--kafka-mock") as server:
        client = server.client()
        for n in range(30):
            append(client, f"order-{n % 4}", ["placed", "paid", "paid"], source="shop" if n % 3 == 0 else None)
        server.wait_for("varve_outbox_events_published_total", 90, outbox="kafka")
        now = server.scrape()  # All of which is younger than that figure.
        assert now.all("varve_events_published_total") == {("placed", "shop"): 10, ("placed", "unknown"): 20,
                                                           ("paid", "shop"): 20, ("paid", "unknown"): 40}
        now = server.wait_for("varve_outbox_queue_size", 0)
        assert now.value("varve_event_queue_lag_seconds") == 0
        assert now.sum("varve_outbox_state") == 1 and now.sum("varve_outbox_halted") == 0
        assert now.value("varve_outbox_breaker_state", outbox="kafka") == 0
        assert now.value("varve_outbox_info", outbox="kafka", mode="exactly_once") == 0  # A mock.
        assert now.value("varve_outbox_transaction_events_sum", outbox="kafka") == 90
        assert now.value("varve_outbox_publish_delay_seconds_count", outbox="kafka") == \
            now.value("varve_outbox_transaction_events_count", outbox="kafka")
        assert now.value("varve_outbox_commit_duration_seconds_count", outbox="kafka") == \
            now.value("varve_outbox_transactions_total", outbox="kafka")
        assert promtool(now.text) == ""


def test_an_outbox_whose_kafka_is_away(folder):
    with Scraped(folder, "--kafka", "127.0.0.1:1") as server:  # Nobody listens there.
        client = server.client()
        append(client, "order-1", ["placed"] * 12)
        now = server.wait_for("varve_outbox_queue_size", 12)
        until = time.monotonic() + PATIENCE_S
        while not now.sum("varve_event_publish_failures_total"):
            assert time.monotonic() < until
            time.sleep(0.05)
            now = server.scrape()
        assert now.value("varve_outbox_position", outbox="kafka") == 0
        assert now.value("varve_event_queue_lag_seconds") > 0
        assert not now.all("varve_events_published_total")
        assert {outbox for outbox, _ in now.all("varve_event_publish_failures_total")} == {"kafka"}
        assert now.sum("varve_event_publish_failures_total") % 12 == 0  # All of them, at each attempt.


def test_http(folder):
    with Scraped(folder) as server:
        for _ in range(5):
            assert server.ask("GET", "/health/ready")[0] == 200
        assert server.ask("GET", "/v1/streams/none")[0] == 404
        assert server.ask("POST", "/v1/streams/a-1", b'{"type":"placed"}',
                          {"Content-Type": "application/json"})[0] == 201
        now = server.scrape()
        assert now.value("varve_http_requests_total", operation="health_ready", code="200") == 5
        assert now.value("varve_http_requests_total", operation="stream_read", code="404") == 1
        assert now.value("varve_http_requests_total", operation="stream_append", code="201") == 1
        assert now.value("varve_http_request_duration_seconds_count", operation="health_ready") == 5
        assert now.value("varve_events_appended_total") == 1 and now.value("varve_appends_total") == 1
        assert ("metrics", "200") not in {(op, code) for code, op in now.all("varve_http_requests_total")}
        assert server.scrape().value("varve_http_requests_total", operation="metrics", code="200") == 1
        server.stop()


def acknowledge(member, count):
    acks = []
    while len(acks) < count:
        acks += [member.send_ack(record["position"]) for _, record in member.next()]
    assert all(member.acked(ack) == (1, {}) for ack in acks)


def test_labels_are_bounded_whatever_they_hold(folder):
    with Scraped(folder, "--metrics.label_values", "12") as server:
        client = server.client()
        client.group_create('a "group" \\', settings_of(filter_of(categories=["order"])))
        for n in range(20):
            client.group_create("z%02d" % n, settings_of(filter_of(categories=["none"])))
        member = client.join('a "group" \\', "one")
        for n, kind in enumerate(HOSTILE):
            append(client, f"order-{n}", [kind], source=kind)
        acknowledge(member, len(HOSTILE))
        for n in range(40):
            append(client, f"order-{n}", ["many-%d" % n], source="many-%d" % (n % 7))
        acknowledge(member, 40)
        now = server.scrape()
        consumed = now.all("varve_events_consumed_total")
        told = {kind for kind, _ in consumed}
        assert len(told) == 13 and set(HOSTILE) <= told, told
        for kind in HOSTILE[:-1]:
            assert consumed[kind, kind] == 1, (kind, consumed)
        assert sum(consumed.values()) == 50
        assert sum(count for (kind, _), count in consumed.items() if kind == "other") == 1 + 37
        took = now.all("varve_event_processing_duration_seconds_count")
        assert sum(took.values()) == 50 and {handler for _, handler in took} == {'a "group" \\'}
        groups = now.all("varve_group_members")
        assert len(groups) == 13 and groups['a "group" \\',] == 1 and groups["other",] == 0
        assert promtool(now.text) == ""


def test_scrapes_while_much_goes_on(folder):
    """Counters do not fall and histograms add up also while they are counted."""
    with Scraped(folder) as server:
        stopped, appended = threading.Event(), []

        def load():
            client, done = server.client(), 0
            while not stopped.is_set():
                append(client, "order-%d" % (done % 50), ["placed", "paid"])
                done += 1
            appended.append(done)

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(40):
            server.scrape()
        stopped.set()
        for thread in threads:
            thread.join()
        now = server.scrape()
        assert now.value("varve_appends_total") == sum(appended) > 40
        assert now.value("varve_events_appended_total") == now.value("varve_commit_group_events_sum") == \
            2 * sum(appended)
        assert now.value("varve_request_duration_seconds_count", operation="APPEND") == sum(appended)


if __name__ == "__main__":
    run([test for name, test in list(globals().items()) if name.startswith("test_")])
