"""What a client does with subscriptions and consumer groups; every Client of harness.py can do it.

Several subscriptions and memberships may share a connection with ordinary calls: what comes for one of them while
another is waited for is kept for it."""
import collections

import varve_protocol as vp

CREDIT = 1 << 20
RETRY, PARK, SKIP, STOP = range(4)
BY_STREAM, BY_CATEGORY, BY_CORRELATION = range(3)
SETTINGS = ("filter", "key", "max_in_flight", "consumer_max_in_flight", "ack_timeout_ms", "max_attempts", "backoff_ms")
INFO = ("name", "settings", "stop_reason", "checkpoint", "last_position", "in_flight", "retrying", "parked", "acked",
        "redelivered", "created_at", "consumers")
CONSUMER = ("name", "epoch", "in_flight", "max_in_flight")
PARKED = ("position", "stream", "version", "type", "id", "attempts", "reason", "last_error", "first_attempt",
          "parked_at", "replaying")


def filter_of(streams=(), categories=(), types=(), prefixes=(), correlation_id=None, classes=0, include_system=False):
    return [list(streams), list(categories), list(types), list(prefixes), correlation_id, classes, include_system]


def settings_of(filter=None, key=BY_STREAM, max_in_flight=1000, consumer_max_in_flight=100, ack_timeout_ms=30000,
                max_attempts=5, backoff_ms=(1000, 5000, 30000)):
    return [filter or filter_of(), key, max_in_flight, consumer_max_in_flight, ack_timeout_ms, max_attempts,
            list(backoff_ms)]


def read_info(body):
    info = dict(zip(INFO, body))
    info["settings"] = dict(zip(SETTINGS, info["settings"]))
    info["consumers"] = [dict(zip(CONSUMER, consumer)) for consumer in info["consumers"]]
    return info


class Followed:
    """A request that is answered again and again until it ends. Raises Refused when it is ended by an ERROR.

    Credit is given back for all that is handed on, unless `gives_credit` is set to False."""

    def __init__(self, client, opcode, body, first):
        self.client, self.gives_credit = client, True
        self.request_id = client.send(opcode, body)
        client.kept[self.request_id] = collections.deque()
        try:
            self.first = client.answer(self.request_id, first)
        except client.refusal:
            del client.kept[self.request_id]
            raise

    def receive(self):
        """(name, body, size of the body) of the next message of this request."""
        name, _, body, size = self.client.receive_of(self.request_id)
        if name == "ERROR":
            del self.client.kept[self.request_id]
            raise self.client.refusal(body)
        if name in ("EVENTS", "GROUP_EVENTS") and self.gives_credit:
            self.credit(size)
        return name, body, size

    def credit(self, size):
        self.client.send("CREDIT", [size], self.request_id)

    def cancel(self):
        """CANCEL, and the number of the error it ends with; what came before that is dropped."""
        self.client.send("CANCEL", [], self.request_id)
        self.gives_credit = False
        while True:
            name, _, body, _ = self.client.receive_of(self.request_id)
            if name == "ERROR":
                del self.client.kept[self.request_id]
                return body[0]


class Subscription(Followed):
    """`position`: everything up to here was told about. `told`: the messages that came, EVENTS with their count."""

    def __init__(self, client, filter=None, after=0, credit=CREDIT, batch_bytes=0):
        super().__init__(client, "SUBSCRIBE", [filter or filter_of(), after, credit, batch_bytes], "SUBSCRIBED")
        self.after, self.last_position = self.first[:2]
        self.position, self.told = self.after, []

    def next(self):
        """(name, records) of the next message; no records unless it is EVENTS."""
        name, body, _ = self.receive()
        records = [vp.read_record(data) for data in body[0]] if name == "EVENTS" else []
        position = body[1] if name == "EVENTS" else body[0]
        assert position >= self.position, "went back from %d to %d" % (self.position, position)
        assert not records or self.position < records[0]["position"] and records[-1]["position"] <= position
        self.position = position
        self.told.append((name, len(records), position))
        return name, records

    def until(self, done):
        """The records that come until done(name, records so far)."""
        records = []
        while True:
            name, more = self.next()
            records += more
            if done(name, records):
                return records

    def events(self, count):
        return self.until(lambda name, records: len(records) >= count)

    def until_caught_up(self):
        return self.until(lambda name, records: name == "CAUGHT_UP")

    def until_position(self, position):
        return self.until(lambda name, records: self.position >= position)


