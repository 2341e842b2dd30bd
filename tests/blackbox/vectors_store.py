"""Vectors of connections, of events and streams, of errors, frames and records; for make_vectors.py."""
import struct

from varve_protocol import HEADER, MAGIC, OPCODES, pack
from vector_bodies import BODIES, ENTRY, ID, NOW, RECORD, RECORD_FULL, event_body, pick, record_of, uid
from vector_family import Family, changed, later, malformed


def hello():
    f = Family("hello")
    m = {"min_version": 1, "max_version": 1, "client_name": "demo", "capabilities": []}
    f.good("HELLO", "HELLO", m, request_id=1)
    f.good("HELLO without a name", "HELLO", dict(m, client_name=""))
    f.good("HELLO over several versions", "HELLO", dict(m, max_version=3, client_name="n" * 128))
    f.other("HELLO with capabilities", "HELLO", [1, 1, "demo", ["x", "y"]], m,
            "a server of version 1 knows none and passes over them")
    later(f, "HELLO", m)
    malformed(f, "HELLO", BODIES["HELLO"](m))
    for name, body, field in (
            ("version 0", [0, 1, "demo", []], "min_version"),
            ("a negative version", [-1, 1, "demo", []], "min_version"),
            ("versions the wrong way round", [2, 1, "demo", []], "max_version"),
            ("a version of more than 32 bits", [1, 1 << 32, "demo", []], "max_version"),
            ("a name of 129 bytes", [1, 1, "n" * 129, []], "client_name"),
            ("a name with a newline", [1, 1, "demo\nlevel=error", []], "client_name")):
        f.bad("HELLO with " + name, "HELLO", body, "INVALID_ARGUMENT", field)
    f.bad("HELLO with a name that is not UTF-8", "HELLO", b"\x94\x01\x01\xa2\xc3\x28\x90", "INVALID_ARGUMENT",
          "client_name")
    f.bad("HELLO with a capability that is no text", "HELLO", [1, 1, "demo", [7]], "PROTOCOL")

    m = {"version": 1, "server_version": "0.1.0", "database_id": ID % 0xDB,
         "limits": {"max_frame_bytes": 9437184, "max_event_bytes": 1048576, "max_append_bytes": 8388608,
                    "max_append_events": 65536, "max_requests": 1024, "max_credit_bytes": 16777216},
         "capabilities": ["append", "read", "type", "category", "correlation", "id"], "last_position": 4711}
    f.good("HELLO_OK", "HELLO_OK", m, request_id=1)
    f.good("HELLO_OK of an empty store", "HELLO_OK", dict(m, capabilities=[], last_position=0))
    later(f, "HELLO_OK", m)
    body = BODIES["HELLO_OK"](m)
    f.other("HELLO_OK with a limit more", "HELLO_OK", changed(body, 3, body[3] + [99]), m,
            "unknown elements at the end of the limits are skipped")
    malformed(f, "HELLO_OK", body)
    f.bad("HELLO_OK with five limits", "HELLO_OK", changed(body, 3, body[3][:5]), "PROTOCOL")
    f.bad("HELLO_OK with a nil UUID", "HELLO_OK", changed(body, 2, bytes(16)), "INVALID_ARGUMENT", "database_id")
    f.bad("HELLO_OK with an id of 15 bytes", "HELLO_OK", changed(body, 2, bytes(15)), "INVALID_ARGUMENT", "database_id")
    f.bad("HELLO_OK with no id", "HELLO_OK", changed(body, 2, None), "PROTOCOL")
    f.write()


def ping():
    f = Family("ping")
    f.good("PING", "PING", {})
    later(f, "PING", {})
    malformed(f, "PING", [])
    m = {"server_time_us": NOW, "last_position": 4711}
    f.good("PONG", "PONG", m)
    f.good("PONG with large numbers", "PONG", {"server_time_us": (1 << 63) - 1, "last_position": (1 << 63) - 1})
    f.good("PONG before 1970", "PONG", {"server_time_us": -1, "last_position": 0})
    later(f, "PONG", m)
    malformed(f, "PONG", BODIES["PONG"](m))
    f.bad("PONG with a negative position", "PONG", [NOW, -1], "INVALID_ARGUMENT", "last_position")
    f.bad("PONG with a time of 64 bits", "PONG", [1 << 63, 1], "INVALID_ARGUMENT", "server_time_us")
    f.bad("PONG with a fraction", "PONG", [1.5, 1], "PROTOCOL")
    f.write()


