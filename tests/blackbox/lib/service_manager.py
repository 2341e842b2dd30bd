"""Somebody who listens where systemd would: what varved says through NOTIFY_SOCKET, sd_notify(3)."""
import os
import socket
import time
import unittest.mock

from varved import PATIENCE_S


class Manager:
    """Listens where varved looks for its manager; as systemd does."""

    def __init__(self, directory, watchdog_us=None):
        self.path = directory + ".notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE_S)
        self.heard = []
        self.watchdog_us = watchdog_us

    def environment(self):
        return {"NOTIFY_SOCKET": self.path} | ({"WATCHDOG_USEC": str(self.watchdog_us)} if self.watchdog_us else {})

    def next(self):
        lines = self.socket.recv(4096).decode().splitlines()
        self.heard += lines
        return lines

    def wait_for(self, wanted):
        """Everything up to a line that begins so, and that line."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found = [line for line in self.next() if line.startswith(wanted)]
            if found:
                return found[0]
        raise AssertionError(f"never heard {wanted}: {self.heard[-20:]}")

    def is_silent(self, seconds):
        """Nothing comes for so long; what is on its way already does not count."""
        self.socket.settimeout(0)
        try:
            while True:
                self.next()
        except BlockingIOError:
            pass
        self.socket.settimeout(seconds)
        try:
            self.next()
            return False
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)

    def around(self):
        """varved is to be started within."""
        return unittest.mock.patch.dict(os.environ, self.environment())
