"""Vectors of transactions, sagas, snapshots and loading; for make_vectors.py."""
from varve_protocol import pack
from vector_bodies import BODIES, ID, NOW, append_body, change_body, saga_body, snapshot_body
from vector_family import Family, changed
from vectors_consumers import out_of_range, usual
from vectors_store import EVENT

I64 = (1 << 63) - 1
NOTHING = {"streams": [], "events": [], "sagas": [], "checkpoints": [], "ack": None}
BEGIN = {"action": 0, "type": "order", "id": "o-42", "expected": -3, "step": "reserve", "state": b'{"total":42}'.hex(),
         "content_type": 0, "deadline": NOW + 60000000, "error": "", "event_id": None, "correlation_id": None,
         "causation_id": None}
STEP = dict(BEGIN, action=1, expected=0, step="pay", state=None, event_id=ID % 3, correlation_id=ID % 0xC0,
            causation_id=ID % 2)
COMPENSATE = dict(BEGIN, action=2, expected=1, step="release", deadline=None, error="the card was refused")
COMPLETE = dict(BEGIN, action=3, expected=2, step="", deadline=None)
FAIL = dict(COMPLETE, action=4, state=None, error="nothing more can be done")
ARCHIVE = dict(COMPLETE, action=5, expected=3, state=None)
MOVE = {"name": "mailer", "position": 4711, "expected": -1, "event_id": None}
ACK = {"group": "mailer", "epoch": 17, "positions": [4711]}


# ---- transactions ----------------------------------------------------------------------------------------------------


def good_transactions(f):
    m = dict(NOTHING, streams=[{"stream": "order-42", "expected": 5}], events=[EVENT], sagas=[STEP],
             checkpoints=[MOVE], ack=ACK)
    body = usual(f, "TRANSACT", m, request_id=8)
    f.good("TRANSACT that begins a saga", "TRANSACT", dict(NOTHING, sagas=[BEGIN]))
    f.good("TRANSACT of every action", "TRANSACT", dict(NOTHING, sagas=[
        dict(saga, id="o-%d" % i) for i, saga in enumerate((BEGIN, STEP, COMPENSATE, COMPLETE, FAIL, ARCHIVE))]))
    f.good("TRANSACT of events alone", "TRANSACT", dict(m, sagas=[], checkpoints=[], ack=None))
    f.good("TRANSACT with a check of two streams", "TRANSACT", dict(NOTHING, sagas=[FAIL], streams=[
        {"stream": "order-42", "expected": 5}, {"stream": "stock-7", "expected": -3}]))
    f.good("TRANSACT with a checkpoint of every kind", "TRANSACT", dict(
        m, sagas=[], ack=None, checkpoints=[dict(MOVE, name="c%d" % i, expected=expected, event_id=ID % (i + 1))
                                            for i, expected in enumerate((-3, -2, -1, 0, I64))]))
    f.good("TRANSACT with long values", "TRANSACT", dict(
        NOTHING, checkpoints=[dict(MOVE, name="c" * 128, position=I64)],
        ack=dict(ACK, group="g" * 128, epoch=1 << 40, positions=[1, 4711, 1 << 40]),
        sagas=[dict(COMPENSATE, type="Order_2.x", id="\u00e9" * 128, step="s" * 128, error="\u20ac" * 341,
                    content_type=2, state="00ff" * 3000, expected=I64)]))
    f.good("TRANSACT with an empty state", "TRANSACT", dict(NOTHING, sagas=[dict(BEGIN, content_type=2, state="")]),
           why="it replaces the state by an empty one; nil keeps it")
    f.good("TRANSACT of nothing", "TRANSACT", NOTHING, why="well-formed; a server refuses it for having nothing to do")
    f.other("TRANSACT with parts of a later version", "TRANSACT",
            append_body(m) + [[change_body(STEP) + [["x"]]], [["mailer", 4711, -1, None, "host-1"]],
                              ["mailer", 17, [4711], "x"]], m,
            "unknown elements at the end of a saga, a checkpoint and an ack are skipped")
    return body