EVENT = {"stream_index": 0, "id": ID % 1, "type": "order.placed", "schema_version": 1, "time": None,
         "correlation_id": None, "causation_id": None, "source": None, "user_id": None, "class": 0, "content_type": 0,
         "data": b'{"total":42}'.hex(), "metadata": None}
FULL = {"stream_index": 1, "id": ID % 2, "type": "stock.reserved", "schema_version": 3, "time": NOW - 5,
        "correlation_id": ID % 0xC0, "causation_id": ID % 1, "source": "shop", "user_id": "u-7", "class": 1,
        "content_type": 2, "data": "00ff80", "metadata": b'{"trace":"t1"}'.hex()}


def append():
    f = Family("append")
    m = {"streams": [{"stream": "order-42", "expected": -1}], "events": [EVENT]}
    f.good("APPEND", "APPEND", m, request_id=2)
    two = {"streams": [{"stream": "order-42", "expected": 5}, {"stream": "stock-7", "expected": -2},
                       {"stream": "customer-9", "expected": -3}],
           "events": [EVENT, FULL, dict(EVENT, id=None, time=-1, **{"class": 2})]}
    f.good("APPEND to two streams, checking a third", "APPEND", two)
    f.good("APPEND with long values", "APPEND", {
        "streams": [{"stream": "s" * 480, "expected": (1 << 63) - 1}],
        "events": [dict(EVENT, type="t" * 255, schema_version=(1 << 32) - 1, data="ab" * 65536, metadata="20" * 300,
                        source="\u00e9" * 100, user_id="\U0001f600", time=-(1 << 63) + 1)]})
    f.good("APPEND of an event without data", "APPEND", {"streams": m["streams"], "events": [dict(EVENT, data="")]})
    f.good("APPEND of twenty events", "APPEND", {"streams": m["streams"],
                                                 "events": [dict(EVENT, id=ID % i) for i in range(1, 21)]})
    later(f, "APPEND", m)
    f.other("APPEND with an event of a later version", "APPEND",
            [[["order-42", -1, "new"]], [event_body(EVENT) + [None, [1]]]], m,
            "unknown elements at the end of an event or a stream are skipped")
    f.other("APPEND with numbers wider than they need be", "APPEND",
            pack(BODIES["APPEND"](m)).replace(pack("order.placed") + b"\x01",
                                              pack("order.placed") + b"\xd3" + struct.pack(">q", 1)), m,
            "any width of integer, text or binary is accepted")
    malformed(f, "APPEND", BODIES["APPEND"](m))

    def with_event(name, value):
        return [[["order-42", -1]], [event_body(EVENT), event_body(dict(EVENT, **{name: value}))]]

    for name, field, value in (
            ("a stream_index past the streams", "stream_index", 1), ("a negative stream_index", "stream_index", -1),
            ("class 7", "class", 7), ("a negative class", "class", -1), ("content type 3", "content_type", 3),
            ("a schema_version of 33 bits", "schema_version", 1 << 32), ("a negative schema_version",
                                                                         "schema_version", -5),
            ("a time that does not fit", "time", 1 << 63), ("the least of all times", "time", -(1 << 63))):
        f.bad("APPEND with " + name, "APPEND", with_event(field, value), "INVALID_ARGUMENT", "events[1]." + field)
    for place, name in ((1, "id"), (5, "correlation_id"), (6, "causation_id")):
        for what, value in (("of 15 bytes", b"x" * 15), ("of 17 bytes", b"x" * 17), ("of no bytes", b""),
                            ("of zeroes", bytes(16))):
            f.bad("APPEND with %s %s" % (name, what), "APPEND",
                  [[["order-42", -1]], [changed(event_body(EVENT), place, value)]], "INVALID_ARGUMENT",
                  "events[0]." + name)
    f.bad("APPEND with an id as text", "APPEND", [[["order-42", -1]], [changed(event_body(EVENT), 1, ID % 1)]],
          "PROTOCOL")
    f.bad("APPEND with data as text", "APPEND", [[["order-42", -1]], [changed(event_body(EVENT), 11, "{}")]],
          "PROTOCOL")
    f.bad("APPEND expecting -4", "APPEND", [[["a-1", 0], ["order-42", -4]], [event_body(EVENT)]], "INVALID_ARGUMENT",
          "streams[1].expected")
    f.bad("APPEND expecting 2^63", "APPEND", [[["order-42", 1 << 63]], [event_body(EVENT)]], "INVALID_ARGUMENT",
          "streams[0].expected")
    f.bad("APPEND to no stream", "APPEND", [[], [event_body(EVENT)]], "INVALID_ARGUMENT", "streams")
    f.bad("APPEND of no event", "APPEND", [[["order-42", -1]], []], "INVALID_ARGUMENT", "events")
    f.bad("APPEND of an event of twelve elements", "APPEND", [[["order-42", -1]], [event_body(EVENT)[:12]]], "PROTOCOL")
    f.bad("APPEND with a huge count of events", "APPEND", b"\x92\x91\x92\xa1s\xff\xdd\xff\xff\xff\xff", "PROTOCOL")
    f.bad("APPEND with a count of events beyond its bytes", "APPEND",
          b"\x92\x91\x92\xa1s\xff\xdc\x00\x64" + b"\x9d" * 100, "PROTOCOL",
          why="100 events cannot be in 100 bytes: no memory is taken for them")
    f.bad("APPEND with data longer than the body", "APPEND",
          pack([[["order-42", -1]], [event_body(EVENT)]]).replace(b"\xc4\x0c{", b"\xc6\x7f\xff\xff\xff{"), "PROTOCOL")
    f.bad("APPEND, malformed after a bad field", "APPEND",
          pack([[["order-42", -9]], [event_body(EVENT)]])[:-1], "PROTOCOL", why="malformed bytes are reported first")

    def content(name, field, stream="order-42", error="INVALID_ARGUMENT", **event):
        f.bad("APPEND with " + name, "APPEND", [[[stream, -1]], [event_body(dict(EVENT, **event))]], error, field,
              checked="content")

    content("an empty stream name", "stream", "")
    content("a stream name of 481 bytes", "stream", "s" * 481)
    content("a control character in a stream name", "stream", "order\x07")
    content("a reserved stream name", "stream", "$stats")
    content("an empty type", "events[0].type", type="")
    content("a type of 256 bytes", "events[0].type", type="t" * 256)
    content("an empty source", "events[0].source", source="")
    content("a user_id of 256 bytes", "events[0].user_id", user_id="u" * 256)
    content("data that is not JSON", "events[0].data", data=b"{nope}".hex())
    content("JSON cut short", "events[0].data", data=b'{"a":1'.hex())
    content("data that is not msgpack", "events[0].data", content_type=1, data="c1")
    content("metadata that is not JSON", "events[0].metadata", metadata=b"x".hex())
    for name, place, field in (("stream", b"\xa8order-42", "stream"), ("type", b"\xacorder.placed", "events[0].type")):
        f.bad("APPEND with a %s that is not UTF-8" % name, "APPEND",
              pack([[["order-42", -1]], [event_body(EVENT)]]).replace(place, place[:-1] + b"\xff"), "INVALID_ARGUMENT",
              field, checked="content")

    for message in ("APPEND_OK", "STREAM_CHANGE_OK"):
        m = {"replayed": False, "results": [{"first_version": 0, "last_version": 0, "first_position": 4711,
                                             "last_position": 4711}]}
        f.good(message, message, m, request_id=2)
        f.good(message + " of a replay with a check", message, {"replayed": True, "results": m["results"] + [
            {"first_version": -1, "last_version": 7, "first_position": 0, "last_position": 0},
            {"first_version": 300, "last_version": 70000, "first_position": 1 << 40, "last_position": 1 << 41}]})
        later(f, message, m)
        malformed(f, message, BODIES[message](m))
        f.bad(message + " with version -2", message, [False, [[-2, 0, 1, 1]]], "INVALID_ARGUMENT",
              "results[0].first_version")
        f.bad(message + " with a negative position", message, [False, [[0, 0, 1, -1]]], "INVALID_ARGUMENT",
              "results[0].last_position")
    f.write()


