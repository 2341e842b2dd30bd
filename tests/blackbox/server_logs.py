#!/usr/bin/env python3
"""The log of varved: what every line has, what a flood leaves of itself, and what it never says."""
import http.client
import json
import os
import re
import socket
import sys
import time

import varve_protocol as vp
from cli_support import ROOT, Server, expect, main
from consumers import PARK
from harness import Client, Closed, Refused, event
from sagas import BEGIN, STEP

MARKER = "Zq7secret-of-an-event-Xw9"
DEADLINE_S = 60
HEAD = re.compile(r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z level=(debug|info|warn|error) service=(\S+) "
                  r"event=(\w+\.\w+)( |$)")


def lines_of(server):
    return open(server.log, encoding="utf-8").read().splitlines()


def events_of(server):
    return [HEAD.match(line)[3] for line in lines_of(server)]


def wait_for(server, what):
    give_up = time.monotonic() + DEADLINE_S
    while not any(what in line for line in lines_of(server)):
        assert time.monotonic() < give_up, f"the log never said {what}:\n" + "\n".join(lines_of(server)[-20:])
        time.sleep(0.02)


def documented():
    text = open(os.path.join(ROOT, "docs/logs.md"), encoding="utf-8").read()
    return {event: set(fields.split()) for event, fields in
            re.findall(r"^\| `(\w+\.\w+)` \| [^|]+ \| ([^|]*) \| [^|]* \|$", text, re.M)}


def client(server):
    return Client(("127.0.0.1", server.port))


def tried(function, *arguments, **more):
    try:
        return function(*arguments, **more)
    except (Refused, Closed, AssertionError):
        return None


# ---- lines ----------------------------------------------------------------------------------------------------------

def test_every_line_has_its_head(folder):
    server = Server(folder + "/store", "--log-level", "debug")
    client(server).close()
    wait_for(server, "event=session.closed")
    server.stop()
    assert all(HEAD.match(line) for line in lines_of(server)), lines_of(server)
    expect({HEAD.match(line)[2] for line in lines_of(server)}, {"varved"})
    for wanted in "server.started", "server.ready", "session.opened", "session.closed", "server.stopped":
        assert wanted in events_of(server), wanted


def test_json_lines_hold_what_is_documented(folder):
    server = Server(folder + "/store", "--log-format", "json", "--log-level", "debug", "--log.service", "orders store")
    with_settings = client(server)
    with_settings.group_create("mails")
    with_settings.join("mails", "c1").cancel()
    with_settings.close()
    wait_for(server, '"event":"group.consumer_left"')
    server.stop()
    told = documented()
    for line in map(json.loads, lines_of(server)):
        expect(list(line)[:4], ["time", "level", "service", "event"])
        expect(line["service"], "orders store")
        more = set(list(line)[4:]) - told[line["event"]] - {"repeated", "cut"}
        expect(more, set(), f"fields of {line['event']} that docs/logs.md does not have")


def test_slow_requests_are_told(folder):
    """One of a millisecond comes, on any machine, if one only asks for enough."""
    server = Server(folder + "/store", "--log.slow_request", "1ms")
    c = client(server)
    give_up = time.monotonic() + DEADLINE_S
    while not any("event=request.slow operation=APPEND" in line for line in lines_of(server)):
        assert time.monotonic() < give_up
        c.append("order-42", vp.ANY, [event(data=b'"%s"' % (MARKER.encode() * 2000)) for _ in range(100)])
    line = next(line for line in lines_of(server) if "event=request.slow operation=APPEND" in line)
    assert re.search(r" session=1 stream=order-42 position=\d+ dur_ms=\d+ status=OK$", line), line
    assert MARKER not in "\n".join(lines_of(server))
    c.close()
    server.stop()


def http_port(folder):
    with open(folder + "/http.port", encoding="utf-8") as file:
        return int(file.read().split()[0])