class Membership(Followed):
    def __init__(self, client, group, consumer, max_in_flight=0, credit=CREDIT, takeover=False):
        super().__init__(client, "GROUP_JOIN", [group, consumer, max_in_flight, credit, takeover], "GROUP_JOINED")
        self.group = group
        self.epoch, self.checkpoint, self.ack_timeout_ms = self.first[:3]

    def next(self):
        """[(attempt, record)...] of the next message."""
        name, body, _ = self.receive()
        assert name == "GROUP_EVENTS", name
        return [(attempt, vp.read_record(data)) for attempt, data in body[0]]

    def events(self, count):
        deliveries = []
        while len(deliveries) < count:
            deliveries += self.next()
        return deliveries

    def ack(self, *positions):
        """(how many were taken, {position: error number of one that was not})"""
        return self.client.ack(self.group, self.epoch, *positions)

    def send_ack(self, *positions):
        """An ack is answered when it is durable: returns at once, with a number for acked()."""
        request_id = self.client.send("GROUP_ACK", [self.group, self.epoch, list(positions)])
        self.client.kept[request_id] = collections.deque()
        return request_id

    def acked(self, request_id):
        """As ack()."""
        done, refused = self.client.answer(request_id, "GROUP_ACK_OK")[:2]
        del self.client.kept[request_id]
        return done, dict(entry[:2] for entry in refused)

    def nack(self, *positions, action=RETRY, retry_after_ms=None, reason=None):
        return self.client.said("GROUP_NACK", self.group, self.epoch, positions, action, retry_after_ms, reason)

    def extend(self, *positions, by_ms=30000):
        return self.client.said("GROUP_EXTEND", self.group, self.epoch, positions, by_ms)


class Consumers:
    """The part of a Client that is about subscriptions and groups. Group calls give an info as a dict."""

    def subscribe(self, filter=None, after=0, **more):
        """`after` None: from the end."""
        return Subscription(self, filter, after, **more)

    def join(self, group, consumer, **more):
        return Membership(self, group, consumer, **more)

    def said(self, opcode, group, epoch, positions, *more):
        done, refused = self.call(opcode, [group, epoch, list(positions), *more])[:2]
        return done, dict(entry[:2] for entry in refused)

    def ack(self, group, epoch, *positions):
        return self.said("GROUP_ACK", group, epoch, positions)

    def group_create(self, group, settings=None, after=0):
        return read_info(self.call("GROUP_CREATE", [group, settings or settings_of(), after])[0])

    def group_update(self, group, settings=None, resume=False):
        return read_info(self.call("GROUP_UPDATE", [group, settings, resume])[0])

    def group_reset(self, group, after):
        return read_info(self.call("GROUP_RESET", [group, after])[0])

    def group_delete(self, group):
        return read_info(self.call("GROUP_DELETE", [group])[0])

    def group_info(self, group):
        return read_info(self.call("GROUP_INFO", [group])[0])

    def group_list(self):
        return [read_info(body) for body in self.call("GROUP_LIST", [])[0]]

    def parked_list(self, group, after=0, limit=1000):
        """([entry as a dict...], was that all?)"""
        entries, end = self.call("PARKED_LIST", [group, after, limit])[:2]
        return [dict(zip(PARKED, entry)) for entry in entries], end

    def parked_replay(self, group, position=None, limit=0):
        return self.call("PARKED_REPLAY", [group, position, limit])[0]

    def parked_discard(self, group, position=None, limit=0, reason=None):
        return self.call("PARKED_DISCARD", [group, position, limit, reason])[0]