def read():
    f = Family("read")
    m = {"kind": 1, "name": "order-42", "correlation_id": None, "backwards": False, "include_system": False,
         "from": 0, "limit": 0, "since": None, "until": None, "credit_bytes": 65536, "batch_bytes": 0}
    f.good("READ", "READ", m, request_id=4)
    f.good("READ all, backwards from the end", "READ", dict(m, kind=0, name=None, backwards=True, **{"from": None}))
    f.good("READ a category between two times", "READ", dict(m, kind=2, name="order", since=NOW, until=NOW + 1000000,
                                                             include_system=True, limit=100))
    f.good("READ a type from a position", "READ", dict(m, kind=3, name="order.placed", batch_bytes=4096,
                                                       credit_bytes=(1 << 32) - 1, **{"from": 1 << 40}))
    f.good("READ a correlation", "READ", dict(m, kind=4, name=None, correlation_id=ID % 0xC0))
    f.good("READ a system stream", "READ", dict(m, name="$$order-42"))
    later(f, "READ", m)
    body = BODIES["READ"](m)
    malformed(f, "READ", body)
    for name, place, value, field in (
            ("kind 5", 0, 5, "kind"), ("a negative kind", 0, -1, "kind"), ("no name", 1, None, "name"),
            ("an empty name", 1, "", "name"), ("a name of 491 bytes", 1, "n" * 491, "name"),
            ("a name with a control character", 1, "a\x00b", "name"),
            ("a correlation id it has no use for", 2, b"x" * 16, "correlation_id"),
            ("from -1", 5, -1, "from"), ("from 2^64 - 1", 5, (1 << 64) - 1, "from"), ("limit -1", 6, -1, "limit"),
            ("since that does not fit", 7, 1 << 63, "since"), ("the least of all times as until", 8, -(1 << 63),
                                                                      "until"),
            ("credit 0", 9, 0, "credit_bytes"), ("credit -1", 9, -1, "credit_bytes"),
            ("credit 2^32", 9, 1 << 32, "credit_bytes"), ("batch_bytes -1", 10, -1, "batch_bytes")):
        f.bad("READ with " + name, "READ", changed(body, place, value), "INVALID_ARGUMENT", field)
    f.bad("READ all with a name", "READ", changed(body, 0, 0), "INVALID_ARGUMENT", "name")
    f.bad("READ a correlation without its id", "READ", [4, None] + body[2:], "INVALID_ARGUMENT", "correlation_id")
    f.bad("READ a correlation with an id of zeroes", "READ", [4, None, bytes(16)] + body[3:], "INVALID_ARGUMENT",
          "correlation_id")
    f.bad("READ a type of 256 bytes", "READ", [3, "t" * 256] + body[2:], "INVALID_ARGUMENT", "name")
    f.bad("READ a name that is not UTF-8", "READ", pack(body).replace(b"order-42", b"order-4\xff"), "INVALID_ARGUMENT",
          "name")
    f.bad("READ with backwards as a number", "READ", changed(body, 3, 1), "PROTOCOL")

    f.good("CREDIT", "CREDIT", {"bytes": 65536})
    later(f, "CREDIT", {"bytes": 1})
    malformed(f, "CREDIT", [1])
    f.bad("CREDIT of nothing", "CREDIT", [0], "INVALID_ARGUMENT", "bytes")
    f.bad("CREDIT of 2^32", "CREDIT", [1 << 32], "INVALID_ARGUMENT", "bytes")
    f.good("CANCEL", "CANCEL", {})
    malformed(f, "CANCEL", [])

    m = {"records": [RECORD], "next": None}
    f.good("READ_BATCH", "READ_BATCH", m, request_id=4)
    f.good("READ_BATCH with more to come", "READ_BATCH", {"records": [RECORD, RECORD_FULL], "next": 4713})
    f.good("READ_BATCH without a record", "READ_BATCH", {"records": [], "next": 12})
    later(f, "READ_BATCH", m)
    malformed(f, "READ_BATCH", BODIES["READ_BATCH"](m))
    f.bad("READ_BATCH with a record as text", "READ_BATCH", [["x"], None], "PROTOCOL")
    f.bad("READ_BATCH with a negative next", "READ_BATCH", [[], -1], "INVALID_ARGUMENT", "next")
    f.bad("READ_BATCH with a huge count of records", "READ_BATCH", b"\x92\xdd\xff\xff\xff\xff", "PROTOCOL")
    f.good("READ_END", "READ_END", {"last_position": 4711}, request_id=4)
    later(f, "READ_END", {"last_position": 4711})
    malformed(f, "READ_END", [4711])
    f.bad("READ_END with a negative position", "READ_END", [-1], "INVALID_ARGUMENT", "last_position")
    f.write()


