#!/usr/bin/env python3
"""One log, two doors: an event that came over HTTP is read over the binary port as it was sent, and the other way
round, whatever it holds."""
import base64
import datetime
import json
import os
import random
import sys
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "lib"), HERE]
import varve_protocol as vp  # noqa: E402
from harness import Client, event as new_event  # noqa: E402
from http_document import Document  # noqa: E402
from http_support import HttpServer  # noqa: E402
from varved import run  # noqa: E402

EVENTS = 400
CLASSES = ["domain", "integration", "realtime"]
CONTENT_TYPES = ["application/json", "application/msgpack", "application/octet-stream"]
JSON_TEXTS = ["null", "0", "-0", "1.50", "1E400", "9007199254740993", "18446744073709551616", "-9223372036854775809",
              '""', '"\\u0000\\ud83d\\ude00\\ud800"', '"\U0001f600 \u00e4 \u2028"', "[]", "{}", "[[[]],{}]", "true",
              '{"a":1,"a":2}', '{"":{"\\"":[1e-7, 2]}}', ' \n{ "spaced" :\t[ 1 ,\r\n2 ] } ', "[" * 128 + "]" * 128]
MSGPACK = [None, True, 0, -1, 2**53, 2**53 + 1, 2**64 - 1, -2**63, 0.1, "", "\u00e4\0", b"", b"\xff\x00", [], {},
           [1, [2, [3]]], {"a": {"b": [None]}}]
DOCUMENT = Document()


def text(random_, least=1, most=40):
    letters = "ab-_. \u00e4\u4e2d\U0001f600\"\\/<&%+?#"
    return "".join(random_.choice(letters) for _ in range(random_.randint(least, most)))


def random_event(random_):
    """What is to be stored, as vp.read_record() tells it."""
    content_type = random_.randrange(3)
    data = [random_.choice(JSON_TEXTS).encode(), vp.pack(random_.choice(MSGPACK)),
            random_.randbytes(random_.randrange(40))]
    maybe = lambda value: random_.choice([None, value])  # noqa: E731
    return {"id": uuid.UUID(int=random_.getrandbits(128) | 1).bytes, "type": text(random_),
            "class": random_.randrange(3),
            "schema_version": random_.choice([0, 1, 7, 2**32 - 1]),
            "time": maybe(random_.choice([0, -1, -62167219200000000, 253402300799999999, random_.randrange(2**50)])),
            "correlation_id": maybe(uuid.UUID(int=random_.getrandbits(128) | 1).bytes),
            "causation_id": maybe(uuid.UUID(int=random_.getrandbits(128) | 1).bytes),
            "source": maybe(text(random_)), "user_id": maybe(text(random_)), "content_type": content_type,
            "metadata": maybe(random_.choice(JSON_TEXTS).encode()),
            "data": random_.choice([data[content_type], data[content_type], b""])}


def time_text(us):
    if us < -62135596800000000:  # Year 0, which Python does not know.
        return "0000-01-01T00:00:00.000000Z"
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.").rjust(20, "0") + "%06dZ" % (us % 1000000)


def uuid_text(data):
    return str(uuid.UUID(bytes=data))


def as_json(event):
    """A request's text: data and metadata stand in it byte for byte."""
    members = {"type": event["type"], "id": uuid_text(event["id"]), "class": CLASSES[event["class"]],
               "schema_version": event["schema_version"], "content_type": CONTENT_TYPES[event["content_type"]],
               "source": event["source"], "user_id": event["user_id"]}
    for name in ("correlation_id", "causation_id"):
        members[name] = event[name] and uuid_text(event[name])
    members["time"] = None if event["time"] is None else time_text(event["time"])
    parts = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members.items()]
    if event["metadata"] is not None:
        parts.append('"metadata":' + event["metadata"].decode())
    if event["data"] and event["content_type"] == 0:
        parts.append('"data":' + event["data"].decode())
    elif event["data"]:
        parts.append('"data":"%s"' % base64.b64encode(event["data"]).decode())
    return "{" + ",".join(parts) + "}"


def exactly(json_text):
    """JSON as a value, with numbers as they are written."""
    return json.loads(json_text, parse_int=str, parse_float=str, parse_constant=str)


