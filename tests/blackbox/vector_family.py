"""A file of vectors being written, and what every message must refuse; for make_vectors.py."""
import json
import pathlib

from varve_protocol import frame, pack
from vector_bodies import BODIES

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "protocol-vectors"


class Family:
    def __init__(self, name):
        self.name, self.vectors, self.next_id = name, [], 1

    def add(self, **vector):
        self.vectors.append(vector)
        self.next_id += 1

    def good(self, name, message, meaning, why=None, request_id=None):
        request_id = self.next_id if request_id is None else request_id
        self.add(name=name, message=message, request_id=request_id, valid=True, why=why,
                 hex=frame(message, request_id, BODIES[message](meaning)).hex(), meaning=meaning)

    def other(self, name, message, body, meaning, why):
        """Bytes that mean this too, though nobody need write them so."""
        self.add(name=name, message=message, request_id=self.next_id, valid=True, encodes=False, why=why,
                 hex=frame(message, self.next_id, body, raw=isinstance(body, bytes)).hex(), meaning=meaning)

    def bad(self, name, message, body, error, field=None, checked="body", why=None):
        self.add(name=name, message=message, request_id=self.next_id, valid=False, checked=checked, why=why,
                 hex=frame(message, self.next_id, body, raw=isinstance(body, bytes)).hex(), error=error, field=field)

    def raw(self, name, data, error, why=None):
        self.add(name=name, message=None, request_id=None, valid=False, checked="frame", why=why, hex=data.hex(),
                 error=error, field=None)

    def write(self):
        rows = []
        for vector in self.vectors:
            row = {k: v for k, v in vector.items() if v is not None or k in ("field", "message")}
            rows.append("  " + json.dumps(row, ensure_ascii=True))
        (OUT / (self.name + ".json")).write_text("[\n" + ",\n".join(rows) + "\n]\n")


def changed(body, index, value):
    body = list(body)
    body[index] = value
    return body


def malformed(family, message, good):
    """What every message must refuse."""
    whole = pack(good)
    family.bad(message + " empty body", message, b"", "PROTOCOL")
    family.bad(message + " nil instead of an array", message, b"\xc0", "PROTOCOL")
    family.bad(message + " a map instead of an array", message, b"\x80", "PROTOCOL")
    family.bad(message + " byte c1", message, b"\xc1", "PROTOCOL", why="c1 is never used in msgpack")
    family.bad(message + " a byte after the array", message, whole + b"\xc0", "PROTOCOL")
    family.bad(message + " a huge count", message, bytes.fromhex("ddffffffff"), "PROTOCOL",
               why="4,294,967,295 elements in five bytes: a count is held against the bytes left before anything else")
    family.bad(message + " a depth bomb", message, b"\x91" * 200 + b"\xc0", "PROTOCOL")
    family.bad(message + " an unknown element nested too deep", message,
               pack(list(good) + [[[[[[[[[]]]]]]]]]), "PROTOCOL", why="a body nests at most 8 deep")
    if good:
        family.bad(message + " cut by a byte", message, whole[:-1], "PROTOCOL")
        family.bad(message + " lacks its last element", message, list(good)[:-1], "PROTOCOL")
        for i, wrong in enumerate({"k": 1} if isinstance(v, (int, str, bytes, type(None))) else "x" for v in good):
            family.bad("%s element %d of the wrong type" % (message, i), message, changed(good, i, wrong), "PROTOCOL")


def later(family, message, meaning):
    body = BODIES[message](meaning)
    family.other(message + " of a later version", message, list(body) + [{"new": [1, 2.5]}, None], meaning,
                 "unknown elements at the end are skipped")
