#!/usr/bin/env python3
"""The configuration: file, environment and command line, one hiding the other; mistakes; secrets; and what SIGHUP
changes while clients append."""
import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import PATIENCE_S, Server, bin_dir, protocol, run, run_varved  # noqa: E402


@contextlib.contextmanager
def environment(**variables):
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def write(path, text, mode=0o600):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def show(server, *arguments):
    done = subprocess.run([os.path.join(bin_dir(), "varve"), "config", "show", *arguments, "--server",
                           f"varve://127.0.0.1:{server.port}"], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def entries(server):
    """{key: (value, origin)}; of a key that is there more than once, the last."""
    return {entry["key"]: (entry["value"], entry["origin"]) for entry in json.loads(show(server, "-o", "json"))}


def each_source_hides_the_next(directory):
    path = write(directory + ".ini", "[server]\nreaders = 3\nmax_requests = 30\nmax_output = 3MiB\n"
                                     "[outbox loans]\nbrokers = 127.0.0.1:1\nbackoff.min = 3s\nbackoff.max = 30s\n")
    with environment(VARVED_CONFIG=path, VARVED_SERVER__MAX_REQUESTS="40", VARVED_SERVER__MAX_OUTPUT="4MiB",
                     VARVED_OUTBOX__LOANS__BACKOFF_MAX="40s", VARVED_PORT="tcp://10.0.0.1:8278"):
        with Server(directory, "--max-output", "5242880", "--outbox.loans.poison.policy", "skip") as server:
            got = entries(server)
            for key, value in {
                    "server.readers": ("3", path + ":2"),
                    "server.max_requests": ("40", "VARVED_SERVER__MAX_REQUESTS"),
                    "server.max_output": ("5MiB", "--max-output"),
                    "server.send_timeout": ("30s", "default"),
                    "server.directory": (directory, "DIR"),
                    "outbox.loans.brokers": ("127.0.0.1:1", path + ":6"),
                    "outbox.loans.backoff.min": ("3s", path + ":7"),
                    "outbox.loans.backoff.max": ("40s", "VARVED_OUTBOX__LOANS__BACKOFF_MAX"),
                    "outbox.loans.poison.policy": ("skip", "--outbox.loans.poison.policy"),
                    "outbox.loans.mode": ("exactly_once", "default")}.items():
                assert got[key] == value, (key, got[key], value)
            assert show(server, "server.readers", "--origin").split() == \
                ["key", "value", "origin", "sighup", "server.readers", "3", path + ":2", "no"]
            assert all(line.split()[0].startswith("outbox.loans.")
                       for line in show(server, "outbox.loans").splitlines()[1:])
            server.stop()


MISTAKES = """[server]
listen = 0.0.0.0:1
max_conections = 5
what is this
[htp]
listen = off
[outbox loans]
mode = often
"""


def every_mistake_is_told(directory):
    path = write(directory + ".ini", MISTAKES)
    wanted = {f"varved: {path}:2: server.listen = 0.0.0.0:1: expected a loopback address (127.0.0.0/8, [::1]): varved "
              "has no TLS and no authentication yet",
              f"varved: {path}:3: server.max_conections: no such key; did you mean server.max_connections?",
              f"varved: {path}:4: expected KEY = VALUE, [SECTION] or [outbox NAME]",
              f"varved: {path}:5: [htp]: no such section; did you mean [http]?",
              f"varved: {path}:8: mode: often: expected exactly_once|at_least_once",
              "varved: VARVED_HTTP_LISTEN: no such key; did you mean VARVED_HTTP__LISTEN?",
              "varved: --log-level: log.level = loud: expected debug|info|warn|error"}
    with environment(VARVED_HTTP_LISTEN="off"):
        for check in [], ["--check-config"]:
            code, out, err = run_varved("--config", path, "--log-level", "loud", *check, directory)
            assert (code, out) == (2, "") and set(err.splitlines()) == wanted, (code, out, err)
    assert not os.path.exists(directory)


def a_configuration_can_be_checked(directory):
    code, out, err = run_varved("--example-config")
    assert code == 0 and "#max_body = 8MiB\n" in out and err == "", (code, err)
    path = write(directory + ".ini", out)
    assert run_varved("--check-config", "--config", path, directory) == (0, "the configuration is good\n", "")
    uncommented = re.sub(r"^#(?=[a-z\[])", "", out, flags=re.M).replace("/etc/varve/kafka.password", path)
    write(path, uncommented)
    code, out, err = run_varved("--check-config", "--config", path)
    assert code == 0, err
    assert not os.path.exists(directory)  # Looked at nothing, made nothing.


def secrets_stay_secret(directory):
    secret = write(directory + ".secret", "hush-in-file\n")
    path = write(directory + ".ini", "[outbox loans]\nbrokers = 127.0.0.1:1\nrdkafka.sasl.username = me\n"
                 f"rdkafka.sasl.password_file = {secret}\n[outbox mail]\nbrokers = 127.0.0.1:1\n"
                 "rdkafka.ssl.key.password = $MAIL_SECRET\n")
    with environment(MAIL_SECRET="hush-in-variable", VARVED_OUTBOX__MAIL__RDKAFKA_SASL_PASSWORD="hush-in-key"):
        with Server(directory, "--config", path, "--log-level", "debug") as server:
            write(path, "[outbox loans]\nbrokers = 127.0.0.1:1\nrdkafka.sasl.password = hush-too\n"
                        "[outbox mail]\nbrokers = 127.0.0.1:1\n")
            server.signal(signal.SIGHUP)
            server.wait_for_log("config.reloaded")
            got = entries(server)
            assert got["outbox.loans.rdkafka.sasl.password_file"] == (secret, path + ":4"), got
            assert got["outbox.mail.rdkafka.ssl.key.password"] == ("$MAIL_SECRET", path + ":7"), got
            assert got["outbox.mail.rdkafka.sasl.password"] == \
                ("(secret)", "VARVED_OUTBOX__MAIL__RDKAFKA_SASL_PASSWORD"), got
            assert "hush" not in show(server, "--origin") + show(server, "-o", "json")
            server.stop()
            assert "hush" not in server.log()
    write(secret, "hush\n", 0o644)
    write(path, f"[outbox loans]\nbrokers = a\nrdkafka.sasl.password_file = {secret}\n")
    code, out, err = run_varved("--config", path, directory)
    assert code == 2 and f"{path}:3: rdkafka.sasl.password_file: {secret}: its mode is 0644" in err, err
    code, out, err = run_varved("--kafka", "a", "--outbox.kafka.rdkafka.sasl.password=hush", directory)
    assert code == 2 and "a secret where others may read it" in err and "hush" not in err, err


class Load:
    """Somebody who appends all the time; joining tells whether every append was acknowledged."""

    def __init__(self, server):
        self.connection, self.appended, self.fault, self.over = server.connect(), 0, None, threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        try:
            while not self.over.is_set():
                self.connection.append("load", 3)
                self.appended += 3
        except Exception as fault:  # Whatever it is, the test must know.
            self.fault = fault

    def wait_for(self, count):
        until = time.monotonic() + PATIENCE_S
        while self.appended < count and self.fault is None:
            assert time.monotonic() < until
            time.sleep(0.001)

    def end(self):
        self.over.set()
        self.thread.join()
        self.connection.sock.close()
        assert self.fault is None, self.fault
        return self.appended


def reload(server, event="config.reloaded"):
    seen = len(re.findall("event=" + event, server.log()))
    server.signal(signal.SIGHUP)
    until = time.monotonic() + PATIENCE_S
    while len(re.findall("event=" + event, server.log())) == seen:
        assert time.monotonic() < until and server.process.poll() is None, server.log()
        time.sleep(0.01)


def sighup_changes_what_can_change(directory):
    path = write(directory + ".ini", "[server]\nreaders = 2\nmax_requests = 100\n")
    with Server(directory, "--config", path) as server:
        load = Load(server)
        load.wait_for(30)
        write(path, "[server]\nreaders = 3\nmax_requests = 200\nmax_output = 1MiB\n[log]\nlevel = debug\n"
                    "[outbox loans]\nbrokers = 127.0.0.1:1\n")
        reload(server)
        log = server.log()
        for line in (f"level=info service=varved event=config.changed key=server.max_requests from=100 to=200 "
                     f"origin={path}:3", "event=config.changed key=server.max_output from=16MiB to=1MiB",
                     "event=config.changed key=log.level from=info to=debug",
                     "level=warn service=varved event=config.needs_restart key=server.readers from=2 to=3",
                     "event=config.needs_restart key=outbox.loans.brokers from=\"\" to=127.0.0.1:1"):
            assert line in log, (line, log)
        got = entries(server)
        assert got["server.max_output"] == ("1MiB", path + ":4") and got["server.readers"] == ("2", path + ":2"), got
        load.wait_for(load.appended + 30)
        write(path, "")
        reload(server)
        assert entries(server)["server.max_output"] == ("16MiB", "default")
        assert "event=config.changed key=log.level from=debug to=info origin=default" in server.log()
        appended = load.end()
        with server.connect() as c:
            assert len(c.read(protocol.STREAM, "load")[0]) == appended
        server.stop()


def a_mistake_changes_nothing(directory):
    path = write(directory + ".ini", "[server]\nmax_requests = 100\n")
    with Server(directory, "--config", path) as server:
        load = Load(server)
        write(path, "[server]\nmax_requests = 200\nmax_output = lots\n")
        reload(server, "config.rejected")
        os.remove(path)
        reload(server, "config.rejected")
        log = server.log()
        assert f"level=error service=varved event=config.rejected message=\"{path}:3: server.max_output = lots: " in log
        assert f"message=\"{path}: cannot be opened: No such file or directory\" mistakes=1" in log, log
        assert "config.changed" not in log
        assert entries(server)["server.max_requests"] == ("100", path + ":2")
        for i in range(20):  # One after the other, while others append.
            write(path, f"[server]\nmax_requests = {300 + i}\nsend_timeout = {10 + i}s\n")
            server.signal(signal.SIGHUP)
        write(path, "[server]\nmax_requests = 500\n")
        server.signal(signal.SIGHUP)
        until = time.monotonic() + PATIENCE_S
        while entries(server)["server.max_requests"][0] != "500":  # Those before it may still be on their way.
            assert time.monotonic() < until, server.log()
        load.wait_for(30)
        load.end()
        server.stop()


def limits_hold_for_open_connections(directory):
    path = write(directory + ".ini", "[server]\nhello_timeout = 24h\n")
    with Server(directory, "--config", path) as server:
        with server.connect(hello=False) as silent, server.connect() as other:
            write(path, "[server]\nhello_timeout = 1s\n")
            reload(server)
            silent.wait_closed()  # A day, it was told, and now a second.
            assert other.append("a", 1)
        server.stop()


def the_last_line_hears_of_it(directory):
    path = write(directory + ".ini", "[log]\nformat = logfmt\n")
    with Server(directory, "--config", path) as server:
        write(path, "[log]\nformat = json\n")
        server.signal(signal.SIGHUP)
        server.wait_for_log('"event":"config.reloaded"')
        server.stop()
        last = server.log().splitlines()[-1]
        assert json.loads(last)["event"] == "server.stopped", last


def http_hears_of_it(directory):
    path = write(directory + ".ini", "[http]\nmax_body = 1MiB\n")
    body = json.dumps({"type": "t", "data": "x" * 2000})

    def post(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        connection.request("POST", "/v1/streams/a", body, {"Content-Type": "application/json"})
        status = connection.getresponse().status
        connection.close()
        return status

    def scrape(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read()
        connection.close()
        return text

    with Server(directory, "--config", path, "--http.listen", "127.0.0.1:0", "--http.port_file",
                directory + ".http") as server:
        port = int(open(directory + ".http").read())
        assert post(port) in (200, 201)
        texts, busy = [], threading.Event()
        scraper = threading.Thread(target=lambda: [texts.append(scrape(port)) or busy.set() for _ in range(40)])
        scraper.start()
        busy.wait(PATIENCE_S)
        for i in range(40):  # What reader threads tell of the configuration, while it changes.
            write(path, f"[server]\nmax_connections = {100 + i}\nmemory_budget = {100 + i}MiB\n"
                        f"[http]\nmax_connections = {100 + i}\n[health]\noutbox_halted_after = {1 + i}s\n")
            server.signal(signal.SIGHUP)
        scraper.join(PATIENCE_S)
        assert len(texts) == 40 and all(b"varve_memory_bound_bytes" in text for text in texts)
        write(path, "[http]\nmax_body = 1KiB\n")
        server.signal(signal.SIGHUP)
        server.wait_for_log("config.changed key=http.max_body from=8MiB to=1KiB")
        assert post(port) == 413
        server.stop()


run([each_source_hides_the_next, every_mistake_is_told, a_configuration_can_be_checked, secrets_stay_secret,
     sighup_changes_what_can_change, a_mistake_changes_nothing, limits_hold_for_open_connections,
     the_last_line_hears_of_it, http_hears_of_it])
