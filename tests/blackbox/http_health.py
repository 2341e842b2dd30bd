#!/usr/bin/env python3
"""The health of a running varved over HTTP: while its store is being opened, while the disk is full, while it stops."""
import json
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from http_support import HttpServer  # noqa: E402
from scrapes import Scrape, promtool  # noqa: E402
from service_manager import Manager  # noqa: E402
from varved import bin_dir, fails_with, run  # noqa: E402
from waiting import wait_until  # noqa: E402

AT_SNAPSHOTS = "_snapshots"
PRELOAD = os.path.join(bin_dir(), "..", "tests", "preload", "preload_disk.so")


def check(server, name):
    """(status of /health/ready, the check of this name)"""
    status, health = server.get_json("/health/ready")
    assert (status == 200) == health["ready"], (status, health)
    return status, {one["name"]: one for one in health["checks"]}[name]


def sign(folder, what):
    return folder + "." + what


def raise_sign(folder, what):
    with open(sign(folder, what), "w", encoding="utf-8"):
        pass


def start(folder, *options, **more):
    def prepare():
        os.environ.update(LD_PRELOAD=PRELOAD, VARVE_TEST_DISK=folder)
    return HttpServer(folder, *options, before=prepare, **more)


def start_held(folder, *options, at=""):
    """A server whose store is being opened, or its snapshots are being checked, until release()."""
    raise_sign(folder, "hold" + at)
    server = start(folder, *options, ready=r"http\.ready")
    wait_until(lambda: os.path.exists(sign(folder, "held" + at)), "it is held")
    return server


def release(folder, at=""):
    os.remove(sign(folder, "hold" + at))


def look_at_metrics(server):
    """What Prometheus gets while there is no store: that it lives and is not ready, and nothing that is a guess."""
    status, _, body = server.ask("GET", "/metrics")
    now = Scrape(body.decode())
    assert status == 200 and promtool(now.text) == ""
    assert now.value("varve_live") == 1 and now.value("varve_ready") == 0
    assert now.value("varve_health_check", check="store") == 0
    assert now.sum("varve_build_info") == 1 and now.value("varve_start_time_seconds") > 0
    assert now.value("process_open_fds") > 0
    assert now.value("varve_http_requests_total", operation="health_live", code="200") == 1
    for name in "varve_last_position", "varve_outbox_queue_size", "varve_consumer_groups", "varve_requests_total":
        assert name not in now.text, name


def recovering(folder):
    with HttpServer(folder) as server:
        with server.connect() as connection:
            connection.append("s", 3)
        server.stop()
    with start_held(folder) as server:
        status, found = check(server, "store")
        assert status == 503 and found["reason"] == "recovering: the store is being opened", found
        assert server.get_json("/health/live")[0] == 200
        assert server.get_json("/")[0] == 200
        look_at_metrics(server)
        assert "server.ready" not in server.log()
        release(folder)
        server.wait_for_log(r"server\.ready")
        wait_until(lambda: check(server, "store")[0] == 200, "it is ready")
        now = Scrape(server.ask("GET", "/metrics")[2].decode())
        assert now.value("varve_ready") == 1 and now.value("varve_last_position") == 3
        server.stop()
        assert "recovered_events" in server.log()


def what_is_read_of_an_open_store_keeps_nobody_waiting(folder):
    """Not only the opening: a large cache of snapshots and many groups take seconds."""
    manager = Manager(folder, watchdog_us=100000)
    with manager.around(), start_held(folder, at=AT_SNAPSHOTS) as server:
        status, found = check(server, "store")
        assert status == 503 and found["reason"] == "recovering: the cache of snapshots is being checked", found
        assert server.get_json("/health/live")[0] == 200
        status, refused = server.get_json("/v1/all")
        assert status == 503 and refused["detail"].endswith(found["reason"]), refused
        manager.wait_for("STATUS=starting: the cache of snapshots is being checked")
        for _ in range(5):
            manager.wait_for("WATCHDOG=1")
        assert "server.ready" not in server.log()
        release(folder, AT_SNAPSHOTS)
        server.wait_for_log(r"server\.ready")
        wait_until(lambda: check(server, "store")[0] == 200, "it is ready")
        server.stop()