def post(port, stream, body):
    """The status of an append over HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    connection.request("POST", f"/v1/streams/{stream}", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_slow_requests_over_http_are_told(folder):
    server = Server(folder + "/store", "--log.slow_request", "1ms", "--http.listen", "127.0.0.1:0", "--http.port_file",
                    folder + "/http.port")
    events = json.dumps({"events": [{"type": "t", "data": MARKER * 200} for _ in range(100)]})
    give_up = time.monotonic() + DEADLINE_S
    while not any("event=http.slow" in line for line in lines_of(server)):
        assert time.monotonic() < give_up, "\n".join(lines_of(server))
        expect(post(http_port(folder), "order-42", events), 201)
    line = next(line for line in lines_of(server) if "event=http.slow" in line)
    assert re.search(r" event=http.slow operation=\S+ about=order-42 dur_ms=\d+ status=201$", line), line
    for body in "{" + MARKER, json.dumps({"type": MARKER * 50}), json.dumps([MARKER]), \
            json.dumps({"type": "t", "data": MARKER, "expected": 7}), json.dumps({"events": [], MARKER: 1}):
        assert post(http_port(folder), "order-42", body) >= 400, body
    server.stop()
    assert MARKER not in "\n".join(lines_of(server))


# ---- floods ---------------------------------------------------------------------------------------------------------

def test_a_flood_is_counted_instead_of_written(folder):
    server = Server(folder + "/store")
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", server.port)) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while peer.recv(4096):
                pass
    c = client(server)
    stats = c.call("STATS", [])[0]
    c.close()
    assert stats["log_lines_dropped"] > 0 and stats["log_lines_info"] >= 21 and stats["log_lines_error"] == 0, stats
    server.stop()
    said = [line for line in lines_of(server) if "event=session.dismissed" in line]
    repeats = [line for line in lines_of(server) if re.search(r" repeated=\d+$", line)]
    left_out = sum(int(line.rsplit("=", 1)[1]) for line in repeats if "session.dismissed" in line)
    expect(len(said) + left_out, 200, "lines and what was left out")
    assert len(said) < 200 and repeats, said


# ---- what is never said ---------------------------------------------------------------------------------------------

def spoil_appends(c):
    data, metadata = b'{"a":"%s"}' % MARKER.encode(), b'{"m":"%s"}' % MARKER.encode()
    fixed = event(data=data, metadata=metadata)
    c.append("s-1", vp.NO_STREAM, [fixed])
    for stream, expected, events in (
            ("s-1", 7, [event(data=data)]),                                      # WRONG_EXPECTED_VERSION
            ("s-1", vp.ANY, [fixed[:1] + [fixed[1]] + ["other"] + fixed[3:]]),   # ID_REUSED
            ("s-1", vp.ANY, [event(data=b"{" + MARKER.encode())]),               # no JSON
            ("s-1", vp.ANY, [event(data=data, metadata=MARKER.encode())]),
            ("s-1", vp.ANY, [event(data=MARKER.encode() * 100000)]),             # EVENT_TOO_LARGE
            ("s-1", vp.ANY, [event(kind="", data=data)]),
            ("s-1", vp.ANY, [event(data=data, content_type=9)])):
        tried(c.append, stream, expected, events)
    tried(c.call, "APPEND", [[["s-1", vp.ANY]], [[MARKER] * 13]])
    tried(c.call, "APPEND", MARKER.encode(), raw=True)


def spoil_state(c):
    state = b'{"s":"%s"}' % MARKER.encode()
    c.move_saga(BEGIN, "order", "1", vp.NO_STREAM, step="one", state=state)
    tried(c.move_saga, BEGIN, "order", "1", vp.NO_STREAM, step="one", state=state)
    tried(c.move_saga, STEP, "order", "1", 99, step="two", state=MARKER.encode())
    tried(c.snapshot_put, "s-1", 99, state)
    tried(c.snapshot_put, "s-1", 0, b"{" + MARKER.encode())
    tried(c.snapshot_put, "s-1", 0, state)
    c.group_create("mails", None)
    member = c.join("mails", "c1")
    for attempt, record in member.events(1):
        member.nack(record["position"], action=PARK, reason="no such customer")


def spoil_frames(server):
    """Bytes of an event where a frame should begin, a frame that is cut, one that is too long."""
    frame = vp.frame("APPEND", 5, [[["s-1", vp.ANY]], [event(data=MARKER.encode())]])
    for sent in MARKER.encode() * 3, frame[:40], frame[:8] + b"\xff\xff\xff\xff" + frame[12:], frame[16:] * 2:
        c = client(server)
        c.send_bytes(sent)
        c.socket.shutdown(socket.SHUT_WR)
        tried(lambda: [c.receive() for _ in range(10)])
        c.close()


def test_payloads_are_never_logged(folder):
    server = Server(folder + "/store", "--log-level", "debug", "--log.slow_request", "1ms", "--kafka-mock")
    c = client(server)
    spoil_appends(c)
    spoil_state(c)
    spoil_frames(server)
    c.append("s-2", vp.ANY, [event(data=b'"%s"' % (MARKER.encode() * 41000))])  # More than Kafka takes.
    wait_for(server, "event=outbox.dead_letter")
    wait_for(server, "event=group.parked")
    c.close()
    server.stop()
    text = "\n".join(lines_of(server))
    assert "session.dismissed" in events_of(server), text
    assert MARKER not in text, next(line for line in text.splitlines() if MARKER in line)
    assert all(HEAD.match(line) for line in text.splitlines()), text


if __name__ == "__main__":
    sys.exit(main(globals()))