def expected_json(record):
    """How an answer with data=base64 must show a record."""
    expected = {"stream": record["stream"], "type": record["type"], "id": uuid_text(record["id"]),
                "version": str(record["version"]), "position": str(record["position"]),
                "recorded_at": time_text(record["recorded_at"])}
    for name in ("correlation_id", "causation_id"):
        if record[name] is not None:
            expected[name] = uuid_text(record[name])
    if record["time"] is not None:
        expected["time"] = time_text(record["time"])
    for name in ("source", "user_id"):
        if record[name] is not None:
            expected[name] = record[name]
    if record["class"] != 0:
        expected["class"] = CLASSES[record["class"]]
    if record["schema_version"] != 1:
        expected["schema_version"] = str(record["schema_version"])
    if record["content_type"] != 0:
        expected["content_type"] = CONTENT_TYPES[record["content_type"]]
    if record["metadata"]:
        expected["metadata"] = exactly(record["metadata"])
    if record["data"]:
        expected["data"] = (exactly(record["data"]) if record["content_type"] == 0
                            else base64.b64encode(record["data"]).decode())
    return expected


class Doors:
    def __init__(self, server):
        self.server = server
        self.binary = Client(("127.0.0.1", server.port))

    def append(self, over_http, stream, events):
        if not over_http:
            values = [new_event(event["type"], **{name: value for name, value in event.items() if name != "type"})
                      for event in events]
            self.binary.append(stream, vp.ANY, values)
            return
        body = as_json(events[0]) if len(events) == 1 else "[" + ",".join(map(as_json, events)) + "]"
        status, _, answer = self.server.ask("POST", "/v1/streams/" + urllib.parse.quote(stream, safe=""), body.encode(),
                                            {"Content-Type": "application/json"})
        assert status == 201, (answer, body)

    def read_http(self, target):
        found, separator = [], "&" if "?" in target else "?"
        start = ""
        while True:
            asked = f"{target}{separator}data=base64&limit=37{start}"
            status, headers, body = self.server.ask("GET", asked)
            DOCUMENT.judge("GET", asked, status, headers, body)
            page = exactly(body)
            found += page["events"]
            if page["end"]:
                return found
            start = "&from=" + page["next"]


def test_both_doors_show_the_same(folder):
    random_ = random.Random(int(os.environ.get("SEED", "6")))
    with HttpServer(folder) as server:
        doors, sent = Doors(server), []
        streams = [text(random_, 1, 100).replace("$", "x") for _ in range(5)] + ["order-1"]
        while len(sent) < EVENTS:
            stream, events = random_.choice(streams), [random_event(random_) for _ in range(random_.choice([1, 1, 5]))]
            doors.append(random_.random() < 0.5, stream, events)
            sent += [dict(event, stream=stream) for event in events]
        records = doors.binary.read()
        assert len(records) == len(sent)
        for record, event in zip(records, sent):
            for name, value in event.items():
                assert stored(name, record[name]) == stored(name, value), (name, record, event)
        assert doors.read_http("/v1/all") == [expected_json(record) for record in records]
        for stream in streams:
            target = "/v1/streams/" + urllib.parse.quote(stream, safe="")
            of_stream = doors.binary.read(vp.STREAM, stream)
            assert doors.read_http(target) == [expected_json(record) for record in of_stream], stream
            assert doors.read_http(target + "?backwards") == [expected_json(record) for record in of_stream[::-1]]


def stored(name, value):
    """No data is the same as empty data; white space around JSON in a request is not a part of it."""
    return (value or b"").strip() if name in ("data", "metadata") and (value or b"")[-1:] in b" \n" else value or None


def test_msgpack_is_shown_as_json(folder):
    with HttpServer(folder) as server:
        doors = Doors(server)
        for value, shown in [({"n": 2**53, "m": 2**53 + 1, "k": -2**63, "b": b"\xff", "f": 0.5, "t": "\u00e4"},
                              {"n": 2**53, "m": str(2**53 + 1), "k": str(-2**63), "b": "/w==", "f": 0.5,
                               "t": "\u00e4"}),
                             ([None, True, [], {}], [None, True, [], {}]), (7, 7), ({1: 2}, {"1": 2})]:
            doors.binary.append("m-1", vp.ANY, [new_event(data=vp.pack(value), content_type=1)])
            status, page = server.get_json("/v1/streams/m-1?backwards&limit=1")
            assert status == 200 and page["events"][0]["data"] == shown, page


if __name__ == "__main__":
    run([test_both_doors_show_the_same, test_msgpack_is_shown_as_json])