def told_to_stop_while_it_reads(folder):
    with start_held(folder, "--stop-timeout", "60s", at=AT_SNAPSHOTS) as server:
        server.signal(signal.SIGTERM)
        server.wait_for_log(r"server\.stopping")
        release(folder, AT_SNAPSHOTS)
        assert server.wait() == 0, server.log()
        assert "server.ready" not in server.log() and "server.stopped" in server.log()


def the_service_manager_waits_for_recovery(folder):
    """Again and again it is asked for more time, and it is told to go on when the store is open."""
    manager = Manager(folder, watchdog_us=100000)
    with manager.around(), start_held(folder) as server:
        manager.wait_for("STATUS=starting: the store is being opened")
        for _ in range(5):
            manager.wait_for("EXTEND_TIMEOUT_USEC=")
        assert "READY=1" not in manager.heard, manager.heard
        release(folder)
        manager.wait_for("READY=1")
        server.stop()


def told_to_stop_while_recovering(folder):
    with start_held(folder, "--stop-timeout", "60s") as server:
        server.signal(signal.SIGTERM)
        server.wait_for_log(r"server\.stopping")
        status, found = check(server, "stopping")
        assert status == 503 and not found["good"]
        release(folder)
        assert server.wait() == 0, server.log()
        assert "server.ready" not in server.log() and "server.stopped" in server.log()


def told_to_stop_while_recovery_hangs(folder):
    with start_held(folder, "--stop-timeout", "100ms") as server:
        server.signal(signal.SIGTERM)
        assert server.wait() == 0, server.log()
        assert "event=store.left" in server.log()
    with HttpServer(folder) as server:
        assert check(server, "store")[0] == 200
        server.stop()


def a_store_that_cannot_be_opened(folder):
    with HttpServer(folder) as server:
        server.stop()
    with open(os.path.join(folder, "store.mdb"), "r+b") as file:
        file.write(b"\xff" * 65536)
    with start_held(folder) as server:
        assert check(server, "store")[0] == 503
        release(folder)
        assert server.wait() == 6, server.log()
        assert "varved: CORRUPT: " in server.log(), server.log()


def disk_full(folder):
    with start(folder) as server:
        status, found = check(server, "disk")
        assert status == 200 and found["good"], found
        raise_sign(folder, "full")
        wait_until(lambda: not check(server, "disk")[1]["good"], "the disk is full")
        status, found = check(server, "disk")
        assert status == 503 and found["reason"].startswith("disk full: 0 MiB"), found
        assert server.get_json("/health/live")[0] == 200
        with server.connect() as connection:
            fails_with("DISK_FULL", connection.append, "s", 1)
        os.remove(sign(folder, "full"))
        wait_until(lambda: check(server, "disk")[1]["good"], "there is room again")
        with server.connect() as connection:
            connection.append("s", 1)
        server.stop()


def stopping(folder):
    """A connection that idles does not keep it from ending."""
    with HttpServer(folder, "--stop-timeout", "60s") as server:
        with server.raw() as idle:
            idle.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            idle.until(b'"live":true')
            assert check(server, "stopping")[1]["good"]
            server.stop()
            idle.until_closed()


def many_ask_while_it_starts_and_stops(folder):
    """Nobody who asks gets anything but a good answer or a refused connection."""
    odd, asked, over = [], [0], threading.Event()

    def ask(server):
        while not over.is_set():
            try:
                status, _, body = server.ask("GET", "/health/ready")
                asked[0] += 1
                if status not in (200, 503) or "ready" not in json.loads(body):
                    odd.append((status, body))
            except OSError:
                pass  # It has ended.
            except Exception as error:  # Whatever it is, it is odd.
                if "Remote end closed" not in str(error):
                    odd.append(repr(error))

    for _ in range(3):
        with HttpServer(folder) as server:
            over.clear()
            threads = [threading.Thread(target=ask, args=(server,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            wait_until(lambda: asked[0] > 50, "they ask")
            server.stop()
            over.set()
            for thread in threads:
                thread.join()
            asked[0] = 0
    assert not odd, odd[:3]


if __name__ == "__main__":
    run([recovering, what_is_read_of_an_open_store_keeps_nobody_waiting, told_to_stop_while_it_reads,
         the_service_manager_waits_for_recovery, told_to_stop_while_recovering, told_to_stop_while_recovery_hangs,
         a_store_that_cannot_be_opened, disk_full, stopping, many_ask_while_it_starts_and_stops])