def bad_transactions(f, body):
    for name, field, value in (
            ("action 6", "action", 6), ("action -1", "action", -1), ("expected -4", "expected", -4),
            ("expected 2^63", "expected", 1 << 63), ("content type 3", "content_type", 3),
            ("the least of all times as deadline", "deadline", -(1 << 63))):
        f.bad("TRANSACT of a saga with " + name, "TRANSACT",
              changed(body, 2, [change_body(STEP), change_body(dict(STEP, id="o-43", **{field: value}))]),
              "INVALID_ARGUMENT", "sagas[1]." + field)
    for place, field in ((9, "event_id"), (10, "correlation_id"), (11, "causation_id")):
        f.bad("TRANSACT of a saga with %s of zeroes" % field, "TRANSACT",
              changed(body, 2, [changed(change_body(STEP), place, bytes(16))]), "INVALID_ARGUMENT", "sagas[0]." + field)
    for name, place, value, field in (
            ("an empty name", 0, "", "name"), ("a name of 129 bytes", 0, "c" * 129, "name"),
            ("a system name", 0, "$c", "name"), ("a control character in its name", 0, "a\nb", "name"),
            ("position -1", 1, -1, "position"), ("position 2^63", 1, 1 << 63, "position"),
            ("expected -4", 2, -4, "expected"), ("an event id of 15 bytes", 3, b"x" * 15, "event_id")):
        f.bad("TRANSACT of a checkpoint with " + name, "TRANSACT",
              changed(body, 3, [["mailer", 1, -2, None], changed(["other", 1, -2, None], place, value)]),
              "INVALID_ARGUMENT", "checkpoints[1]." + field)
    for name, value, field in (
            ("an empty group", ["", 17, [1]], "group"), ("a system group", ["$g", 17, [1]], "group"),
            ("epoch 0", ["g", 0, [1]], "epoch"), ("no position", ["g", 17, []], "positions"),
            ("10,001 positions", ["g", 17, [1] * 10001], "positions"), ("position 0", ["g", 17, [1, 0]],
                                                                       "positions[1]")):
        f.bad("TRANSACT with an ack of " + name, "TRANSACT", changed(body, 4, value), "INVALID_ARGUMENT",
              "ack." + field)
    f.bad("TRANSACT of an event without a stream", "TRANSACT", changed(body, 0, []), "INVALID_ARGUMENT",
          "events[0].stream_index")
    f.bad("TRANSACT of an event past the streams", "TRANSACT",
          changed(body, 1, [changed(body[1][0], 0, 1)]), "INVALID_ARGUMENT", "events[0].stream_index")
    f.bad("TRANSACT with a stream expecting -4", "TRANSACT", changed(body, 0, [["order-42", -4]]), "INVALID_ARGUMENT",
          "streams[0].expected")
    f.bad("TRANSACT of 10,001 sagas", "TRANSACT",
          changed(body, 2, [[5, "", "", 0, "", None, 0, None, "", None, None, None]] * 10001), "APPEND_TOO_LARGE")
    f.bad("TRANSACT of 1,001 checkpoints", "TRANSACT", changed(body, 3, [["c", 0, 0, None]] * 1001),
          "APPEND_TOO_LARGE")


