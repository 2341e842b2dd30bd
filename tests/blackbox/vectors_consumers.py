"""Vectors of subscriptions, consumer groups and parked events; for make_vectors.py."""
from varve_protocol import pack
from vector_bodies import BODIES, ID, NOW, RECORD, RECORD_FULL
from vector_family import Family, changed, later, malformed

U64 = (1 << 64) - 1
EVERYTHING = {"streams": [], "categories": [], "types": [], "prefixes": [], "correlation_id": None, "classes": 0,
              "include_system": False}
SOME = dict(EVERYTHING, categories=["order", "stock"], types=["order.placed", "stock.reserved"],
            correlation_id=ID % 0xC0, classes=3)


def usual(f, message, meaning, name=None, request_id=None):
    f.good(name or message, message, meaning, request_id=request_id)
    later(f, message, meaning)
    malformed(f, message, BODIES[message](meaning))
    return BODIES[message](meaning)


def out_of_range(f, message, body, cases):
    for name, place, value, field in cases:
        f.bad("%s with %s" % (message, name), message, changed(body, place, value), "INVALID_ARGUMENT", field)


# ---- filters, wherever they stand ------------------------------------------------------------------------------------


def good_filters(f, message, meaning_with):
    f.good(message + " of some categories and types", message, meaning_with(SOME))
    f.good(message + " of two streams", message, meaning_with(dict(EVERYTHING, streams=["order-42", "$$order-42"])))
    f.good(message + " of system streams by prefix", message,
           meaning_with(dict(EVERYTHING, prefixes=["$group-", "$parked-"], include_system=True)))
    f.good(message + " of 256 types", message,
           meaning_with(dict(EVERYTHING, types=["t%d" % i for i in range(256)])))


def bad_filters(f, message, body_with, within):
    """body_with(filter's array) is a whole body; `within` stands before the field's name."""
    good = [[], [], [], [], None, 0, False]
    for name, place, value, field in (
            ("an empty stream name", 0, [""], "streams[0]"), ("a stream name of 481 bytes", 0, ["s" * 481],
                                                              "streams[0]"),
            ("a category with a hyphen", 1, ["order", "order-42"], "categories[1]"),
            ("a type of 256 bytes", 2, ["t" * 256], "types[0]"), ("a control character in a prefix", 3, ["a\x01"],
                                                                  "prefixes[0]"),
            ("257 types", 2, ["t%d" % i for i in range(257)], "types"),
            ("a correlation id of 15 bytes", 4, b"x" * 15, "correlation_id"),
            ("a correlation id of zeroes", 4, bytes(16), "correlation_id"), ("class 3", 5, 8, "classes"),
            ("classes -1", 5, -1, "classes")):
        f.bad("%s with %s" % (message, name), message, body_with(changed(good, place, value)), "INVALID_ARGUMENT",
              within + "filter." + field)
    f.bad(message + " of a stream outside of its category", message,
          body_with([["order-1"], ["payment"], [], [], None, 0, False]), "INVALID_ARGUMENT", within + "filter",
          why="no event can match")
    f.bad(message + " of system streams without asking for them", message,
          body_with([[], [], [], ["$group-"], None, 0, False]), "INVALID_ARGUMENT", within + "filter",
          why="no event can match")
    f.bad(message + " with a filter of six elements", message, body_with(good[:6]), "PROTOCOL")
    f.bad(message + " with a type as bytes", message, body_with(changed(good, 2, [b"t"])), "PROTOCOL")
    f.bad(message + " with types as a text", message, body_with(changed(good, 2, "t")), "PROTOCOL")


# ---- the families ----------------------------------------------------------------------------------------------------