ENTRY_MEANING = {"stream": "order-42", "version": 7, "first_version": 2, "last_position": 4711, "created_at": NOW,
                 "updated_at": NOW + 9, "truncate_before": 2, "max_count": 0, "max_age_us": 0, "deleted": False,
                 "tombstoned": False}


def streams():
    f = Family("streams")
    f.good("STREAM_INFO", "STREAM_INFO", {"stream": "order-42"})
    f.good("STREAM_INFO of a system stream", "STREAM_INFO", {"stream": "$$" + "s" * 480})
    later(f, "STREAM_INFO", {"stream": "order-42"})
    malformed(f, "STREAM_INFO", ["order-42"])
    for name, value in (("an empty name", ""), ("a name of 491 bytes", "s" * 491), ("a newline", "a\nb")):
        f.bad("STREAM_INFO with " + name, "STREAM_INFO", [value], "INVALID_ARGUMENT", "stream")
    f.bad("STREAM_INFO with overlong UTF-8", "STREAM_INFO", b"\x91\xa2\xc0\xaf", "INVALID_ARGUMENT", "stream")
    f.bad("STREAM_INFO with a surrogate", "STREAM_INFO", b"\x91\xa3\xed\xa0\x80", "INVALID_ARGUMENT", "stream")
    f.good("STREAM_INFO_OK", "STREAM_INFO_OK", ENTRY_MEANING)
    f.good("STREAM_INFO_OK of a tombstone", "STREAM_INFO_OK",
           dict(ENTRY_MEANING, max_count=100, max_age_us=86400000000, deleted=True, tombstoned=True))
    later(f, "STREAM_INFO_OK", ENTRY_MEANING)
    body = BODIES["STREAM_INFO_OK"](ENTRY_MEANING)
    malformed(f, "STREAM_INFO_OK", body)
    f.bad("STREAM_INFO_OK with version -2", "STREAM_INFO_OK", changed(body, 1, -2), "INVALID_ARGUMENT", "version")

    m = {"prefix": "order-", "after": "order-41", "limit": 100, "include_system": False}
    f.good("STREAM_LIST", "STREAM_LIST", m)
    f.good("STREAM_LIST of everything", "STREAM_LIST", {"prefix": "", "after": "", "limit": 10000,
                                                        "include_system": True})
    later(f, "STREAM_LIST", m)
    body = BODIES["STREAM_LIST"](m)
    malformed(f, "STREAM_LIST", body)
    for name, place, value, field in (("limit 0", 2, 0, "limit"), ("limit 10,001", 2, 10001, "limit"),
                                      ("limit -1", 2, -1, "limit"), ("a prefix of 491 bytes", 0, "p" * 491, "prefix"),
                                      ("a control character in after", 1, "\x1f", "after")):
        f.bad("STREAM_LIST with " + name, "STREAM_LIST", changed(body, place, value), "INVALID_ARGUMENT", field)
    m = {"entries": [ENTRY_MEANING, dict(ENTRY_MEANING, stream="order-43", deleted=True)], "end": True}
    f.good("STREAM_LIST_OK", "STREAM_LIST_OK", m)
    f.good("STREAM_LIST_OK without an entry", "STREAM_LIST_OK", {"entries": [], "end": True})
    later(f, "STREAM_LIST_OK", m)
    malformed(f, "STREAM_LIST_OK", BODIES["STREAM_LIST_OK"](m))
    f.bad("STREAM_LIST_OK with a negative age", "STREAM_LIST_OK",
          [[changed(pick(ENTRY)(ENTRY_MEANING), 8, -1)], False], "INVALID_ARGUMENT", "entries[0].max_age_us")
    f.bad("STREAM_LIST_OK with an entry of ten elements", "STREAM_LIST_OK", [[pick(ENTRY)(ENTRY_MEANING)[:10]], False],
          "PROTOCOL")

    m = {"kind": 0, "stream": "order-42", "expected": -2, "truncate_before": 3, "max_count": 0, "max_age_us": 0}
    f.good("STREAM_CHANGE: truncate", "STREAM_CHANGE", m)
    f.good("STREAM_CHANGE: retention", "STREAM_CHANGE", dict(m, kind=1, truncate_before=0, max_count=100,
                                                             max_age_us=86400000000))
    f.good("STREAM_CHANGE: delete", "STREAM_CHANGE", dict(m, kind=2, truncate_before=0, expected=7))
    f.good("STREAM_CHANGE: tombstone", "STREAM_CHANGE", dict(m, kind=3, truncate_before=0, expected=-3))
    later(f, "STREAM_CHANGE", m)
    body = BODIES["STREAM_CHANGE"](m)
    malformed(f, "STREAM_CHANGE", body)
    for name, place, value, field in (("kind 4", 0, 4, "kind"), ("expected -4", 2, -4, "expected"),
                                      ("an empty name", 1, "", "stream"),
                                      ("truncate_before -1", 3, -1, "truncate_before"),
                                      ("max_count -1", 4, -1, "max_count"), ("max_age_us -1", 5, -1, "max_age_us"),
                                      ("max_count 2^63", 4, 1 << 63, "max_count")):
        f.bad("STREAM_CHANGE with " + name, "STREAM_CHANGE", changed(body, place, value), "INVALID_ARGUMENT", field)
    f.write()


