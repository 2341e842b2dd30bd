#!/usr/bin/env python3
"""How varved starts, what it refuses to start with, and how it stops."""
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import Closed, Connection, Server, append_body, bin_dir, protocol, run, run_varved  # noqa: E402


def one_line_error(code, arguments, *parts):
    got, out, err = run_varved(*arguments)
    assert got == code, (arguments, got, err)
    lines = err.strip().split("\n")
    assert out == "" and len(lines) == 1 and lines[0].startswith("varved: "), (arguments, err)
    for part in parts:
        assert part in err, (part, err)


def help_and_version(directory):
    code, out, err = run_varved("--help")
    assert code == 0 and err == "" and "examples:" in out and "--memory-budget" in out
    code, out, err = run_varved("--version")
    assert code == 0 and out.startswith("varved ")


def wrong_usage_is_told(directory):
    one_line_error(2, ["--no-such"], "--no-such")
    one_line_error(2, ["--max-connections", "0", directory], "--max-connections")
    one_line_error(2, ["--listen", "0.0.0.0:0", directory], "TLS", "loopback")
    one_line_error(2, ["--listen", "[::]:0", directory], "TLS")
    one_line_error(2, ["--index", "colour", directory], "--index")
    assert not os.path.exists(directory)  # Nothing was made on the way.


def starts_says_so_and_stops(directory):
    with Server(directory) as server:
        log = server.log()
        assert "event=server.started" in log and f"directory={directory}" in log and "memory=" in log, log
        with server.connect() as c:
            c.append("a", 3)
        server.stop()
        assert "event=server.stopped" in server.log()
    with Server(directory) as server:
        assert "last_position=3" in server.log(), server.log()
        assert "recovered_events=0" in server.log()  # A clean end leaves nothing to recover.
        server.stop()


def interrupt_stops_too(directory):
    with Server(directory) as server:
        server.signal(signal.SIGINT)
        assert server.wait() == 0


def a_second_process_is_refused(directory):
    with Server(directory) as server, server.connect() as c:
        one_line_error(1, ["--listen", "127.0.0.1:0", directory], "LOCKED", directory)
        c.append("a", 1)
        server.stop()


def a_taken_port_is_told(directory):
    with Server(directory) as server:
        other = directory + "-other"
        one_line_error(1, ["--listen", f"127.0.0.1:{server.port}", "--log-level", "error", other], "in use",
                       str(server.port))


def hang():
    os.environ.update(LD_PRELOAD=os.path.join(bin_dir(), "..", "tests", "preload", "preload_kafka.so"),
                      VARVE_KAFKA_HANG="yes")


def an_outbox_that_hangs_does_not_change_how_it_ends(directory):
    kafka, other = ["--kafka", "127.0.0.1:1"], directory + "-other"
    with Server(directory, *kafka, before=hang) as server:
        with Server(other, "--listen", f"127.0.0.1:{server.port}", *kafka, tcp=False, before=hang,
                    ready=r"varved: ") as unlucky:
            assert unlucky.wait() == 1, unlucky.log()
            assert "event=outbox.hangs" in unlucky.log() and "in use" in unlucky.log(), unlucky.log()
        server.stop()
        assert "event=outbox.hangs" in server.log(), server.log()


def foreign_directories_are_refused(directory):
    os.mkdir(directory)
    with open(os.path.join(directory, "letter.txt"), "w") as letter:
        letter.write("dear reader")
    one_line_error(1, ["--listen", "127.0.0.1:0", directory], "NOT_A_STORE")
    assert os.listdir(directory) == ["letter.txt"]
    one_line_error(1, ["--listen", "127.0.0.1:0", os.path.join(directory, "letter.txt")])


def a_damaged_journal_is_exit_6(directory):
    with Server(directory, "--settle-events", "1000000", "--settle-size", "1GiB") as server, server.connect() as c:
        for _ in range(20):
            c.append("a", 5)
        server.kill()
    segments = os.path.join(directory, "journal")
    path = os.path.join(segments, sorted(os.listdir(segments))[0])
    with open(path, "r+b") as segment:
        data = segment.read(1 << 20)
        at = data.index(b"thing.happened", data.index(b"thing.happened") + 100)
        segment.seek(at)
        segment.write(b"thing.HAPPENED")
    one_line_error(6, ["--listen", "127.0.0.1:0", directory], "CORRUPT", "journal/")


def port_file_and_several_listeners(directory):
    port_file = directory + ".port"
    with Server(directory, "--listen", "[::1]:0", port_file=port_file) as server:
        ports = [int(line) for line in open(port_file)]
        assert len(ports) == 2 and all(ports)
        with Connection(socket.create_connection(("::1", ports[1]), 10)) as c:
            assert c.ask("PING", [])
        server.stop()
    one_line_error(1, ["--listen", "127.0.0.1:0", "--log-level", "error", "--port-file", "/nonexistent/port",
                       directory], "--port-file")


def unix_connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    return Connection(sock)


def unix_socket(directory):
    path = directory + ".sock"
    with Server(directory, "--unix", path, tcp=False) as server:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with unix_connect(path) as c:
            c.append("a", 3)
            assert len(c.read(protocol.STREAM, "a")[0]) == 3
        one_line_error(1, ["--unix", path, "--log-level", "error", directory + "-other"], path)
        server.kill()
    assert os.path.exists(path)  # Left behind; the next one takes it over.
    with Server(directory, "--unix", path, tcp=False) as server:
        with unix_connect(path) as c:
            assert len(c.read(protocol.STREAM, "a")[0]) == 3
        server.stop()
    assert not os.path.exists(path)
    with open(path, "w") as file:
        file.write("not a socket")
    one_line_error(1, ["--unix", path, "--log-level", "error", directory], path)
    assert os.path.exists(path)