def malformed_transactions(f, body):
    f.bad("TRANSACT of a saga of eleven elements", "TRANSACT", changed(body, 2, [change_body(STEP)[:11]]), "PROTOCOL")
    f.bad("TRANSACT of a saga with its state as text", "TRANSACT",
          changed(body, 2, [changed(change_body(STEP), 5, "{}")]), "PROTOCOL")
    f.bad("TRANSACT of a saga with a nil step", "TRANSACT", changed(body, 2, [changed(change_body(STEP), 4, None)]),
          "PROTOCOL")
    f.bad("TRANSACT of a checkpoint of three elements", "TRANSACT", changed(body, 3, [["c", 1, -2]]), "PROTOCOL")
    f.bad("TRANSACT with an ack of two elements", "TRANSACT", changed(body, 4, ["g", 17]), "PROTOCOL")
    for before, part in enumerate(("streams", "events", "sagas", "checkpoints")):
        f.bad("TRANSACT with a huge count of " + part, "TRANSACT", b"\x95" + b"\x90" * before + b"\xdd\xff\xff\xff\xff",
              "PROTOCOL")
    f.bad("TRANSACT with a huge count of positions", "TRANSACT",
          b"\x95\x90\x90\x90\x90\x93\xa1g\x01\xdd\xff\xff\xff\xff", "PROTOCOL")
    f.bad("TRANSACT with a count of sagas beyond its bytes", "TRANSACT",
          b"\x95\x90\x90\xdc\x00\x64" + b"\x9c" * 100 + b"\x90\xc0", "PROTOCOL",
          why="100 sagas cannot be in 100 bytes: no memory is taken for them")
    f.bad("TRANSACT, malformed after a bad field", "TRANSACT",
          pack(changed(body, 0, [["order-42", -9]]))[:-1], "PROTOCOL", why="malformed bytes are reported first")


def refused_sagas(f):
    """Well-formed, and refused for what they say."""
    for name, saga, field, value in (
            ("an empty type", STEP, "type", ""), ("a type of 65 bytes", STEP, "type", "t" * 65),
            ("a hyphen in its type", STEP, "type", "order-2"), ("an empty id", STEP, "id", ""),
            ("an id of 257 bytes", STEP, "id", "i" * 257), ("a control character in its id", STEP, "id", "a\x07"),
            ("no step", STEP, "step", ""), ("a step of 129 bytes", STEP, "step", "s" * 129),
            ("a quote in its step", STEP, "step", 'a"b'), ("a backslash in its step", STEP, "step", "a\\b"),
            ("a state that is not JSON", BEGIN, "state", b"{nope}".hex()),
            ("a deadline in the year 10000", STEP, "deadline", 253402300800000000),
            ("an error of 1,025 bytes", FAIL, "error", "e" * 1025), ("an error without need", STEP, "error", "e"),
            ("a step at its end", COMPLETE, "step", "s"), ("a deadline at its end", FAIL, "deadline", NOW),
            ("a state when it is archived", ARCHIVE, "state", b"{}".hex()),
            ("any version", STEP, "expected", -2)):
        f.bad("TRANSACT of a saga with " + name, "TRANSACT",
              BODIES["TRANSACT"](dict(NOTHING, sagas=[dict(saga, **{field: value})])), "INVALID_ARGUMENT",
              "sagas[0]." + field, checked="content")
    f.bad("TRANSACT of a saga with a state that is not msgpack", "TRANSACT",
          BODIES["TRANSACT"](dict(NOTHING, sagas=[dict(BEGIN, content_type=1, state="c1")])), "INVALID_ARGUMENT",
          "sagas[0].state", checked="content")


def transact():
    f = Family("transact")
    body = good_transactions(f)
    bad_transactions(f, body)
    malformed_transactions(f, body)
    refused_sagas(f)
    m = {"replayed": False, "results": [{"first_version": 6, "last_version": 6, "first_position": 4712,
                                         "last_position": 4712}],
         "sagas": [{"version": 1, "position": 4713}], "checkpoints": [{"version": 0, "position": 4714}]}
    usual(f, "TRANSACT_OK", m, request_id=8)
    f.good("TRANSACT_OK of a replay of sagas alone", "TRANSACT_OK", {
        "replayed": True, "results": [], "checkpoints": [],
        "sagas": [{"version": 0, "position": 1}, {"version": 70000, "position": 1 << 40}]})
    f.other("TRANSACT_OK with more about each part", "TRANSACT_OK",
            [False, [[6, 6, 4712, 4712, "x"]], [[1, 4713, "x"]], [[0, 4714, "x"]]], m,
            "unknown elements at the end of a result are skipped")
    for name, place, value, field in (
            ("a saga of version -1", 2, [[-1, 4713]], "sagas[0].version"),
            ("a saga at position 0", 2, [[0, 0]], "sagas[0].position"),
            ("a checkpoint at position 0", 3, [[0, 1], [0, 0]], "checkpoints[1].position")):
        f.bad("TRANSACT_OK with " + name, "TRANSACT_OK", changed([False, [], [], []], place, value),
              "INVALID_ARGUMENT", field)
    f.bad("TRANSACT_OK with a huge count of sagas", "TRANSACT_OK", b"\x94\xc2\x90\xdd\xff\xff\xff\xff", "PROTOCOL")
    f.write()