def find():
    f = Family("find")
    f.good("FIND", "FIND", {"ids": [ID % 1, ID % 2]})
    later(f, "FIND", {"ids": [ID % 1]})
    body = [[uid(ID % 1)]]
    malformed(f, "FIND", body)
    f.bad("FIND of nothing", "FIND", [[]], "INVALID_ARGUMENT", "ids")
    f.bad("FIND of an id of 15 bytes", "FIND", [[b"x" * 16, b"x" * 15]], "INVALID_ARGUMENT", "ids[1]")
    f.bad("FIND of an id of zeroes", "FIND", [[bytes(16)]], "INVALID_ARGUMENT", "ids[0]")
    f.bad("FIND of nil", "FIND", [[None]], "PROTOCOL")
    f.good("FIND_OK", "FIND_OK", {"positions": [4711, 0, 1 << 40]})
    later(f, "FIND_OK", {"positions": [1]})
    malformed(f, "FIND_OK", [[4711]])
    f.bad("FIND_OK with a text", "FIND_OK", [["x"]], "PROTOCOL")
    f.good("GET", "GET", {"position": 4711})
    later(f, "GET", {"position": 1})
    malformed(f, "GET", [4711])
    f.bad("GET of position 0", "GET", [0], "INVALID_ARGUMENT", "position")
    f.bad("GET of position -1", "GET", [-1], "INVALID_ARGUMENT", "position")
    f.good("GET_OK", "GET_OK", {"record": RECORD_FULL})
    later(f, "GET_OK", {"record": RECORD})
    malformed(f, "GET_OK", [record_of(RECORD)])
    f.write()


