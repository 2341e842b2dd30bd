"""Server-sent events for black-box tests: a varved with HTTP, a parser as browsers have it, and clients."""
import contextlib
import json
import os
import socket
import subprocess
import threading
import time
import urllib.parse

import varved
from varved import PATIENCE_S


class PushServer(varved.Server):
    """A varved that pushes. `held`: at this port, which stays when the server goes; else at a free one."""

    def __init__(self, directory, *options, held=None, **more):
        http_port = held.number if held else 0
        port_file = directory + ".http-port"
        with contextlib.suppress(FileNotFoundError):
            os.remove(port_file)
        super().__init__(directory, "--http.listen", f"127.0.0.1:{http_port}", "--http.port_file", port_file, *options,
                         **more)
        until = time.monotonic() + PATIENCE_S
        while not (os.path.exists(port_file) and open(port_file).read().endswith("\n")):
            assert time.monotonic() < until, self.log()
            time.sleep(0.01)
        self.http_port = int(open(port_file).read().split()[0])

    def url(self, **parameters):
        query = urllib.parse.urlencode(parameters)
        return f"http://127.0.0.1:{self.http_port}/v1/events" + (f"?{query}" if query else "")

    def figures(self):
        with self.connect() as connection:
            return dict(connection.ask("STATS", [])[0])


class Message:
    """One event as a browser hands it out; without data it only moves the last id."""

    def __init__(self):
        self.id, self.event, self.data, self.comments, self.retry = None, "message", None, [], None

    @property
    def body(self):
        return json.loads(self.data)


def is_event(message):
    """Of the log."""
    return message.data is not None and message.event != "caught_up"


class Parser:
    """Bytes in, messages out, by the rules of the HTML standard."""

    def __init__(self):
        self.rest, self.message, self.last_id = b"", Message(), None

    def take(self, data):
        self.rest += data
        *lines, self.rest = self.rest.split(b"\n")
        return [message for line in lines for message in self.line(line.decode())]

    def line(self, line):
        message = self.message
        assert "\r" not in line, "a bare CR is a line's end, too"
        if line == "":
            self.message = Message()
            if message.id is not None:
                self.last_id = message.id
            return [message]
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "":
            message.comments.append(value)
        elif field == "data":
            message.data = value if message.data is None else message.data + "\n" + value
        elif field in ("id", "event", "retry"):
            setattr(message, field, value)
        else:
            raise AssertionError(f"an unknown field: {line!r}")
        return []


class Curl:
    """`curl -N` in the background; what it has printed is parsed as it comes. A context manager."""

    def __init__(self, url, *options):
        self.process = subprocess.Popen(["curl", "-sS", "-N", *options, url], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.parser, self.messages, self.text, self.ended = Parser(), [], b"", False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        while True:
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            with self.changed:
                self.text += data
                with contextlib.suppress(AssertionError, UnicodeDecodeError):
                    self.messages += self.parser.take(data)
                self.ended = not data
                self.changed.notify_all()
            if not data:
                return

    def wait_for(self, there, what="it"):
        """Until there(messages) is true; returns what it returned."""
        with self.changed:
            if not self.changed.wait_for(lambda: there(self.messages) or self.ended, PATIENCE_S) or \
                    not there(self.messages):
                raise AssertionError(f"{what} did not come; the last is {self.text[-500:]!r}")
            return there(self.messages)

    def events(self):
        """Those of the log: (position, type, body)."""
        with self.changed:
            return [(int(m.id), m.event, m.body) for m in self.messages if is_event(m)]

    def wait_events(self, count):
        self.wait_for(lambda messages: sum(map(is_event, messages)) >= count,
                      f"{count} events")
        return self.events()

    def wait_caught_up(self):
        return self.wait_for(lambda messages: [m for m in messages if m.event == "caught_up"])[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.thread.join(PATIENCE_S)


def get(url, *options):
    """(status, headers, body) of an answer that ends."""
    done = subprocess.run(["curl", "-sS", "-i", "--max-time", str(PATIENCE_S), *options, url], stdout=subprocess.PIPE,
                          check=True, timeout=PATIENCE_S + 5)
    head, _, body = done.stdout.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body


def connect(port, target, *headers, receive_bytes=None):
    """A socket that has asked for a stream and reads nothing."""
    sock = socket.socket()
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.settimeout(PATIENCE_S)
    sock.connect(("127.0.0.1", port))
    lines = [f"GET {target} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, "", ""]
    sock.sendall("\r\n".join(lines).encode())
    return sock


class Stream:
    """A stream read by hand: the head, then chunks, then messages."""

    def __init__(self, port, target, *headers):
        self.sock = connect(port, target, *headers)
        self.file = self.sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers = {}
        for line in iter(lambda: self.file.readline().strip(), b""):
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        self.parser = Parser()

    def take(self):
        """The messages of the next chunk; None at the end."""
        size = int(self.file.readline() or b"0", 16)
        data = self.file.read(size + 2)
        return self.parser.take(data[:size]) if size > 0 and len(data) == size + 2 else None

    def take_events(self, count, into):
        """Append events of the log to `into` until it has so many, or the server is gone (False)."""
        while len(into) < count:
            try:
                messages = self.take()
            except (OSError, ValueError):
                return False
            if messages is None:
                return False
            into += filter(is_event, messages)
        return True

    def close(self):
        self.file.close()
        self.sock.close()