# ---- sagas -----------------------------------------------------------------------------------------------------------

RUNS = {"type": "order", "id": "o-42", "step": "pay", "status": 0, "version": 1, "position": 4713,
        "started_at": NOW, "updated_at": NOW + 9, "completed_at": None, "failed_at": None, "error": "",
        "deadline": NOW + 60000000, "correlation_id": ID % 0xC0, "state": b'{"total":42}'.hex(), "content_type": 0}
FAILED = dict(RUNS, id="o-41", step="", status=4, version=7, position=4700, failed_at=NOW + 8, deadline=None,
              error="the card was refused", correlation_id=None, state=None, content_type=2)
COMPLETED = dict(RUNS, id="o-40", status=3, completed_at=NOW + 7, deadline=None, state="", content_type=2)
WRONG_TYPES = (("a type of 65 bytes", "t" * 65), ("a hyphen in its type", "order-2"), ("a space in its type", "a b"),
               ("a type with an umlaut", "\u00e4"))


def sagas_in(f, message, within, body_with):
    """body_with(a saga's array) is a whole body, in which its fields' names begin with `within`."""
    good = saga_body(RUNS)
    for name, place, value, field in (("status 5", 3, 5, "status"), ("version -1", 4, -1, "version"),
                                      ("position 0", 5, 0, "position"), ("content type 3", 14, 3, "content_type"),
                                      ("a correlation id of zeroes", 12, bytes(16), "correlation_id")):
        f.bad("%s with %s" % (message, name), message, body_with(changed(good, place, value)), "INVALID_ARGUMENT",
              within + field)
    f.bad(message + " with a saga of fourteen elements", message, body_with(good[:14]), "PROTOCOL")
    f.bad(message + " with a state as text", message, body_with(changed(good, 13, "{}")), "PROTOCOL")


MORE = saga_body(RUNS) + [["new"]], "unknown elements at the end of a saga are skipped"


def saga_get(f):
    body = usual(f, "SAGA_GET", {"type": "order", "id": "o-42"}, request_id=9)
    f.good("SAGA_GET of the longest names", "SAGA_GET", {"type": "t" * 64, "id": "i" * 256})
    out_of_range(f, "SAGA_GET", body, [(name, 0, value, "type") for name, value in WRONG_TYPES] + [
        ("an empty type", 0, "", "type"), ("an empty id", 1, "", "id"), ("an id of 257 bytes", 1, "i" * 257, "id"),
        ("a control character in its id", 1, "a\x00", "id")])
    usual(f, "SAGA_GET_OK", {"saga": RUNS}, request_id=9)
    f.good("SAGA_GET_OK of a failed one", "SAGA_GET_OK", {"saga": FAILED})
    f.good("SAGA_GET_OK of a completed one with an empty state", "SAGA_GET_OK", {"saga": COMPLETED})
    f.other("SAGA_GET_OK with more about the saga", "SAGA_GET_OK", [MORE[0]], {"saga": RUNS}, MORE[1])
    sagas_in(f, "SAGA_GET_OK", "", lambda saga: [saga])