def stats():
    f = Family("stats")
    f.good("STATS", "STATS", {})
    malformed(f, "STATS", [])
    m = {"stats": {"database_id": ID % 0xDB, "last_position": 4711, "stream_count": 12, "store_bytes": 1 << 40,
                   "disk_full": 0}}
    f.good("STATS_OK", "STATS_OK", m)
    f.good("STATS_OK without a figure", "STATS_OK", {"stats": {}})
    later(f, "STATS_OK", m)
    f.other("STATS_OK with values of later versions", "STATS_OK",
            [{"last_position": 1, "ratio": 0.5, "delta": -3, "list": [1, {"a": None}], "name": "x"}],
            {"stats": {"last_position": 1, "name": "x"}}, "what is neither a text nor a count is skipped")
    malformed(f, "STATS_OK", BODIES["STATS_OK"](m))
    f.bad("STATS_OK with a huge map", "STATS_OK", b"\x91\xdf\xff\xff\xff\xff", "PROTOCOL")
    f.bad("STATS_OK with a number as a name", "STATS_OK", [{7: 1}], "PROTOCOL")
    f.bad("STATS_OK with a figure without a name", "STATS_OK", [{"": 1, "long enough": 2}], "PROTOCOL")
    f.bad("STATS_OK with a value nested too deep", "STATS_OK", [{"x": [[[[[[[]]]]]]]}], "PROTOCOL")
    f.write()