def subscribe():
    f = Family("subscribe")
    m = {"filter": dict(EVERYTHING, types=["order.placed"]), "after": 4710, "credit_bytes": 65536, "batch_bytes": 0}
    body = usual(f, "SUBSCRIBE", m, request_id=5)
    f.good("SUBSCRIBE to everything from the beginning", "SUBSCRIBE", dict(m, filter=EVERYTHING, after=0))
    f.good("SUBSCRIBE from the end", "SUBSCRIBE", dict(m, after=None, batch_bytes=4096))
    good_filters(f, "SUBSCRIBE", lambda wanted: dict(m, filter=wanted))
    f.other("SUBSCRIBE with a filter of a later version", "SUBSCRIBE", changed(body, 0, body[0] + [["x"]]), m,
            "unknown elements at the end of a filter are skipped")
    bad_filters(f, "SUBSCRIBE", lambda wanted: changed(body, 0, wanted), "")
    out_of_range(f, "SUBSCRIBE", body, (
        ("after -1", 1, -1, "after"), ("after 2^64 - 1", 1, U64, "after"), ("credit 0", 2, 0, "credit_bytes"),
        ("credit 2^32", 2, 1 << 32, "credit_bytes"), ("batch_bytes -1", 3, -1, "batch_bytes")))
    f.bad("SUBSCRIBE with a huge count of streams", "SUBSCRIBE", b"\x94\x97\xdd\xff\xff\xff\xff", "PROTOCOL")

    body = usual(f, "SUBSCRIBED", {"after": 4710, "last_position": 4711}, request_id=5)
    out_of_range(f, "SUBSCRIBED", body, (("after -1", 0, -1, "after"), ("last_position -1", 1, -1, "last_position")))
    m = {"records": [RECORD], "position": 4711}
    usual(f, "EVENTS", m, request_id=5)
    f.good("EVENTS of two records", "EVENTS", {"records": [RECORD, RECORD_FULL], "position": 4720})
    f.good("EVENTS without a record", "EVENTS", {"records": [], "position": 4720})
    f.bad("EVENTS with a record as text", "EVENTS", [["x"], 4711], "PROTOCOL")
    f.bad("EVENTS with a negative position", "EVENTS", [[], -1], "INVALID_ARGUMENT", "position")
    f.bad("EVENTS with a huge count of records", "EVENTS", b"\x92\xdd\xff\xff\xff\xff", "PROTOCOL")
    for message in ("CAUGHT_UP", "FELL_BEHIND", "CHECKPOINT"):
        usual(f, message, {"position": 4711}, request_id=5)
        f.good(message + " of an empty store", message, {"position": 0})
        f.bad(message + " with a negative position", message, [-1], "INVALID_ARGUMENT", "position")
    f.write()


DEFAULTS = {"filter": EVERYTHING, "key": 0, "max_in_flight": 1000, "consumer_max_in_flight": 100,
            "ack_timeout_ms": 30000, "max_attempts": 5, "backoff_ms": [1000, 5000, 30000]}
LARGEST = {"filter": SOME, "key": 2, "max_in_flight": 10000, "consumer_max_in_flight": 10000,
           "ack_timeout_ms": 86400000, "max_attempts": 1000, "backoff_ms": [86400000] * 16}
LEAST = dict(DEFAULTS, key=1, max_in_flight=1, consumer_max_in_flight=1, ack_timeout_ms=100, max_attempts=1,
             backoff_ms=[])
RUNS = {"name": "mailer", "settings": DEFAULTS, "stop_reason": None, "checkpoint": 4700, "last_position": 4711,
        "in_flight": 3, "retrying": 1, "parked": 2, "acked": 4698, "redelivered": 7, "created_at": NOW,
        "consumers": [{"consumer": "host-1", "epoch": 17, "in_flight": 3, "max_in_flight": 100}]}
STOPPED = dict(RUNS, name="stock", stop_reason="the warehouse is closed", settings=LARGEST, consumers=[])
WRONG_NAMES = (("an empty name", ""), ("a name of 129 bytes", "g" * 129), ("a system name", "$group"),
               ("a control character in its name", "a\nb"))


def wrong_groups(f, message, body):
    for name, value in WRONG_NAMES:
        f.bad("%s with %s" % (message, name), message, changed(body, 0, value), "INVALID_ARGUMENT", "group")