def saga_list(f):
    m = {"order": 0, "type": "order", "statuses": 7, "step": "pay", "updated_before": NOW, "deadline_before": None,
         "include_state": False, "after": "", "limit": 100}
    body = usual(f, "SAGA_LIST", m)
    f.good("SAGA_LIST of all, by deadline", "SAGA_LIST", {
        "order": 1, "type": "", "statuses": 0, "step": "", "updated_before": None, "deadline_before": NOW,
        "include_state": True, "after": "", "limit": 1000})
    f.good("SAGA_LIST that goes on", "SAGA_LIST", dict(m, after="00ff" * 64))
    out_of_range(f, "SAGA_LIST", body, [(name, 1, value, "type") for name, value in WRONG_TYPES] + [
        ("order 2", 0, 2, "order"), ("order -1", 0, -1, "order"), ("status 5", 2, 32, "statuses"),
        ("statuses -1", 2, -1, "statuses"), ("a step of 129 bytes", 3, "s" * 129, "step"),
        ("a control character in its step", 3, "a\nb", "step"),
        ("the least of all times", 4, -(1 << 63), "updated_before"),
        ("a time that does not fit", 5, 1 << 63, "deadline_before"), ("after of 129 bytes", 7, b"x" * 129, "after"),
        ("limit 0", 8, 0, "limit"), ("limit 1,001", 8, 1001, "limit")])
    f.bad("SAGA_LIST with include_state as a number", "SAGA_LIST", changed(body, 6, 1), "PROTOCOL")
    usual(f, "SAGA_LIST_OK", {"sagas": [dict(RUNS, state=None)], "next": "00ff80"})
    f.good("SAGA_LIST_OK at the end", "SAGA_LIST_OK", {"sagas": [RUNS, FAILED, COMPLETED], "next": None})
    f.good("SAGA_LIST_OK without a saga", "SAGA_LIST_OK", {"sagas": [], "next": "01"},
           why="nothing found so far, and more to look at")
    f.other("SAGA_LIST_OK with more about a saga", "SAGA_LIST_OK", [[MORE[0]], None], {"sagas": [RUNS], "next": None},
            MORE[1])
    sagas_in(f, "SAGA_LIST_OK", "sagas[1].", lambda saga: [[saga_body(FAILED), saga], None])
    f.bad("SAGA_LIST_OK with an empty next", "SAGA_LIST_OK", [[], b""], "INVALID_ARGUMENT", "next")
    f.bad("SAGA_LIST_OK with next of 129 bytes", "SAGA_LIST_OK", [[], b"x" * 129], "INVALID_ARGUMENT", "next")
    f.bad("SAGA_LIST_OK with a huge count", "SAGA_LIST_OK", b"\x92\xdd\xff\xff\xff\xff", "PROTOCOL")


def saga_counts(f):
    usual(f, "SAGA_COUNTS", {})
    m = {"types": [{"type": "order", "by_status": [3, 1, 0, 4711, 2]}]}
    usual(f, "SAGA_COUNTS_OK", m)
    f.good("SAGA_COUNTS_OK without a type", "SAGA_COUNTS_OK", {"types": []})
    f.good("SAGA_COUNTS_OK of two types", "SAGA_COUNTS_OK", {"types": m["types"] + [
        {"type": "refund", "by_status": [0, 0, 0, 0, 1 << 40]}]})
    f.other("SAGA_COUNTS_OK with more statuses and more about a type", "SAGA_COUNTS_OK",
            [[["order", [3, 1, 0, 4711, 2, 9], "x"]]], m, "statuses of later versions come at the end, and are skipped")
    f.bad("SAGA_COUNTS_OK with a negative count", "SAGA_COUNTS_OK", [[["order", [0, 0, 0, 0, -1]]]],
          "INVALID_ARGUMENT", "types[0].by_status")
    f.bad("SAGA_COUNTS_OK with four statuses", "SAGA_COUNTS_OK", [[["order", [0, 0, 0, 0]]]], "PROTOCOL")
    f.bad("SAGA_COUNTS_OK with a huge count", "SAGA_COUNTS_OK", b"\x91\xdd\xff\xff\xff\xff", "PROTOCOL")


