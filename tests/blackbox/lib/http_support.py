"""A varved with an HTTP port, and HTTP as bytes, for black-box tests. Nothing but the standard library."""
import contextlib
import http.client
import json
import os
import socket
import time

from varved import PATIENCE_S, Server

LOOPBACK = "127.0.0.1"


class HttpServer(Server):
    """A varved whose HTTP port is a free one, unless `options` say otherwise."""

    def __init__(self, directory, *options, **more):
        self.http_file = directory + ".http"
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.http_file)  # Of one that was there before.
        super().__init__(directory, "--http.listen", LOOPBACK + ":0", "--http.port_file", self.http_file, *options,
                         **more)
        while not os.path.exists(self.http_file):  # It is written behind what the log says.
            time.sleep(0.01)
        with open(self.http_file, encoding="utf-8") as ports:
            self.http_ports = [int(port) for port in ports.read().split()]
        self.http_port = self.http_ports[0] if self.http_ports else None

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, body as bytes)"""
        connection = http.client.HTTPConnection(LOOPBACK, self.http_port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def get_json(self, path):
        status, _, body = self.ask("GET", path)
        return status, json.loads(body)

    def figure(self, name):
        with self.connect() as connection:
            return connection.ask("STATS", [])[0][name]

    def raw(self):
        return Raw(self.http_port)


class Raw:
    """A connection to which bytes are written; a context manager."""

    def __init__(self, port):
        self.socket = socket.create_connection((LOOPBACK, port), PATIENCE_S)
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False: the server does not listen any more."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def receive(self):
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        self.got += data
        return data

    def until(self, text):
        """All that came, once `text` is in it."""
        while text not in self.got:
            if not self.receive():
                raise AssertionError(f"no {text!r} in {self.got[-2000:]!r}")
        return self.got

    def until_closed(self):
        while self.receive():
            pass
        return self.got

    def answers(self):
        """Statuses of all answers until the server closes."""
        return statuses(self.until_closed())


def statuses(data):
    """Of answers that follow each other, up to one that ends the connection; their bodies must be whole."""
    found = []
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        assert separator and head.startswith(b"HTTP/1.1 "), head[:200]
        status = int(head.split()[1])
        found.append(status)
        if b"\r\nconnection: close" in head.lower():
            return found  # Of some malformed heads libmicrohttpd's answer has its head twice.
        length = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        if length:
            assert len(data) >= int(length[0]), (head, data)
            data = data[int(length[0]):]
        elif status != 204 and status >= 200:
            return found  # Until the end of the connection.
    return found
