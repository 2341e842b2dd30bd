"""varved as a process, and a connection to it, for black-box tests. Nothing but the standard library."""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import varve_protocol as protocol  # noqa: E402
from waiting import PATIENCE_S  # noqa: E402

os.environ.setdefault("VARVED_HTTP__LISTEN", "off")  # Whoever tests HTTP asks for a free port.


def bin_dir():
    if "VARVE_BIN_DIR" in os.environ:
        return os.environ["VARVE_BIN_DIR"]
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
    return os.path.join(os.environ.get("VARVE_BUILD", os.path.join(root, "build", "gcc-release")), "bin")


def is_sanitized():
    return any(word in bin_dir() for word in ("-thread", "-address"))


def may_grow(mib):
    """In bytes, of a server's own memory; sanitizers take some for each byte it touches, and keep what was freed."""
    return (1024 if is_sanitized() else mib) << 20


def more_options():
    """For every varved: sanitizers leave less address space than the store would reserve."""
    return (["--map-size", "16GiB"] if is_sanitized() else []) + os.environ.get("VARVED_OPTIONS", "").split()


def run_varved(*arguments, timeout_s=PATIENCE_S):
    """Run it to its end: (exit code, stdout, stderr)."""
    command = [os.path.join(bin_dir(), "varved"), *more_options(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class Server:
    """A varved on a directory and a free port; `before` is called in the new process. A context manager: killed at the
    end when it still runs. Begun is when `ready` is in its log."""

    def __init__(self, directory, *options, tcp=True, port_file=None, before=None, ready=r"server\.ready"):
        self.directory = directory
        self.scratch = tempfile.mkdtemp(prefix="varved-")
        self.log_path = os.path.join(self.scratch, "log")
        port_file = port_file or os.path.join(self.scratch, "port")
        command = [os.path.join(bin_dir(), "varved"), *more_options(), *options, directory]
        if tcp:
            command[1:1] = ["--listen", "127.0.0.1:0", "--port-file", port_file]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=before)
        self.wait_for_log(ready)
        self.port = int(open(port_file).read().split()[0]) if tcp and os.path.exists(port_file) else None

    def __enter__(self):
        return self

    def __exit__(self, fault, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if fault is not None:
            print(f"---- log of varved (ended with {self.process.returncode})\n{self.log()[-8000:]}----")
        shutil.rmtree(self.scratch, ignore_errors=True)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_for_log(self, pattern):
        until = time.monotonic() + PATIENCE_S
        while not re.search(pattern, self.log()):
            if self.process.poll() is not None and not re.search(pattern, self.log()):
                raise AssertionError(f"varved ended with {self.process.returncode}: {self.log()}")
            if time.monotonic() > until:
                raise AssertionError(f"no {pattern} in the log: {self.log()}")
            time.sleep(0.01)

    def connect(self, hello=True):
        return Connection(socket.create_connection(("127.0.0.1", self.port), PATIENCE_S), hello)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Its exit code."""
        return self.process.wait(PATIENCE_S)

    def stop(self):
        self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"varved ended with {code}: {self.log()}"

    def kill(self):
        self.process.kill()
        self.wait()

    def resident_bytes(self):
        """Its own memory; pages of mapped files are the system's and come and go."""
        with open(f"/proc/{self.process.pid}/statm") as statm:
            resident, shared = (int(word) for word in statm.read().split()[1:3])
            return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


class Closed(Exception):
    """The server ended the connection."""


class Error(Exception):
    """An ERROR reply."""

    def __init__(self, body):
        self.number, self.name, self.message, self.field, self.limit, self.retry_after_ms, self.conflicts = body[:7]
        super().__init__(f"{self.name}: {self.message}")


class Connection:
    """One connection; a context manager."""

    def __init__(self, sock, hello=True):
        self.sock = sock
        self.sock.settimeout(PATIENCE_S)
        self.buffer = b""
        self.last_id = 0
        if hello:
            self.hello = self.ask("HELLO", [1, 1, "blackbox", []])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send_bytes(self, data):
        self.sock.sendall(data)

    def send(self, opcode, body, request_id=None, raw=False):
        """Returns the request's id."""
        if request_id is None:
            self.last_id += 1
            request_id = self.last_id
        self.send_bytes(protocol.frame(opcode, request_id, body, raw))
        return request_id

    def fill(self, size):
        while len(self.buffer) < size:
            try:
                data = self.sock.recv(1 << 18)
            except (ConnectionResetError, BrokenPipeError):
                data = b""
            if not data:
                raise Closed()
            self.buffer += data

    def receive_raw(self):
        """The next frame: (opcode's name, request id, bytes of the body)."""
        self.fill(16)
        name, length, request_id = protocol.parse_header(self.buffer[:16])
        self.fill(16 + length)
        body, self.buffer = self.buffer[16:16 + length], self.buffer[16 + length:]
        return name, request_id, body

    def receive(self):
        name, request_id, body = self.receive_raw()
        return name, request_id, protocol.unpack(body)

    def reply_to(self, request_id):
        """The reply's body; for tests that have one request under way."""
        name, got_id, body = self.receive()
        assert got_id == request_id, (got_id, request_id, name, body)
        if name == "ERROR":
            raise Error(body)
        return body

    def ask(self, opcode, body, raw=False):
        return self.reply_to(self.send(opcode, body, raw=raw))

    def is_silent(self, seconds):
        return not self.buffer and not select.select([self.sock], [], [], seconds)[0]

    def wait_closed(self):
        """Take what comes until the server closes; returns the frames."""
        frames = []
        try:
            while True:
                frames.append(self.receive())
        except Closed:
            return frames

    # ---- requests ----

    def append(self, stream, events, expected=protocol.ANY):
        return self.ask("APPEND", append_body(stream, events, expected))

    def read(self, kind=protocol.ALL, name=None, correlation=None, backwards=False, system=False, start=None, limit=0,
             since=None, until=None, credit=1 << 20, batch=0):
        """All records of a read as dicts, giving credit back as they come, and the position of READ_END."""
        request_id = self.send("READ", [kind, name, correlation, backwards, system, start, limit, since, until, credit,
                                        batch])
        records = []
        while True:
            name_, got_id, body = self.receive_raw()
            assert got_id == request_id, (got_id, request_id)
            if name_ == "ERROR":
                raise Error(protocol.unpack(body))
            if name_ == "READ_END":
                return records, protocol.unpack(body)[0]
            records += [protocol.read_record(record) for record in protocol.unpack(body)[0]]
            self.send("CREDIT", [len(body)], request_id)


def event(data=b"{}", kind="thing.happened", id_=None, index=0, content_type=0, metadata=None, correlation=None):
    return [index, id_, kind, 1, None, correlation, None, None, None, 0, content_type, data, metadata]


def append_body(stream, events, expected=protocol.ANY):
    """Of one stream; `events` are those of event(), or a number of plain ones."""
    if isinstance(events, int):
        events = [event(b'{"n":%d}' % i) for i in range(events)]
    return [[[stream, expected]], events]


def fails_with(name, function, *arguments, **named):
    """The Error of this name that the call must raise."""
    try:
        result = function(*arguments, **named)
    except Error as error:
        assert error.name == name, f"expected {name}, got {error}"
        return error
    raise AssertionError(f"expected {name}, got {result!r}")


def run(tests):
    """Run test functions, each with an empty directory's path; the last line tells the result."""
    chosen = sys.argv[1:]
    passed = failed = 0
    for test in tests:
        if chosen and test.__name__ not in chosen:
            continue
        scratch = tempfile.mkdtemp(prefix="varve-blackbox-")
        began = time.monotonic()
        try:
            test(os.path.join(scratch, "data"))
            passed += 1
            print(f"ok      {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        except Exception:  # Whatever it is, the other tests still run.
            failed += 1
            print(f"FAILED  {test.__name__}\n{traceback.format_exc()}", flush=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