def saga_claim(f):
    m = {"type": "order", "statuses": 0, "step": "", "worker": "host-1", "lease_ms": 30000, "limit": 1, "wait_ms": 5000}
    body = usual(f, "SAGA_CLAIM", m)
    f.good("SAGA_CLAIM of the most", "SAGA_CLAIM", {"type": "order", "statuses": 7, "step": "pay", "worker": "w" * 128,
                                                    "lease_ms": 86400000, "limit": 100, "wait_ms": 30000})
    out_of_range(f, "SAGA_CLAIM", body, [(name, 0, value, "type") for name, value in WRONG_TYPES] + [
        ("an empty type", 0, "", "type"), ("completed ones", 1, 8, "statuses"), ("failed ones", 1, 16, "statuses"),
        ("statuses -1", 1, -1, "statuses"), ("a step of 129 bytes", 2, "s" * 129, "step"),
        ("an empty worker", 3, "", "worker"), ("a worker of 129 bytes", 3, "w" * 129, "worker"),
        ("a newline in its worker", 3, "a\nb", "worker"), ("no lease", 4, 0, "lease_ms"),
        ("a lease of more than a day", 4, 86400001, "lease_ms"), ("limit 0", 5, 0, "limit"),
        ("limit 101", 5, 101, "limit"), ("a wait of more than 30 s", 6, 30001, "wait_ms"),
        ("a wait below 0", 6, -1, "wait_ms")])
    usual(f, "SAGA_CLAIM_OK", {"sagas": [RUNS]})
    f.good("SAGA_CLAIM_OK without a saga", "SAGA_CLAIM_OK", {"sagas": []})
    sagas_in(f, "SAGA_CLAIM_OK", "sagas[0].", lambda saga: [[saga]])
    f.bad("SAGA_CLAIM_OK with a huge count", "SAGA_CLAIM_OK", b"\x91\xdd\xff\xff\xff\xff", "PROTOCOL")


def saga():
    f = Family("saga")
    for part in (saga_get, saga_list, saga_counts, saga_claim):
        part(f)
    f.write()


# ---- snapshots -------------------------------------------------------------------------------------------------------

SNAPSHOT = {"stream": "account-42", "version": 99, "type": "account", "schema_version": 2, "content_type": 0,
            "created_at": NOW, "size": 14, "data": b'{"balance":42}'.hex()}
LISTED = dict(SNAPSHOT, data=None)
WRONG_STREAMS = (("an empty stream", ""), ("a stream of 491 bytes", "s" * 491), ("a newline in its stream", "a\nb"))


def wrong_streams(f, message, body):
    for name, value in WRONG_STREAMS:
        f.bad("%s with %s" % (message, name), message, changed(body, 0, value), "INVALID_ARGUMENT", "stream")


