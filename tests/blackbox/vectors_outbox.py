"""Vectors of the messages about outboxes; for make_vectors.py."""
import vector_bodies
from vector_bodies import NOW, pick
from vector_family import Family, changed
from vectors_consumers import out_of_range, usual

I64 = (1 << 63) - 1
WRONG_NAMES = (("an empty name", ""), ("a name of 65 bytes", "n" * 65), ("a space in its name", "a b"),
               ("a system name", "$kafka"), ("a name with an umlaut", "\u00e4"), ("a slash in its name", "a/b"))
FIGURES = {"phase": "RUN", "breaker": "CLOSED", "position": 4711, "head_position": 4712, "lag_events": 1,
           "reason": "", "publish_delay_us_p99": 9000}


def wrong_names(f, message, body):
    out_of_range(f, message, body, [(name, 0, value, "name") for name, value in WRONG_NAMES])


def figures_in(f, message, body_with):
    """body_with(a map) is a whole body."""
    f.bad(message + " with a figure without a name", message, body_with({"": 1, "long enough": 2}), "PROTOCOL")
    f.bad(message + " with a value nested too deep", message, body_with({"x": [[[[[[[[]]]]]]]]}), "PROTOCOL")


def outbox_list(f):
    body = usual(f, "OUTBOX_LIST", {"name": "kafka"}, request_id=12)
    f.good("OUTBOX_LIST of all", "OUTBOX_LIST", {"name": None})
    f.good("OUTBOX_LIST of a long name", "OUTBOX_LIST", {"name": "Kafka_2.eu-west" + "x" * 49})
    wrong_names(f, "OUTBOX_LIST", body)
    m = {"outboxes": [{"name": "kafka", "figures": FIGURES}, {"name": "audit", "figures": {"phase": "PAUSED"}}]}
    usual(f, "OUTBOX_LIST_OK", m, request_id=12)
    f.good("OUTBOX_LIST_OK without an outbox", "OUTBOX_LIST_OK", {"outboxes": []})
    f.good("OUTBOX_LIST_OK without a figure", "OUTBOX_LIST_OK", {"outboxes": [{"name": "kafka", "figures": {}}]})
    f.other("OUTBOX_LIST_OK with more about an outbox", "OUTBOX_LIST_OK",
            [[["kafka", {"position": 1, "ratio": 0.5, "list": [1]}, "x"]]],
            {"outboxes": [{"name": "kafka", "figures": {"position": 1}}]},
            "what is neither a text nor a count is skipped, as are unknown elements at the end")
    figures_in(f, "OUTBOX_LIST_OK", lambda figures: [[["kafka", figures]]])
    f.bad("OUTBOX_LIST_OK with an outbox of one element", "OUTBOX_LIST_OK", [[["kafka"]]], "PROTOCOL")
    f.bad("OUTBOX_LIST_OK with a huge count", "OUTBOX_LIST_OK", b"\x91\xdd\xff\xff\xff\xff", "PROTOCOL")
    f.bad("OUTBOX_LIST_OK with a huge map", "OUTBOX_LIST_OK", b"\x91\x91\x92\xa1k\xdf\xff\xff\xff\xff", "PROTOCOL")


