#!/usr/bin/env python3
"""The HTTP port of a running varved: where it is, what it says of itself, what it does while the server stops."""
import http.client
import json
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from http_support import HttpServer  # noqa: E402
from varved import PATIENCE_S, Server, bin_dir, more_options, run  # noqa: E402


def test_every_route_answers(folder):
    with HttpServer(folder) as server:
        status, index = server.get_json("/")
        assert status == 200 and index["server"] == "varved", index
        paths = [route["path"] for route in index["routes"]]
        assert "/health/live" in paths and "/v1" in paths, paths
        for route in index["routes"]:
            if route["method"] == "GET" and "{" not in route["path"] and route["path"] != "/v1/events":
                status, _, body = server.ask("GET", route["path"])
                assert status == 200, (route, status, body)
        server.stop()
        assert "event=http.ready address=127.0.0.1:%d" % server.http_port in server.log()
        assert " + http " in server.log()  # The memory of its connections.


def test_off_there_is_no_port(folder):
    with Server(folder, "--http.listen", "off") as server:
        assert "http.ready" not in server.log()
        server.stop()


def test_a_taken_port_says_which_key_to_change(folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run([os.path.join(bin_dir(), "varved"), *more_options(), folder, "--listen", "127.0.0.1:0",
                               "--http.listen", f"127.0.0.1:{port}"], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
    assert done.returncode == 1, done
    assert f"cannot listen on 127.0.0.1:{port} for HTTP: Address already in use (http.listen names another" in \
        done.stderr, done.stderr


def test_a_connection_serves_many_requests(folder):
    with HttpServer(folder) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=PATIENCE_S)
        for _ in range(1000):
            connection.request("GET", "/health/live")
            answer = connection.getresponse()
            assert answer.status == 200 and json.loads(answer.read())["live"]
        connection.close()
        assert server.figure("http_requests") == 1000
        assert server.figure("http_connections_total") == 1
        server.stop()


def test_connections_that_are_reset_are_forgotten(folder):
    with HttpServer(folder) as server:
        for round_ in range(20):
            for _ in range(50):
                with socket.create_connection(("127.0.0.1", server.http_port)) as peer:
                    if round_ % 2:
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # It resets.
                    peer.sendall(b"GET /v1/events?after=start HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until = time.monotonic() + PATIENCE_S
            while server.figure("http_connections") > 0:  # Over the binary port: nothing else wakes that of HTTP.
                assert time.monotonic() < until, server.figure("http_connections")
                time.sleep(0.01)
        server.stop()


if __name__ == "__main__":
    run([test_every_route_answers, test_off_there_is_no_port, test_a_taken_port_says_which_key_to_change,
         test_a_connection_serves_many_requests, test_connections_that_are_reset_are_forgotten])