def settings_out_of_range(f, message, body):
    for name, place, value, field in (
            ("key 3", 1, 3, "key"), ("key -1", 1, -1, "key"), ("nothing in flight", 2, 0, "max_in_flight"),
            ("10,001 in flight", 2, 10001, "max_in_flight"),
            ("nothing in flight for a consumer", 3, 0, "consumer_max_in_flight"),
            ("10,001 in flight for a consumer", 3, 10001, "consumer_max_in_flight"),
            ("an ack timeout of 99 ms", 4, 99, "ack_timeout_ms"),
            ("an ack timeout of more than a day", 4, 86400001, "ack_timeout_ms"),
            ("no attempts", 5, 0, "max_attempts"), ("1,001 attempts", 5, 1001, "max_attempts"),
            ("17 backoffs", 6, [1] * 17, "backoff_ms"), ("a backoff of more than a day", 6, [1, 86400001],
                                                         "backoff_ms[1]"),
            ("a backoff of 2^32 ms", 6, [1 << 32], "backoff_ms[0]")):
        f.bad("%s with %s" % (message, name), message, changed(body, 1, changed(body[1], place, value)),
              "INVALID_ARGUMENT", "settings." + field)
    f.bad(message + " with settings of six elements", message, changed(body, 1, body[1][:6]), "PROTOCOL")


def group_requests(f):
    m = {"group": "mailer", "settings": DEFAULTS, "after": 0}
    body = usual(f, "GROUP_CREATE", m)
    f.good("GROUP_CREATE with the largest settings", "GROUP_CREATE", dict(m, settings=LARGEST, after=None))
    f.good("GROUP_CREATE with the least settings", "GROUP_CREATE", {"group": "g" * 128, "settings": LEAST,
                                                                    "after": (1 << 63) - 1})
    good_filters(f, "GROUP_CREATE", lambda wanted: dict(m, settings=dict(DEFAULTS, filter=wanted)))
    f.other("GROUP_CREATE with settings of a later version", "GROUP_CREATE", changed(body, 1, body[1] + [None, 7]), m,
            "unknown elements at the end of settings are skipped")
    wrong_groups(f, "GROUP_CREATE", body)
    settings_out_of_range(f, "GROUP_CREATE", body)
    bad_filters(f, "GROUP_CREATE", lambda wanted: changed(body, 1, changed(body[1], 0, wanted)), "settings.")
    out_of_range(f, "GROUP_CREATE", body, (("after -1", 2, -1, "after"), ("after 2^64 - 1", 2, U64, "after")))

    m = {"group": "mailer", "settings": LEAST, "resume": False}
    body = usual(f, "GROUP_UPDATE", m)
    f.good("GROUP_UPDATE that resumes", "GROUP_UPDATE", dict(m, settings=None, resume=True))
    wrong_groups(f, "GROUP_UPDATE", body)
    settings_out_of_range(f, "GROUP_UPDATE", body)
    f.bad("GROUP_UPDATE with resume as a number", "GROUP_UPDATE", changed(body, 2, 1), "PROTOCOL")
    body = usual(f, "GROUP_RESET", {"group": "mailer", "after": 4000})
    f.good("GROUP_RESET to the end", "GROUP_RESET", {"group": "mailer", "after": None})
    wrong_groups(f, "GROUP_RESET", body)
    out_of_range(f, "GROUP_RESET", body, (("after -1", 1, -1, "after"),))
    for message in ("GROUP_DELETE", "GROUP_INFO"):
        wrong_groups(f, message, usual(f, message, {"group": "mailer"}))
    usual(f, "GROUP_LIST", {})


def group_answers(f):
    body = usual(f, "GROUP_OK", RUNS)
    f.good("GROUP_OK of a stopped group", "GROUP_OK", STOPPED)
    f.good("GROUP_OK stopped without a word", "GROUP_OK", dict(STOPPED, stop_reason=""))
    f.other("GROUP_OK with more about the group and its consumers", "GROUP_OK",
            [changed(body[0], 11, [body[0][11][0] + ["10.0.0.7"]]) + [12]], RUNS,
            "unknown elements at the end of an info and of a consumer are skipped")
    f.bad("GROUP_OK with a negative checkpoint", "GROUP_OK", [changed(body[0], 3, -1)], "INVALID_ARGUMENT",
          "checkpoint")
    f.bad("GROUP_OK with a consumer in flight below 0", "GROUP_OK", [changed(body[0], 11, [["c", 1, -1, 1]])],
          "INVALID_ARGUMENT", "consumers[0].in_flight")
    f.bad("GROUP_OK with an info of eleven elements", "GROUP_OK", [body[0][:11]], "PROTOCOL")
    quiet = dict(RUNS, consumers=[])
    usual(f, "GROUP_LIST_OK", {"groups": [quiet, STOPPED]})
    f.good("GROUP_LIST_OK without a group", "GROUP_LIST_OK", {"groups": []})
    f.bad("GROUP_LIST_OK with a huge count", "GROUP_LIST_OK", b"\x91\xdd\xff\xff\xff\xff", "PROTOCOL")