def error():
    f = Family("error")
    m = {"number": 1, "name": "WRONG_EXPECTED_VERSION",
         "message": 'stream "order-42": expected 5, actual 0', "field": None, "limit": None,
         "retry_after_ms": None, "conflicts": [{"index": 0, "status": 1, "expected": 5, "actual": 0, "part": 0}]}
    f.good("ERROR of a conflict", "ERROR", m, request_id=3)
    plain = dict(m, conflicts=[])
    f.good("ERROR of a field", "ERROR", dict(plain, number=7, name="INVALID_ARGUMENT", field="events[3].class",
                                             message="events[3].class: expected an integer from 0 to 2"))
    f.good("ERROR with a limit", "ERROR", dict(plain, number=5, name="EVENT_TOO_LARGE", limit=1048576,
                                               message="events[0]: data and metadata may have 1048576 bytes"))
    f.good("ERROR of an overloaded server", "ERROR", dict(plain, number=10, name="OVERLOADED", retry_after_ms=50,
                                                          message="the queue is full"))
    f.good("ERROR of two streams", "ERROR", dict(m, conflicts=[
        {"index": 0, "status": 1, "expected": -1, "actual": 70000, "part": 0},
        {"index": 3, "status": 3, "expected": -2, "actual": -1, "part": 0}]))
    f.good("ERROR of a transaction, of every part", "ERROR", dict(m, number=27, name="SAGA_CONFLICT", conflicts=[
        {"index": 1, "status": 1, "expected": 5, "actual": 6, "part": 0},
        {"index": 0, "status": 27, "expected": 3, "actual": 4, "part": 1},
        {"index": 2, "status": 26, "expected": -1, "actual": 0, "part": 1},
        {"index": 0, "status": 1, "expected": 7, "actual": 8, "part": 2}]))
    f.good("ERROR of acks in a transaction", "ERROR", dict(m, number=23, name="FENCED", conflicts=[
        {"index": 0, "status": 23, "expected": 0, "actual": 0, "part": 3},
        {"index": 4, "status": 24, "expected": 0, "actual": 0, "part": 3}]))
    f.good("ERROR for a connection", "ERROR", dict(plain, number=17, name="PROTOCOL",
                                                   message="frame begins with 47 45, expected 56 a6"), request_id=0,
           why="request id 0: about the connection, which is closed after it")
    later(f, "ERROR", m)
    body = BODIES["ERROR"](m)
    f.other("ERROR of an older server", "ERROR", changed(body, 6, [[0, 1, 5, 0]]), m,
            "a conflict without its part is about a stream")
    f.other("ERROR with more about a conflict", "ERROR", changed(body, 6, [[0, 1, 5, 0, 0, "order-42"]]), m,
            "unknown elements at the end of a conflict are skipped")
    malformed(f, "ERROR", body)
    f.bad("ERROR with number 0", "ERROR", changed(body, 0, 0), "INVALID_ARGUMENT", "number")
    f.bad("ERROR with a conflict of status 0", "ERROR", changed(body, 6, [[0, 0, 1, 1]]), "INVALID_ARGUMENT",
          "conflicts[0].status")
    f.bad("ERROR with a conflict of part -1", "ERROR", changed(body, 6, [[0, 1, 5, 0, -1]]), "INVALID_ARGUMENT",
          "conflicts[0].part")
    f.bad("ERROR with a conflict of three elements", "ERROR", changed(body, 6, [[0, 1, 5]]), "PROTOCOL")
    f.bad("ERROR with retry_after_ms of 33 bits", "ERROR", changed(body, 5, 1 << 32), "INVALID_ARGUMENT",
          "retry_after_ms")
    f.write()


def frames():
    f = Family("frames")
    good = HEADER.pack(MAGIC, 1, OPCODES["PING"], 0, 0, 1, 1)
    f.raw("another magic", b"GET / HTTP/1.1\r\n", "PROTOCOL", "a browser on the wrong port")
    f.raw("TLS", bytes.fromhex("16030100a5010000a1030300000000000"[:32]), "PROTOCOL", "a TLS client on the wrong port")
    f.raw("second magic byte wrong", b"V\xa7" + good[2:], "PROTOCOL")
    f.raw("flags", good[:4] + b"\x00\x01" + good[6:], "PROTOCOL", "version 1 has no flags")
    f.raw("reserved bytes", good[:6] + b"\x80\x00" + good[8:], "PROTOCOL")
    f.raw("a body of 4 GiB", good[:8] + b"\xff\xff\xff\xff" + good[12:], "PROTOCOL")
    f.raw("a body of a byte above 32 MiB", good[:8] + struct.pack(">I", (32 << 20) + 1) + good[12:], "PROTOCOL")
    f.write()