def outbox_order(f):
    m = {"name": "kafka", "action": 0, "reset_to": 0, "position": 0, "until": 0, "stream": None, "type": None,
         "reason": "the brokers move"}
    body = usual(f, "OUTBOX_ORDER", m)
    f.good("OUTBOX_ORDER to resume", "OUTBOX_ORDER", dict(m, action=1, reason=None))
    for reset_to, position in ((0, 4711), (1, 0), (2, 0)):
        f.good("OUTBOX_ORDER of reset %d" % reset_to, "OUTBOX_ORDER",
               dict(m, action=2, reset_to=reset_to, position=position))
    f.good("OUTBOX_ORDER to retry all", "OUTBOX_ORDER", dict(m, action=3, reason=None))
    f.good("OUTBOX_ORDER to retry a stream", "OUTBOX_ORDER", dict(m, action=3, stream="order-42"))
    f.good("OUTBOX_ORDER to discard", "OUTBOX_ORDER", dict(m, action=4, position=17, reason="\u20ac" * 133))
    f.good("OUTBOX_ORDER to replay", "OUTBOX_ORDER", dict(m, action=5, position=1, until=4711))
    f.good("OUTBOX_ORDER to replay to the end", "OUTBOX_ORDER", dict(
        m, action=5, position=I64, until=0, stream="s" * 480, type="t" * 255, reason="r" * 400))
    wrong_names(f, "OUTBOX_ORDER", body)
    out_of_range(f, "OUTBOX_ORDER", body, (
        ("action 6", 1, 6, "action"), ("action -1", 1, -1, "action"), ("reset_to 3", 2, 3, "reset_to"),
        ("reset_to -1", 2, -1, "reset_to"), ("position -1", 3, -1, "position"), ("until -1", 4, -1, "until"),
        ("an empty stream", 5, "", "stream"), ("a stream of 491 bytes", 5, "s" * 491, "stream"),
        ("a newline in its stream", 5, "a\nb", "stream"), ("an empty type", 6, "", "type"),
        ("a type of 256 bytes", 6, "t" * 256, "type"), ("an empty reason", 7, "", "reason"),
        ("a reason of 401 bytes", 7, "r" * 401, "reason"), ("a newline in its reason", 7, "a\nb", "reason")))
    for name, action, place, value, field in (
            ("discard nothing", 4, 3, 0, "position"), ("replay from 0", 5, 3, 0, "position"),
            ("replay backwards", 5, 4, 3, "until")):
        f.bad("OUTBOX_ORDER to " + name, "OUTBOX_ORDER",
              changed(changed(changed(body, 3, 4), 1, action), place, value), "INVALID_ARGUMENT", field)
    body = usual(f, "OUTBOX_ORDER_OK", {"position": 4711, "count": 1})
    f.good("OUTBOX_ORDER_OK of nothing", "OUTBOX_ORDER_OK", {"position": 0, "count": 0})
    out_of_range(f, "OUTBOX_ORDER_OK", body, (("position -1", 0, -1, "position"), ("count -1", 1, -1, "count")))


LETTER = {"stream": "order-42", "position": 4711, "version": 17, "waiting": 3, "skipped": False, "retry_count": 3,
          "error_code": "MSG_SIZE_TOO_LARGE", "last_error": "1,000,512 bytes, and Kafka takes 1,000,000",
          "first_attempt": NOW, "last_attempt": NOW + 7}


def outbox_dead(f):
    m = {"name": "kafka", "stream": None, "after": "", "limit": 100}
    body = usual(f, "OUTBOX_DEAD", m)
    f.good("OUTBOX_DEAD of one stream", "OUTBOX_DEAD", dict(m, stream="order-42", limit=1))
    f.good("OUTBOX_DEAD that goes on", "OUTBOX_DEAD", dict(m, after="s" * 490, limit=1000))
    wrong_names(f, "OUTBOX_DEAD", body)
    out_of_range(f, "OUTBOX_DEAD", body, (
        ("an empty stream", 1, "", "stream"), ("a stream of 491 bytes", 1, "s" * 491, "stream"),
        ("after of 491 bytes", 2, "s" * 491, "after"), ("a newline in after", 2, "a\nb", "after"),
        ("limit 0", 3, 0, "limit"), ("limit 1,001", 3, 1001, "limit")))
    skipped = dict(LETTER, stream="order-43", waiting=1, skipped=True, last_error="", error_code="UNROUTABLE")
    usual(f, "OUTBOX_DEAD_OK", {"letters": [LETTER, skipped], "end": False})
    f.good("OUTBOX_DEAD_OK without a letter", "OUTBOX_DEAD_OK", {"letters": [], "end": True})
    row = pick(vector_bodies.LETTER)(LETTER)
    f.other("OUTBOX_DEAD_OK with more about a letter", "OUTBOX_DEAD_OK", [[row + [["x"]]], True],
            {"letters": [LETTER], "end": True}, "unknown elements at the end of a letter are skipped")
    for name, place, value in (("position", 1, 0), ("version", 2, -1), ("waiting", 3, -1), ("retry_count", 5, 1 << 32),
                               ("first_attempt", 8, 1 << 63), ("last_attempt", 9, 1 << 63)):
        f.bad("OUTBOX_DEAD_OK with a bad " + name, "OUTBOX_DEAD_OK", [[row, changed(row, place, value)], True],
              "INVALID_ARGUMENT", "letters[1]." + name)
    f.bad("OUTBOX_DEAD_OK with a letter of nine elements", "OUTBOX_DEAD_OK", [[row[:9]], True], "PROTOCOL")
    f.bad("OUTBOX_DEAD_OK with a huge count", "OUTBOX_DEAD_OK", b"\x92\xdd\xff\xff\xff\xff", "PROTOCOL")


