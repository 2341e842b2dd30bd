#!/usr/bin/env python3
"""What a service manager hears of varved through NOTIFY_SOCKET: systemd's protocol, sd_notify(3)."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from service_manager import Manager  # noqa: E402
from varved import Server, run  # noqa: E402


def start(directory, manager):
    with manager.around():
        return Server(directory)


def a_whole_life_is_told(directory):
    manager = Manager(directory, watchdog_us=400000)
    with start(directory, manager) as server:
        manager.wait_for("READY=1")
        assert "STATUS=starting" in " ".join(manager.heard[:4]) and "WATCHDOG=1" in manager.heard, manager.heard
        assert manager.heard[0] in ("WATCHDOG=1", "EXTEND_TIMEOUT_USEC=60000000"), manager.heard
        with server.connect() as c:
            c.append("a", 7)
            assert manager.wait_for("STATUS=serving: last position 7") == \
                "STATUS=serving: last position 7, 1 connections"
        manager.wait_for("WATCHDOG=1")
        server.signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        assert server.wait() == 0
    assert manager.heard.count("READY=1") == 1 and manager.heard.count("STOPPING=1") == 1, manager.heard


def a_reload_is_told(directory):
    manager = Manager(directory)
    with start(directory, manager) as server:
        manager.wait_for("READY=1")
        server.signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        assert manager.heard[-1].startswith(("MONOTONIC_USEC=", "STATUS=")), manager.heard
        manager.wait_for("READY=1")
        server.stop()


def a_loop_that_stands_still_gives_no_sign_of_life(directory):
    manager = Manager(directory, watchdog_us=200000)
    with start(directory, manager) as server:
        manager.wait_for("READY=1")
        manager.wait_for("WATCHDOG=1")
        server.signal(signal.SIGSTOP)
        os.waitpid(server.process.pid, os.WUNTRACED)  # Not before it really stands.
        assert manager.is_silent(1.0), manager.heard[-5:]
        server.signal(signal.SIGCONT)
        manager.wait_for("WATCHDOG=1")
        server.stop()


def a_manager_that_hears_nothing_holds_nobody_up(directory):
    manager = Manager(directory, watchdog_us=2000)
    with start(directory, manager) as server, server.connect() as c:
        for _ in range(50):  # Far more signs of life than its queue holds go by.
            c.append("a", 1)
            time.sleep(0.01)
        server.stop()


if __name__ == "__main__":
    run([a_whole_life_is_told, a_reload_is_told, a_loop_that_stands_still_gives_no_sign_of_life,
         a_manager_that_hears_nothing_holds_nobody_up])