def snapshot_put_and_get(f):
    m = {"stream": "account-42", "version": 99, "type": "account", "schema_version": 2, "content_type": 0,
         "data": b'{"balance":42}'.hex(), "keep": 0}
    body = usual(f, "SNAPSHOT_PUT", m, request_id=10)
    f.good("SNAPSHOT_PUT with long values", "SNAPSHOT_PUT", {
        "stream": "s" * 480, "version": I64, "type": "t" * 128, "schema_version": (1 << 32) - 1, "content_type": 2,
        "data": "00ff" * 40000, "keep": 1000})
    f.good("SNAPSHOT_PUT without data", "SNAPSHOT_PUT", dict(m, content_type=2, data="", keep=1))
    wrong_streams(f, "SNAPSHOT_PUT", body)
    out_of_range(f, "SNAPSHOT_PUT", body, (
        ("version -1", 1, -1, "version"), ("version 2^63", 1, 1 << 63, "version"), ("an empty type", 2, "", "type"),
        ("a type of 129 bytes", 2, "t" * 129, "type"), ("schema_version 0", 3, 0, "schema_version"),
        ("schema_version 2^32", 3, 1 << 32, "schema_version"), ("content type 3", 4, 3, "content_type"),
        ("keep 1,001", 6, 1001, "keep"), ("keep -1", 6, -1, "keep")))
    body = usual(f, "SNAPSHOT_PUT_OK", {"created_at": NOW, "removed": 1}, request_id=10)
    out_of_range(f, "SNAPSHOT_PUT_OK", body, (("removed -1", 1, -1, "removed"),))
    m = {"stream": "account-42", "version": None, "type": "account", "schema_version": 2}
    body = usual(f, "SNAPSHOT_GET", m)
    f.good("SNAPSHOT_GET of any, at or below a version", "SNAPSHOT_GET", {
        "stream": "account-42", "version": 99, "type": "", "schema_version": 0})
    wrong_streams(f, "SNAPSHOT_GET", body)
    out_of_range(f, "SNAPSHOT_GET", body, (
        ("version -1", 1, -1, "version"), ("a type of 129 bytes", 2, "t" * 129, "type"),
        ("schema_version -1", 3, -1, "schema_version")))
    body = usual(f, "SNAPSHOT_GET_OK", {"snapshot": SNAPSHOT})
    good = snapshot_body(SNAPSHOT)
    f.good("SNAPSHOT_GET_OK without bytes", "SNAPSHOT_GET_OK", {"snapshot": dict(SNAPSHOT, size=0, data="",
                                                                                 content_type=2)})
    f.other("SNAPSHOT_GET_OK with more about the snapshot", "SNAPSHOT_GET_OK", [good + [7]], {"snapshot": SNAPSHOT},
            "unknown elements at the end of a snapshot are skipped")
    for name, place, value, field in (("version -1", 1, -1, "version"), ("content type 3", 4, 3, "content_type"),
                                      ("a size that is not its data's", 6, 13, "size")):
        f.bad("SNAPSHOT_GET_OK with " + name, "SNAPSHOT_GET_OK", [changed(good, place, value)], "INVALID_ARGUMENT",
              field)
    f.bad("SNAPSHOT_GET_OK with a snapshot of seven elements", "SNAPSHOT_GET_OK", [good[:7]], "PROTOCOL")


def snapshot_list_and_delete(f):
    m = {"prefix": "account-", "after_stream": "account-41", "after_version": 7, "limit": 100}
    body = usual(f, "SNAPSHOT_LIST", m)
    f.good("SNAPSHOT_LIST from the first", "SNAPSHOT_LIST", {"prefix": "", "after_stream": "", "after_version": None,
                                                             "limit": 1000})
    f.good("SNAPSHOT_LIST from the first of a stream", "SNAPSHOT_LIST", dict(m, after_version=-1))
    f.good("SNAPSHOT_LIST of later streams", "SNAPSHOT_LIST", dict(m, after_version=None))
    out_of_range(f, "SNAPSHOT_LIST", body, (
        ("a prefix of 491 bytes", 0, "p" * 491, "prefix"), ("a newline in after", 1, "a\nb", "after_stream"),
        ("after_version -2", 2, -2, "after_version"), ("limit 0", 3, 0, "limit"), ("limit 1,001", 3, 1001, "limit")))
    body = usual(f, "SNAPSHOT_LIST_OK", {"snapshots": [LISTED, dict(LISTED, version=199)], "end": False})
    f.good("SNAPSHOT_LIST_OK without a snapshot", "SNAPSHOT_LIST_OK", {"snapshots": [], "end": True})
    f.bad("SNAPSHOT_LIST_OK with version -1", "SNAPSHOT_LIST_OK", [[body[0][0], changed(body[0][0], 1, -1)], True],
          "INVALID_ARGUMENT", "snapshots[1].version")
    f.bad("SNAPSHOT_LIST_OK with a huge count", "SNAPSHOT_LIST_OK", b"\x92\xdd\xff\xff\xff\xff", "PROTOCOL")
    body = usual(f, "SNAPSHOT_DELETE", {"stream": "account-42", "from_version": 0, "until_version": I64})
    f.good("SNAPSHOT_DELETE of one", "SNAPSHOT_DELETE", {"stream": "account-42", "from_version": 99,
                                                         "until_version": 99})
    wrong_streams(f, "SNAPSHOT_DELETE", body)
    out_of_range(f, "SNAPSHOT_DELETE", ["account-42", 7, 9], (
        ("from_version -1", 1, -1, "from_version"), ("until_version -1", 2, -1, "until_version"),
        ("its end before its beginning", 2, 6, "until_version")))
    usual(f, "SNAPSHOT_DELETE_OK", {"count": 2})
    f.bad("SNAPSHOT_DELETE_OK with a negative count", "SNAPSHOT_DELETE_OK", [-1], "INVALID_ARGUMENT", "count")