EVENT = {"version": 17, "position": 4711, "type": "order.placed", "recorded_at": NOW, "fate": 1,
         "topic": "varve.order", "published_at": NOW + 9000, "retry_count": 0, "last_error": None}


def outbox_history(f):
    m = {"name": "kafka", "stream": "order-42", "from_version": 0, "limit": 100}
    body = usual(f, "OUTBOX_HISTORY", m)
    f.good("OUTBOX_HISTORY of the most", "OUTBOX_HISTORY", {"name": "n" * 64, "stream": "s" * 490,
                                                            "from_version": I64, "limit": 1000})
    wrong_names(f, "OUTBOX_HISTORY", body)
    out_of_range(f, "OUTBOX_HISTORY", body, (
        ("an empty stream", 1, "", "stream"), ("a stream of 491 bytes", 1, "s" * 491, "stream"),
        ("from_version -1", 2, -1, "from_version"), ("from_version 2^63", 2, 1 << 63, "from_version"),
        ("limit 0", 3, 0, "limit"), ("limit 1,001", 3, 1001, "limit")))
    usual(f, "OUTBOX_HISTORY_OK", {"end": True, "events": [
        EVENT, dict(EVENT, version=18, position=4712, fate=2, published_at=None, retry_count=3,
                    last_error="too large"),
        dict(EVENT, version=19, position=4713, fate=0, published_at=None),
        dict(EVENT, version=20, position=4714, fate=3, topic=None, published_at=None),
        dict(EVENT, version=21, position=4715, fate=4, published_at=None, retry_count=1)]})
    f.good("OUTBOX_HISTORY_OK without an event", "OUTBOX_HISTORY_OK", {"events": [], "end": True})
    row = pick(vector_bodies.FATE)(EVENT)
    f.other("OUTBOX_HISTORY_OK with more about an event", "OUTBOX_HISTORY_OK", [[row + [["x"]]], False],
            {"events": [EVENT], "end": False}, "unknown elements at the end of an event are skipped")
    for name, place, value in (("version", 0, -1), ("position", 1, 0), ("recorded_at", 3, 1 << 63), ("fate", 4, 5),
                               ("published_at", 6, -(1 << 63)), ("retry_count", 7, 1 << 32)):
        f.bad("OUTBOX_HISTORY_OK with a bad " + name, "OUTBOX_HISTORY_OK", [[row, changed(row, place, value)], True],
              "INVALID_ARGUMENT", "events[1]." + name)
    f.bad("OUTBOX_HISTORY_OK with an event of eight elements", "OUTBOX_HISTORY_OK", [[row[:8]], True], "PROTOCOL")
    f.bad("OUTBOX_HISTORY_OK with a huge count", "OUTBOX_HISTORY_OK", b"\x92\xdd\xff\xff\xff\xff", "PROTOCOL")


def outbox_verify(f):
    body = usual(f, "OUTBOX_VERIFY", {"name": "kafka", "depth": 1000})
    f.good("OUTBOX_VERIFY of all", "OUTBOX_VERIFY", {"name": "kafka", "depth": 0})
    wrong_names(f, "OUTBOX_VERIFY", body)
    out_of_range(f, "OUTBOX_VERIFY", body, (("depth -1", 1, -1, "depth"),))
    usual(f, "OUTBOX_VERIFY_OK", {"figures": {"agrees": 1, "records": 4711, "events": 4700, "missing": 0,
                                              "duplicates": 0, "checkpoint": 4711, "finding": ""}})
    figures_in(f, "OUTBOX_VERIFY_OK", lambda figures: [figures])
    f.bad("OUTBOX_VERIFY_OK with a huge map", "OUTBOX_VERIFY_OK", b"\x91\xdf\xff\xff\xff\xff", "PROTOCOL")


def outbox():
    f = Family("outbox")
    for part in (outbox_list, outbox_order, outbox_dead, outbox_history, outbox_verify):
        part(f)
    f.write()


FAMILIES = (outbox,)
