"""txbroker as a process, and a line to give it orders: what tests of the outbox talk to."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox", "lib")]
from raw import Raw  # noqa: E402
from waiting import wait_until  # noqa: E402

PATIENCE_S = 60


class Refused(Exception):
    """The double did not understand an order, or could not follow it."""


class TxBroker:
    """A context manager: killed at its end. Every order of double/control.py is a method:
    broker.fault(api="EndTxn", action="drop_after"), broker.down(), broker.topics(), ..."""

    def __init__(self, *options):
        self.scratch = tempfile.mkdtemp(prefix="txbroker-")
        self.log_path, port_file = self.scratch + "/log", self.scratch + "/ports"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([HERE + "/txbroker", "--port-file", port_file, *options],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: os.path.exists(port_file) or self.process.poll() is not None, "txbroker's ports")
        if self.process.poll() is not None:
            raise AssertionError(f"txbroker ended with {self.process.returncode}: {self.log()}")
        self.port, self.control_port = (int(line) for line in open(port_file, encoding="ascii"))
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.line = socket.create_connection(("127.0.0.1", self.control_port), PATIENCE_S)
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers, self.lock = self.line.makefile("rb"), threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, fault, *_):
        self.answers.close()
        self.line.close()
        self.process.kill()
        self.process.wait()
        if fault is not None:
            print(f"---- log of txbroker\n{self.log()[-4000:]}----")
        shutil.rmtree(self.scratch, ignore_errors=True)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def order(self, order, /, **arguments):
        with self.lock:
            self.line.sendall(json.dumps({"do": order, **arguments}).encode() + b"\n")
            answer = json.loads(self.answers.readline())
        if "error" in answer:
            raise Refused(f"{order}: {answer['error']}")
        return answer["ok"]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda **arguments: self.order(name, **arguments)

    def raw(self, client="raw"):
        """A connection for frames of our own."""
        return Raw(self.port, client)

    def committed(self, topic):
        """[records] of each partition, as a consumer with read_committed would see them."""
        with self.raw() as raw:
            return raw.committed_of(topic)

    def stop(self):
        """Freezes the process, as SIGSTOP does: its sockets stay open."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)