def snapshot():
    f = Family("snapshot")
    snapshot_put_and_get(f)
    snapshot_list_and_delete(f)
    f.write()


# ---- loading ---------------------------------------------------------------------------------------------------------


def load():
    f = Family("load")
    m = {"streams": ["account-42"], "type": "account", "schema_version": 2, "no_snapshots": False,
         "credit_bytes": 65536, "batch_bytes": 0}
    body = usual(f, "LOAD", m, request_id=11)
    f.good("LOAD of three streams from zero", "LOAD", dict(
        m, streams=["account-42", "account-43", "$$account-42"], type="", schema_version=0, no_snapshots=True))
    f.good("LOAD of 1,000 streams", "LOAD", dict(m, streams=["s%d" % i for i in range(1000)], batch_bytes=4096))
    out_of_range(f, "LOAD", body, (
        ("no stream", 0, [], "streams"), ("1,001 streams", 0, ["s"] * 1001, "streams"),
        ("an empty stream", 0, ["a-1", ""], "streams[1]"), ("a stream of 491 bytes", 0, ["s" * 491], "streams[0]"),
        ("a control character in a stream", 0, ["a\nb"], "streams[0]"), ("a type of 129 bytes", 1, "t" * 129, "type"),
        ("schema_version -1", 2, -1, "schema_version"), ("credit 0", 4, 0, "credit_bytes"),
        ("credit 2^32", 4, 1 << 32, "credit_bytes"), ("batch_bytes -1", 5, -1, "batch_bytes")))
    f.bad("LOAD of a stream as bytes", "LOAD", changed(body, 0, [b"a-1"]), "PROTOCOL")
    f.bad("LOAD with a huge count", "LOAD", b"\x96\xdd\xff\xff\xff\xff", "PROTOCOL")

    m = {"index": 0, "status": 0, "version": 105, "first_version": 100, "snapshot": SNAPSHOT}
    body = usual(f, "LOADING", m, request_id=11)
    f.good("LOADING without a snapshot", "LOADING", dict(m, index=1, first_version=0, snapshot=None))
    f.good("LOADING of a snapshot with nothing behind it", "LOADING", dict(m, version=99))
    f.good("LOADING of a stream that does not exist", "LOADING", {
        "index": 2, "status": 2, "version": -1, "first_version": 0, "snapshot": None})
    f.good("LOADING of a tombstone", "LOADING", {
        "index": 3, "status": 3, "version": -1, "first_version": 0, "snapshot": None})
    out_of_range(f, "LOADING", body, (
        ("index -1", 0, -1, "index"), ("status -1", 1, -1, "status"), ("version -2", 2, -2, "version"),
        ("first_version -1", 3, -1, "first_version"),
        ("a snapshot of version -1", 4, changed(snapshot_body(SNAPSHOT), 1, -1), "snapshot.version")))
    f.write()


FAMILIES = (transact, saga, snapshot, load)
