"""What the messages of docs/protocol.md look like as bodies, from their meanings; for make_vectors.py."""
import uuid

from varve_protocol import record

ID = "018f3c1e-7a10-7000-8000-0000000000%02x"
NOW = 1700000000000000


def uid(text):
    return None if text is None else uuid.UUID(text).bytes


def bin_of(text):
    return None if text is None else bytes.fromhex(text)


# ---- from meaning to body, message by message, as the tables of docs/protocol.md say ---------------------------------

LIMITS = ("max_frame_bytes", "max_event_bytes", "max_append_bytes", "max_append_events", "max_requests",
          "max_credit_bytes")
ENTRY = ("stream", "version", "first_version", "last_position", "created_at", "updated_at", "truncate_before",
         "max_count", "max_age_us", "deleted", "tombstoned")
RESULT = ("first_version", "last_version", "first_position", "last_position")
CONFLICT = ("index", "status", "expected", "actual", "part")
SETTINGS = ("key", "max_in_flight", "consumer_max_in_flight", "ack_timeout_ms", "max_attempts", "backoff_ms")
CONSUMER = ("consumer", "epoch", "in_flight", "max_in_flight")
INFO = ("stop_reason", "checkpoint", "last_position", "in_flight", "retrying", "parked", "acked", "redelivered",
        "created_at")
REFUSED = ("position", "status")
PLACE = ("version", "position")
SNAPSHOT = ("stream", "version", "type", "schema_version", "content_type", "created_at", "size")

LETTER = ("stream", "position", "version", "waiting", "skipped", "retry_count", "error_code", "last_error",
          "first_attempt", "last_attempt")
FATE = ("version", "position", "type", "recorded_at", "fate", "topic", "published_at", "retry_count", "last_error")


def pick(names):
    return lambda m: [m[name] for name in names]


def event_body(e):
    return [e["stream_index"], uid(e["id"]), e["type"], e["schema_version"], e["time"], uid(e["correlation_id"]),
            uid(e["causation_id"]), e["source"], e["user_id"], e["class"], e["content_type"], bin_of(e["data"]),
            bin_of(e["metadata"])]


def record_of(r):
    values = {name: r[name] for name in ("position", "version", "recorded_at", "stream", "type", "class",
                                         "schema_version", "time", "source", "user_id", "content_type")}
    values.update({name: uid(r[name]) for name in ("id", "correlation_id", "causation_id")})
    values.update({name: bin_of(r[name]) for name in ("metadata", "data")})
    return record(values)


def append_ok(m):
    return [m["replayed"], [pick(RESULT)(r) for r in m["results"]]]


def filter_body(m):
    return [m["streams"], m["categories"], m["types"], m["prefixes"], uid(m["correlation_id"]), m["classes"],
            m["include_system"]]


def settings_body(m):
    return m and [filter_body(m["filter"])] + pick(SETTINGS)(m)


def info_body(m):
    return [m["name"], settings_body(m["settings"])] + pick(INFO)(m) + [[pick(CONSUMER)(c) for c in m["consumers"]]]


def parked_body(m):
    return [m["position"], m["stream"], m["version"], m["type"], uid(m["id"]), m["attempts"], m["reason"],
            m["last_error"], m["first_attempt"], m["parked_at"], m["replaying"]]


def append_body(m):
    return [[[s["stream"], s["expected"]] for s in m["streams"]], [event_body(e) for e in m["events"]]]


def change_body(m):
    return [m["action"], m["type"], m["id"], m["expected"], m["step"], bin_of(m["state"]), m["content_type"],
            m["deadline"], m["error"], uid(m["event_id"]), uid(m["correlation_id"]), uid(m["causation_id"])]


def transact_body(m):
    return append_body(m) + [
        [change_body(s) for s in m["sagas"]],
        [[c["name"], c["position"], c["expected"], uid(c["event_id"])] for c in m["checkpoints"]],
        m["ack"] and pick(("group", "epoch", "positions"))(m["ack"])]


def saga_body(m):
    return pick(("type", "id", "step", "status", "version", "position", "started_at", "updated_at", "completed_at",
                 "failed_at", "error", "deadline"))(m) + [uid(m["correlation_id"]), bin_of(m["state"]),
                                                          m["content_type"]]