def records():
    f = Family("records")

    def add(name, data, meaning=None, why=None):
        f.add(name=name, message=None, request_id=None, valid=meaning is not None, why=why, hex=data.hex(),
              meaning=meaning, error=None if meaning else "CORRUPT", field=None)

    add("a record", record_of(RECORD), RECORD)
    add("a record with everything", record_of(RECORD_FULL), RECORD_FULL)
    for size in (0, 1, 80, 140, 250, 255, 256, 900, 1024, 2000):
        add("a record with %d bytes of data" % size, record_of(dict(RECORD, content_type=2, data="5a" * size)),
            dict(RECORD, content_type=2, data="5a" * size), why="each length of input has its own path through XXH3")
    good = record_of(RECORD)
    add("a flipped bit in the data", good[:-15] + bytes([good[-15] ^ 1]) + good[-14:])
    add("a flipped bit in the checksum", good[:-1] + bytes([good[-1] ^ 0x80]))
    add("a flipped bit in the position", good[:5] + bytes([good[5] ^ 1]) + good[6:])
    add("a byte too few", good[:-1])
    add("a byte too many", good + b"\0")
    add("nothing", b"")
    f.write()


def health():
    f = Family("health")
    f.good("HEALTH", "HEALTH", {})
    malformed(f, "HEALTH", [])
    m = {"live": True, "ready": False, "checks": [
        {"name": "store", "good": True, "reason": ""},
        {"name": "disk", "good": False, "reason": "1.0 GiB are free, less than the reserve of 2.0 GiB"}],
        "uptime_s": 86400, "version": "0.1.0"}
    f.good("HEALTH_OK", "HEALTH_OK", m)
    f.good("HEALTH_OK without a check", "HEALTH_OK", dict(m, ready=True, checks=[]))
    later(f, "HEALTH_OK", m)
    f.other("HEALTH_OK with checks of a later version", "HEALTH_OK",
            [True, True, [["store", True, "", {"since": 7}]], 1, "x"],
            {"live": True, "ready": True, "checks": [{"name": "store", "good": True, "reason": ""}], "uptime_s": 1,
             "version": "x"}, "unknown elements at the end of a check are skipped")
    malformed(f, "HEALTH_OK", BODIES["HEALTH_OK"](m))
    f.bad("HEALTH_OK with a check of two elements", "HEALTH_OK", [True, True, [["store", True]], 1, "x"], "PROTOCOL")
    f.bad("HEALTH_OK with more checks than bytes", "HEALTH_OK",
          b"\x95\xc3\xc3\xdd\x00\xff\xff\xff\x01\xa1x", "PROTOCOL")
    f.bad("HEALTH_OK up since before the start", "HEALTH_OK", [True, True, [], -1, "x"], "INVALID_ARGUMENT", "uptime_s")
    f.write()


def config():
    f = Family("config")
    f.good("CONFIG", "CONFIG", {})
    malformed(f, "CONFIG", [])
    m = {"entries": [
        {"key": "http.max_body", "value": "8MiB", "origin": "default", "reloadable": True},
        {"key": "server.directory", "value": "/var/lib/varve", "origin": "/etc/varve/varved.ini:2",
         "reloadable": False},
        {"key": "outbox.loans.rdkafka.sasl.password", "value": "(secret)",
         "origin": "VARVED_OUTBOX__LOANS__RDKAFKA_SASL_PASSWORD", "reloadable": False}]}
    f.good("CONFIG_OK", "CONFIG_OK", m)
    f.good("CONFIG_OK without an entry", "CONFIG_OK", {"entries": []})
    later(f, "CONFIG_OK", m)
    f.other("CONFIG_OK with entries of a later version", "CONFIG_OK", [[["a.b", "1", "default", False, "more"]]],
            {"entries": [{"key": "a.b", "value": "1", "origin": "default", "reloadable": False}]},
            "unknown elements at the end of an entry are skipped")
    malformed(f, "CONFIG_OK", BODIES["CONFIG_OK"](m))
    f.bad("CONFIG_OK with an entry of three elements", "CONFIG_OK", [[["a.b", "1", "default"]]], "PROTOCOL")
    f.bad("CONFIG_OK with more entries than bytes", "CONFIG_OK", b"\x91\xdd\x00\xff\xff\xff", "PROTOCOL")
    f.write()


FAMILIES = (hello, ping, append, read, streams, find, stats, health, config, error, frames, records)
