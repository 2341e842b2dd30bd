"""A client, a server to talk to, and the list of checks; for protocol_client.py."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid

import varve_protocol as vp
from aggregates import Aggregates
from consumers import Consumers
from sagas import Sagas

os.environ.setdefault("VARVED_HTTP__LISTEN", "off")  # Whoever tests HTTP asks for a free port.

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("VARVE_BIN_DIR", "build/gcc-release/bin"))
PATIENCE_S = 60

WRONG_EXPECTED_VERSION, STREAM_NOT_FOUND, STREAM_TOMBSTONED, ID_REUSED, EVENT_TOO_LARGE, APPEND_TOO_LARGE = range(1, 7)
INVALID_ARGUMENT, OVERLOADED, NOT_READY, EVENT_NOT_FOUND, CONSUMER_TOO_SLOW, UNSUPPORTED = 7, 10, 12, 13, 14, 15
CANCELLED, PROTOCOL, INDEX_NOT_KEPT = 16, 17, 18
GROUP_NOT_FOUND, GROUP_EXISTS, GROUP_STOPPED, CONSUMER_EXISTS, FENCED, NOT_DELIVERED = range(19, 25)
SAGA_NOT_FOUND, SAGA_EXISTS, SAGA_CONFLICT, SAGA_FINISHED, SNAPSHOT_NOT_FOUND, SNAPSHOT_AHEAD = range(25, 31)
ANSWERS = {"PING": "PONG", "GROUP_CREATE": "GROUP_OK", "GROUP_UPDATE": "GROUP_OK", "GROUP_RESET": "GROUP_OK",
           "GROUP_DELETE": "GROUP_OK", "GROUP_INFO": "GROUP_OK", "GROUP_NACK": "GROUP_ACK_OK",
           "GROUP_EXTEND": "GROUP_ACK_OK", "PARKED_REPLAY": "PARKED_OK", "PARKED_DISCARD": "PARKED_OK"}
# What a server must have announced for requests whose names begin so.
CAPABILITIES = {"SUBSCRIBE": "subscribe", "GROUP_": "group", "PARKED_": "group", "TRANSACT": "transact",
                "SAGA_": "saga", "SNAPSHOT_": "snapshot", "LOAD": "snapshot"}


class Refused(Exception):
    """An ERROR."""

    def __init__(self, body):
        super().__init__(body[1] + ": " + body[2])
        self.number, self.name, self.message, self.field, self.limit, self.retry_after_ms, self.conflicts = body[:7]


class Closed(Exception):
    """The server closed the connection."""


# ---- checks: each is handed a server that others use too, so the names of its streams are its own --------------------

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def name(prefix="s"):
    return "%s-%s" % (prefix, uuid.uuid4().hex)


# ---- the client ------------------------------------------------------------------------------------------------------


class Client(Consumers, Sagas, Aggregates):
    refusal = Refused

    def __init__(self, address, greet=True):
        self.kept = {}  # What came for subscriptions and memberships while something else was waited for.
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(PATIENCE_S)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, PATIENCE_S)
        self.next_id = 1
        if greet:
            self.hello = self.call("HELLO", [1, 1, "protocol_client.py", []])
            self.limits = self.hello[3]

    def close(self):
        self.socket.close()

    def may(self, opcode):
        """Has the server announced the capability that this request needs?"""
        needed = [capability for start, capability in CAPABILITIES.items() if opcode.startswith(start)]
        return all(capability in self.hello[4] for capability in needed)

    def send_bytes(self, data):
        self.socket.sendall(data)

    def send(self, opcode, body, request_id=None, raw=False):
        if request_id is None:
            request_id, self.next_id = self.next_id, self.next_id + 1
        self.send_bytes(vp.frame(opcode, request_id, body, raw))
        return request_id

    def take(self, size):
        data = b""
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionResetError:
                part = b""
            if not part:
                raise Closed()
            data += part
        return data

    def receive(self):
        """(name, request id, body as a value, size of the body)"""
        name, length, request_id = vp.parse_header(self.take(16))
        return name, request_id, vp.unpack(self.take(length)), length

    def receive_of(self, request_id):
        """As receive(): the next message of this request, or one that belongs to nothing that is followed."""
        if self.kept.get(request_id):
            return self.kept[request_id].popleft()
        while True:
            message = self.receive()
            if message[1] == request_id or message[1] not in self.kept:
                return message
            self.kept[message[1]].append(message)

    def keep_one(self):
        """Waits for a message of something that is followed, and keeps it."""
        message = self.receive()
        self.kept[message[1]].append(message)

    def answer(self, request_id, name):
        got, got_id, body, _ = self.receive_of(request_id)
        assert got_id == request_id, "answer to %d, expected to %d" % (got_id, request_id)
        if got == "ERROR":
            raise Refused(body)
        assert got == name, "%s, expected %s" % (got, name)
        return body

    def call(self, opcode, body, raw=False):
        return self.answer(self.send(opcode, body, raw=raw), ANSWERS.get(opcode, "%s_OK" % opcode))

    def append(self, stream, expected, events):
        return self.call("APPEND", [[[stream, expected]], events])

    def read(self, kind=vp.ALL, name=None, correlation_id=None, backwards=False, include_system=False, start=None,
             limit=0, since=None, until=None, credit=1 << 20, batch_bytes=0):
        """Every record, given its credit back batch by batch."""
        request_id = self.send("READ", [kind, name, correlation_id, backwards, include_system, start, limit, since,
                                        until, credit, batch_bytes])
        records, self.batches = [], []
        while True:
            got, got_id, body, size = self.receive()
            assert got_id == request_id
            if got == "ERROR":
                raise Refused(body)
            if got == "READ_END":
                self.read_end = body[0]
                return records
            assert got == "READ_BATCH", got
            records += [vp.read_record(data) for data in body[0]]
            self.batches.append((size, len(body[0]), body[1]))
            self.send("CREDIT", [size], request_id)

    def silent(self, seconds):
        """Nothing comes for so long."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(1)
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)
        raise AssertionError("%d bytes came, expected none" % len(data))

    def expect_closed(self):
        try:
            data = self.socket.recv(1)
        except ConnectionResetError:
            return
        assert data == b"", "expected the connection to be closed"

    def dismissed(self, number, request_id=0):
        """An ERROR about the connection, then its end."""
        name, got_id, body, _ = self.receive()
        assert name == "ERROR" and got_id == request_id, (name, got_id)
        assert body[0] == number, body
        self.expect_closed()