def group_members(f):
    m = {"group": "mailer", "consumer": "host-1", "max_in_flight": 0, "credit_bytes": 65536, "takeover": False}
    body = usual(f, "GROUP_JOIN", m, request_id=6)
    f.good("GROUP_JOIN that takes over", "GROUP_JOIN", dict(m, max_in_flight=10000, takeover=True))
    wrong_groups(f, "GROUP_JOIN", body)
    out_of_range(f, "GROUP_JOIN", body, (
        ("an empty consumer", 1, "", "consumer"), ("a consumer of 129 bytes", 1, "c" * 129, "consumer"),
        ("a newline in the consumer's name", 1, "a\nb", "consumer"), ("10,001 in flight", 2, 10001, "max_in_flight"),
        ("-1 in flight", 2, -1, "max_in_flight"), ("credit 0", 3, 0, "credit_bytes")))
    body = usual(f, "GROUP_JOINED", {"epoch": 17, "checkpoint": 4710, "ack_timeout_ms": 30000}, request_id=6)
    out_of_range(f, "GROUP_JOINED", body, (("epoch 0", 0, 0, "epoch"),))
    body = usual(f, "GROUP_EVENTS", {"deliveries": [{"attempt": 1, "record": RECORD}]}, request_id=6)
    f.good("GROUP_EVENTS with a second attempt", "GROUP_EVENTS", {"deliveries": [
        {"attempt": 2, "record": RECORD}, {"attempt": 1, "record": RECORD_FULL}]})
    f.other("GROUP_EVENTS with more about a delivery", "GROUP_EVENTS", [[body[0][0] + [NOW]]],
            {"deliveries": [{"attempt": 1, "record": RECORD}]}, "unknown elements at the end of a delivery are skipped")
    f.bad("GROUP_EVENTS with attempt 0", "GROUP_EVENTS", [[[0, b"x"]]], "INVALID_ARGUMENT", "deliveries[0].attempt")
    f.bad("GROUP_EVENTS with a huge count", "GROUP_EVENTS", b"\x91\xdd\xff\xff\xff\xff", "PROTOCOL")


def group_acks(f):
    m = {"group": "mailer", "epoch": 17, "positions": [4711]}
    nack = dict(m, action=0, retry_after_ms=250, reason="the mail server says 451")
    for message, meaning in (("GROUP_ACK", m), ("GROUP_NACK", nack), ("GROUP_EXTEND", dict(m, by_ms=60000))):
        body = usual(f, message, meaning, request_id=7 if message == "GROUP_ACK" else None)
        f.good(message + " of several", message, dict(meaning, positions=[4711, 4720, 1 << 40]))
        wrong_groups(f, message, body)
        out_of_range(f, message, body, (
            ("epoch 0", 1, 0, "epoch"), ("no position", 2, [], "positions"), ("position 0", 2, [1, 0], "positions[1]")))
        f.bad(message + " with a huge count", message, b"\x96" + pack(body[:2])[1:] + b"\xdd\xff\xff\xff\xff",
              "PROTOCOL")
    f.bad("GROUP_ACK with 10,001 positions", "GROUP_ACK", ["mailer", 17, [1] * 10001], "INVALID_ARGUMENT", "positions")
    for action, name in enumerate(("retry", "park", "skip", "stop")):
        f.good("GROUP_NACK: " + name, "GROUP_NACK", dict(nack, action=action, retry_after_ms=None, reason=None))
    out_of_range(f, "GROUP_NACK", BODIES["GROUP_NACK"](nack), (
        ("action 4", 3, 4, "action"), ("a retry after more than a day", 4, 86400001, "retry_after_ms"),
        ("a retry in the past", 4, -1, "retry_after_ms"), ("an empty reason", 5, "", "reason"),
        ("a reason of 1,025 bytes", 5, "r" * 1025, "reason"), ("a reason of two lines", 5, "a\nb", "reason")))
    out_of_range(f, "GROUP_EXTEND", BODIES["GROUP_EXTEND"](dict(m, by_ms=1)), (
        ("no time", 3, 0, "by_ms"), ("more than a day", 3, 86400001, "by_ms")))
    m = {"done": 1, "refused": []}
    usual(f, "GROUP_ACK_OK", m, request_id=7)
    f.good("GROUP_ACK_OK that refuses two", "GROUP_ACK_OK", {"done": 0, "refused": [
        {"position": 4711, "status": 23}, {"position": 4712, "status": 24}]})
    f.bad("GROUP_ACK_OK with status 0", "GROUP_ACK_OK", [0, [[1, 0]]], "INVALID_ARGUMENT", "refused[0].status")


