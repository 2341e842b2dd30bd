#!/usr/bin/env python3
"""`varve health`: what it says and how it exits, for every way a server can be."""
import json
import socket
import sys
import time

from cli_support import Server, expect, main, varve
from fake_peer import FakePeer

CHECKS = [["store", True, ""], ["disk", True, ""]]
FULL = [["store", True, ""], ["disk", False, "disk full: 1.0 GiB are free, the reserve is 2.0 GiB"]]
FAULT = [["store", False, "fault: the journal could not be synced"], ["disk", True, ""]]


def peer(live, ready, checks):
    return FakePeer({"HEALTH": lambda body: ("HEALTH_OK", [live, ready, checks, 3723, "9.8.7"])})


def test_exit_codes_and_first_lines():
    for label, live, ready, checks, code, live_code in (("ready", True, True, CHECKS, 0, 0),
                                                        ("not ready", True, False, FULL, 1, 0),
                                                        ("not live", False, False, FAULT, 1, 1)):
        server = peer(live, ready, checks)
        for arguments, wanted in ([], code), (["--live"], live_code):
            done = varve("health", *arguments, "--server", server.url)
            expect((done.returncode, done.err), (wanted, ""), label)
            expect(done.out.split("\n")[0], f"{label}: varved 9.8.7, up 1h 2m", label)
        server.close()


def test_the_table_tells_why():
    server = peer(True, False, FULL)
    done = varve("health", "--server", server.url)
    expect([line.split(None, 2) for line in done.out.splitlines()[1:]],
           [["check", "state", "reason"], ["store", "ok"],
            ["disk", "bad", "disk full: 1.0 GiB are free, the reserve is 2.0 GiB"]])
    server.close()


def test_json():
    server = peer(True, False, FULL)
    for form in "json", "ndjson":
        done = varve("health", "-o", form, "--server", server.url)
        expect((done.returncode, json.loads(done.out)),
               (1, {"live": True, "ready": False, "checks": [{"name": n, "good": g, "reason": r} for n, g, r in FULL],
                    "uptime_s": 3723, "version": "9.8.7"}))
    server.close()


def test_a_real_server(folder):
    server = Server(folder + "/store")
    for arguments in [], ["--live"]:
        done = varve("health", *arguments, "--server", server.url)
        expect((done.returncode, done.err), (0, ""))
        assert done.out.startswith("ready: varved "), done.out
    server.stop()
    expect(varve("health", "--server", server.url).returncode, 5)


def test_nobody_answers():
    done = varve("health", "--server", "varve://127.0.0.1:1")
    expect(done.returncode, 5, done.err)
    assert done.err.startswith("error: UNREACHABLE: ") and done.out == "", done
    silent = socket.create_server(("127.0.0.1", 0))
    begun = time.monotonic()
    done = varve("health", "--timeout", "200ms", "--server", f"varve://127.0.0.1:{silent.getsockname()[1]}")
    expect(done.returncode, 5, done.err)
    assert time.monotonic() - begun >= 0.2
    silent.close()


def test_nobody_answers_and_where_to_look():
    """The port of a server that opens its store is closed; the one that is open is named."""
    for http, named in ("", "http://127.0.0.1:8279"), ("http://127.0.0.1:4711", "http://127.0.0.1:4711"):
        for arguments in [], ["--live"]:
            done = varve("health", *arguments, "--server", "varve://127.0.0.1:1", VARVE_HTTP=http)
            expect((done.returncode, done.out, len(done.err.splitlines())), (5, "", 2), done.err)
            expect(done.err.splitlines()[1], "A server does not listen before its store is open. "
                   f"{named}/health/ready, on its machine, says whether it is still opening it.")


def test_a_server_that_does_not_know_the_request():
    server = FakePeer({})
    done = varve("health", "--server", server.url)
    expect(done.returncode, 1, done.err)
    assert done.err.startswith("error: UNSUPPORTED: "), done.err
    server.close()


def test_one_attempt_only():
    server = FakePeer({"HEALTH": lambda body: None})
    expect(varve("health", "--server", server.url).returncode, 5)
    expect(server.asked.count("HEALTH"), 1)
    server.close()


def test_wrong_options():
    for arguments, says in (["--timeout", "0s"], "--timeout must be from 1ms to 1h"), \
                           (["--timeout", "2h"], "--timeout must be from 1ms to 1h"), \
                           (["now"], 'one argument too many: "now"; usage: varve health [--live]'):
        done = varve("health", *arguments)
        expect((done.returncode, done.err.split("\n")[0]), (2, f"error: INVALID_ARGUMENT: {says}"))


if __name__ == "__main__":
    sys.exit(main(globals()))