def json_log_is_json(directory):
    with Server(directory, "--log-format", "json", "--log-level", "debug") as server:
        with server.connect() as c:
            c.ask("PING", [])
        sock = socket.create_connection(("127.0.0.1", server.port), 10)
        with Connection(sock, hello=False) as c:
            c.ask("HELLO", [1, 1, "a \"quoted\" näme", []])
        server.stop()
        events = [json.loads(line) for line in server.log().splitlines()]
    names = [e["event"] for e in events]
    assert names[0] == "server.started" and names[-1] == "server.stopped" and "session.opened" in names, names
    assert any(e.get("client") == "a \"quoted\" näme" for e in events)
    assert all({"time", "level", "event"} <= set(e) for e in events)


def stop_answers_what_is_under_way(directory):
    """Under load: what was acknowledged is there, what was not is refused or unanswered, and nothing else is."""
    answers, lock = [], threading.Lock()

    def load(server, number):
        with server.connect() as c:
            try:
                for i in range(1, 1000000):
                    c.send("APPEND", append_body(f"s-{number}", 1, i - 2 if i > 1 else -1))
                    if i > 16:
                        name, _, body = c.receive()
                        with lock:
                            answers.append((number, name, body))
                        if name == "ERROR":
                            break
                for frame in c.wait_closed():
                    with lock:
                        answers.append((number, frame[0], frame[2]))
            except (Closed, ConnectionError):
                for frame in c.wait_closed():
                    with lock:
                        answers.append((number, frame[0], frame[2]))

    with Server(directory) as server:
        threads = [threading.Thread(target=load, args=(server, n)) for n in range(4)]
        for thread in threads:
            thread.start()
        with server.connect() as idle, socket.create_connection(("127.0.0.1", server.port), 10):
            while len(answers) < 2000:
                idle.ask("PING", [])
            server.stop()
            assert [f[0] for f in idle.wait_closed()] == []
        for thread in threads:
            thread.join()
    errors = {body[1] for _, name, body in answers if name == "ERROR"}
    assert errors <= {"NOT_READY", "WRONG_EXPECTED_VERSION"}, errors
    with Server(directory) as server, server.connect() as c:
        assert "recovered_events=0" in server.log()
        for number in range(4):
            acknowledged = [body[1][0][1] for n, name, body in answers if n == number and name == "APPEND_OK"]
            records, _ = c.read(protocol.STREAM, f"s-{number}")
            assert [r["version"] for r in records] == list(range(len(records)))
            assert acknowledged == list(range(len(records))), (len(acknowledged), len(records))


def stop_ends_waiting_reads(directory):
    with Server(directory) as server, server.connect() as c:
        c.append("a", 1000)
        read = c.send("READ", [0, None, None, False, False, None, 0, None, None, 1, 1000])
        assert c.receive()[0] == "READ_BATCH"
        server.stop()
        frames = c.wait_closed()
        assert [(f[0], f[1], f[2][1]) for f in frames] == [("ERROR", read, "NOT_READY")], frames


def stop_does_not_wait_for_a_silent_peer(directory):
    with Server(directory, "--stop-timeout", "300ms") as server, server.connect() as c:
        c.append("a", [[0, None, "t", 1, None, None, None, None, None, 0, 2, b"x" * 100000, None]] * 60)
        for _ in range(10):
            c.send("READ", [0, None, None, False, False, None, 0, None, None, 1 << 26, 0])
        server.stop()  # The replies are never taken.


def a_second_signal_ends_at_once(directory):
    with Server(directory, "--stop-timeout", "1h") as server, server.connect() as c:
        c.append("a", [[0, None, "t", 1, None, None, None, None, None, 0, 2, b"x" * 100000, None]] * 60)
        for _ in range(10):
            c.send("READ", [0, None, None, False, False, None, 0, None, None, 1 << 26, 0])
        server.wait_for_log("server.ready")
        c.fill(16)
        server.signal(signal.SIGTERM)
        server.wait_for_log("server.stopping")
        server.signal(signal.SIGTERM)
        assert server.wait() != 0
    with Server(directory) as server:
        server.stop()


def serves_without_standard_descriptors(directory):
    """And does not write its log into what got their numbers."""
    process = subprocess.Popen(["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', os.path.join(bin_dir(), "varved"),
                                "--listen", "127.0.0.1:0", "--port-file", directory + ".port", directory])
    try:
        while not os.path.exists(directory + ".port"):
            assert process.poll() is None
        with open(directory + ".port") as file:
            port = int(file.read())
        with Connection(socket.create_connection(("127.0.0.1", port), 10)) as c:
            c.append("a", 5)
            assert len(c.read(protocol.STREAM, "a")[0]) == 5
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        for folder, _, names in os.walk(directory):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    assert b"server.st" not in file.read(), name
    finally:
        process.kill()
        process.wait()


run([help_and_version, wrong_usage_is_told, starts_says_so_and_stops, interrupt_stops_too, a_second_process_is_refused,
     a_taken_port_is_told, an_outbox_that_hangs_does_not_change_how_it_ends, foreign_directories_are_refused,
     a_damaged_journal_is_exit_6, port_file_and_several_listeners, unix_socket, json_log_is_json,
     stop_answers_what_is_under_way, stop_ends_waiting_reads, stop_does_not_wait_for_a_silent_peer,
     a_second_signal_ends_at_once, serves_without_standard_descriptors])