def group():
    f = Family("group")
    for part in (group_requests, group_answers, group_members, group_acks):
        part(f)
    f.write()


def parked():
    f = Family("parked")
    m = {"group": "mailer", "after": 0, "limit": 100}
    body = usual(f, "PARKED_LIST", m)
    wrong_groups(f, "PARKED_LIST", body)
    out_of_range(f, "PARKED_LIST", body, (("after -1", 1, -1, "after"), ("limit 0", 2, 0, "limit"),
                                          ("limit 1,001", 2, 1001, "limit")))
    replay = {"group": "mailer", "position": 4711, "limit": 0}
    discard = dict(replay, reason="done by hand")
    for message, meaning in (("PARKED_REPLAY", replay), ("PARKED_DISCARD", discard)):
        body = usual(f, message, meaning)
        f.good(message + " of all", message, dict(meaning, position=None))
        f.good(message + " of the oldest ten", message, dict(meaning, position=None, limit=10))
        wrong_groups(f, message, body)
        out_of_range(f, message, body, (("position 0", 1, 0, "position"), ("limit -1", 2, -1, "limit")))
    f.good("PARKED_DISCARD without a reason", "PARKED_DISCARD", dict(discard, reason=None))
    out_of_range(f, "PARKED_DISCARD", BODIES["PARKED_DISCARD"](discard), (
        ("a reason of 1,025 bytes", 3, "r" * 1025, "reason"),))
    entry = {"position": 4711, "stream": "order-42", "version": 7, "type": "order.placed", "id": ID % 1, "attempts": 5,
             "reason": "max_attempts", "last_error": "the mail server says 451", "first_attempt": NOW,
             "parked_at": NOW + 9, "replaying": False}
    bare = dict(entry, position=4712, reason="timeout", last_error=None, replaying=True)
    body = usual(f, "PARKED_LIST_OK", {"entries": [entry, bare], "end": True})
    f.good("PARKED_LIST_OK without an entry", "PARKED_LIST_OK", {"entries": [], "end": True})
    f.other("PARKED_LIST_OK with more about an entry", "PARKED_LIST_OK", [[body[0][0] + ["host-1"]], False],
            {"entries": [entry], "end": False}, "unknown elements at the end of an entry are skipped")
    f.bad("PARKED_LIST_OK with position 0", "PARKED_LIST_OK", [[changed(body[0][0], 0, 0)], True], "INVALID_ARGUMENT",
          "entries[0].position")
    f.bad("PARKED_LIST_OK with an id of zeroes", "PARKED_LIST_OK", [[body[0][0], changed(body[0][1], 4, bytes(16))],
                                                                   True], "INVALID_ARGUMENT", "entries[1].id")
    f.bad("PARKED_LIST_OK without an id", "PARKED_LIST_OK", [[changed(body[0][0], 4, None)], True], "PROTOCOL")
    f.bad("PARKED_LIST_OK with a huge count", "PARKED_LIST_OK", b"\x92\xdd\xff\xff\xff\xff", "PROTOCOL")
    usual(f, "PARKED_OK", {"count": 12})
    f.bad("PARKED_OK with a negative count", "PARKED_OK", [-1], "INVALID_ARGUMENT", "count")
    f.write()


FAMILIES = (subscribe, group, parked)