def snapshot_body(m):
    return m and pick(SNAPSHOT)(m) + [bin_of(m["data"])]


BODIES = {
    "HELLO": lambda m: [m["min_version"], m["max_version"], m["client_name"], m["capabilities"]],
    "HELLO_OK": lambda m: [m["version"], m["server_version"], uid(m["database_id"]), pick(LIMITS)(m["limits"]),
                           m["capabilities"], m["last_position"]],
    "PING": lambda m: [], "CANCEL": lambda m: [], "STATS": lambda m: [], "HEALTH": lambda m: [],
    "CONFIG": lambda m: [],
    "PONG": pick(("server_time_us", "last_position")),
    "APPEND": append_body, "APPEND_OK": append_ok, "STREAM_CHANGE_OK": append_ok,
    "READ": lambda m: [m["kind"], m["name"], uid(m["correlation_id"]), m["backwards"], m["include_system"], m["from"],
                       m["limit"], m["since"], m["until"], m["credit_bytes"], m["batch_bytes"]],
    "CREDIT": pick(("bytes",)),
    "READ_BATCH": lambda m: [[record_of(r) for r in m["records"]], m["next"]],
    "READ_END": pick(("last_position",)),
    "STREAM_INFO": pick(("stream",)), "STREAM_INFO_OK": pick(ENTRY),
    "STREAM_LIST": pick(("prefix", "after", "limit", "include_system")),
    "STREAM_LIST_OK": lambda m: [[pick(ENTRY)(e) for e in m["entries"]], m["end"]],
    "STREAM_CHANGE": pick(("kind", "stream", "expected", "truncate_before", "max_count", "max_age_us")),
    "FIND": lambda m: [[uid(i) for i in m["ids"]]],
    "FIND_OK": lambda m: [m["positions"]],
    "GET": pick(("position",)),
    "GET_OK": lambda m: [record_of(m["record"])],
    "STATS_OK": lambda m: [m["stats"]],
    "HEALTH_OK": lambda m: [m["live"], m["ready"], [pick(("name", "good", "reason"))(c) for c in m["checks"]],
                            m["uptime_s"], m["version"]],
    "CONFIG_OK": lambda m: [[pick(("key", "value", "origin", "reloadable"))(e) for e in m["entries"]]],
    "ERROR": lambda m: [m["number"], m["name"], m["message"], m["field"], m["limit"], m["retry_after_ms"],
                        [pick(CONFLICT)(c) for c in m["conflicts"]]],
    "SUBSCRIBE": lambda m: [filter_body(m["filter"]), m["after"], m["credit_bytes"], m["batch_bytes"]],
    "SUBSCRIBED": pick(("after", "last_position")),
    "EVENTS": lambda m: [[record_of(r) for r in m["records"]], m["position"]],
    "CAUGHT_UP": pick(("position",)), "FELL_BEHIND": pick(("position",)), "CHECKPOINT": pick(("position",)),
    "GROUP_CREATE": lambda m: [m["group"], settings_body(m["settings"]), m["after"]],
    "GROUP_UPDATE": lambda m: [m["group"], settings_body(m["settings"]), m["resume"]],
    "GROUP_RESET": pick(("group", "after")), "GROUP_DELETE": pick(("group",)), "GROUP_INFO": pick(("group",)),
    "GROUP_LIST": lambda m: [],
    "GROUP_OK": lambda m: [info_body(m)],
    "GROUP_LIST_OK": lambda m: [[info_body(i) for i in m["groups"]]],
    "GROUP_JOIN": pick(("group", "consumer", "max_in_flight", "credit_bytes", "takeover")),
    "GROUP_JOINED": pick(("epoch", "checkpoint", "ack_timeout_ms")),
    "GROUP_EVENTS": lambda m: [[[d["attempt"], record_of(d["record"])] for d in m["deliveries"]]],
    "GROUP_ACK": pick(("group", "epoch", "positions")),
    "GROUP_NACK": pick(("group", "epoch", "positions", "action", "retry_after_ms", "reason")),
    "GROUP_EXTEND": pick(("group", "epoch", "positions", "by_ms")),
    "GROUP_ACK_OK": lambda m: [m["done"], [pick(REFUSED)(r) for r in m["refused"]]],
    "PARKED_LIST": pick(("group", "after", "limit")), "PARKED_REPLAY": pick(("group", "position", "limit")),
    "PARKED_DISCARD": pick(("group", "position", "limit", "reason")),
    "PARKED_LIST_OK": lambda m: [[parked_body(e) for e in m["entries"]], m["end"]],
    "PARKED_OK": pick(("count",)),
    "TRANSACT": transact_body,
    "TRANSACT_OK": lambda m: append_ok(m) + [[pick(PLACE)(p) for p in m[part]] for part in ("sagas", "checkpoints")],
    "SAGA_GET": pick(("type", "id")),
    "SAGA_GET_OK": lambda m: [saga_body(m["saga"])],
    "SAGA_LIST": lambda m: [m["order"], m["type"], m["statuses"], m["step"], m["updated_before"], m["deadline_before"],
                            m["include_state"], bin_of(m["after"]), m["limit"]],
    "SAGA_LIST_OK": lambda m: [[saga_body(s) for s in m["sagas"]], bin_of(m["next"])],
    "SAGA_COUNTS": lambda m: [],
    "SAGA_COUNTS_OK": lambda m: [[pick(("type", "by_status"))(t) for t in m["types"]]],
    "SAGA_CLAIM": pick(("type", "statuses", "step", "worker", "lease_ms", "limit", "wait_ms")),
    "SAGA_CLAIM_OK": lambda m: [[saga_body(s) for s in m["sagas"]]],
    "SNAPSHOT_PUT": lambda m: [m["stream"], m["version"], m["type"], m["schema_version"], m["content_type"],
                               bin_of(m["data"]), m["keep"]],
    "SNAPSHOT_PUT_OK": pick(("created_at", "removed")),
    "SNAPSHOT_GET": pick(("stream", "version", "type", "schema_version")),
    "SNAPSHOT_GET_OK": lambda m: [snapshot_body(m["snapshot"])],
    "SNAPSHOT_LIST": pick(("prefix", "after_stream", "after_version", "limit")),
    "SNAPSHOT_LIST_OK": lambda m: [[snapshot_body(s) for s in m["snapshots"]], m["end"]],
    "SNAPSHOT_DELETE": pick(("stream", "from_version", "until_version")),
    "SNAPSHOT_DELETE_OK": pick(("count",)),
    "LOAD": pick(("streams", "type", "schema_version", "no_snapshots", "credit_bytes", "batch_bytes")),
    "LOADING": lambda m: [m["index"], m["status"], m["version"], m["first_version"], snapshot_body(m["snapshot"])],
    "OUTBOX_LIST": pick(("name",)),
    "OUTBOX_LIST_OK": lambda m: [[pick(("name", "figures"))(o) for o in m["outboxes"]]],
    "OUTBOX_ORDER": pick(("name", "action", "reset_to", "position", "until", "stream", "type", "reason")),
    "OUTBOX_ORDER_OK": pick(("position", "count")),
    "OUTBOX_DEAD": pick(("name", "stream", "after", "limit")),
    "OUTBOX_DEAD_OK": lambda m: [[pick(LETTER)(e) for e in m["letters"]], m["end"]],
    "OUTBOX_HISTORY": pick(("name", "stream", "from_version", "limit")),
    "OUTBOX_HISTORY_OK": lambda m: [[pick(FATE)(e) for e in m["events"]], m["end"]],
    "OUTBOX_VERIFY": pick(("name", "depth")),
    "OUTBOX_VERIFY_OK": pick(("figures",)),
}

RECORD = {"position": 4711, "version": 0, "recorded_at": NOW, "id": ID % 1, "stream": "order-42",
          "type": "order.placed", "class": 0, "schema_version": 1, "time": None, "correlation_id": None,
          "causation_id": None, "source": None, "user_id": None, "content_type": 0, "metadata": None,
          "data": b'{"total":42}'.hex()}
RECORD_FULL = dict(RECORD, position=4712, version=17, id=ID % 2, stream="stock-7", type="stock.reserved",
                   schema_version=3, time=NOW - 5, correlation_id=ID % 0xC0, causation_id=ID % 1, source="shop",
                   user_id="u-7", content_type=2, data="00ff80" * 200, metadata=b'{"trace":"t1"}'.hex(), **{"class": 1})