def event(kind="thing.happened", data=b"{}", **more):
    e = {"stream_index": 0, "id": uuid.uuid4().bytes, "type": kind, "schema_version": 1, "time": None,
         "correlation_id": None, "causation_id": None, "source": None, "user_id": None, "class": 0, "content_type": 0,
         "data": data, "metadata": None}
    e.update(more)
    return list(e.values())


def refused(number, function, *arguments, **more):
    try:
        function(*arguments, **more)
    except Refused as error:
        assert error.number == number, "%s, expected number %d" % (error, number)
        return error
    raise AssertionError("accepted, expected error %d" % number)


# ---- the server ------------------------------------------------------------------------------------------------------


class Server:
    """A varved on a directory of its own; may be stopped and started again."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="varve-blackbox-")
        self.log_path = os.path.join(self.folder, "log")
        self.unix_path = os.path.join(self.folder, "socket")
        self.start()

    def start(self):
        port_file = os.path.join(self.folder, "port")
        with contextlib.suppress(FileNotFoundError):
            os.remove(port_file)
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(
                [str(ROOT / BIN / "varved"), "--listen", "127.0.0.1:0", "--unix", self.unix_path, "--port-file",
                 port_file, os.path.join(self.folder, "data")], stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_S
        while not (os.path.exists(port_file) and open(port_file).read().endswith("\n")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("varved did not start:\n" + self.said())
            time.sleep(0.01)
        self.address = ("127.0.0.1", int(open(port_file).read().split()[0]))

    def said(self):
        return open(self.log_path).read()

    def resident_bytes(self):
        return int(open("/proc/%d/statm" % self.process.pid).read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @contextlib.contextmanager
    def client(self, greet=True):
        client = Client(self.address, greet)
        try:
            yield client
        finally:
            client.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder)
