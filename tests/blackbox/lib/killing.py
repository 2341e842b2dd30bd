"""A server that is killed and comes back at the same address, and programs of docs/examples that are killed, too."""
import os
import signal
import subprocess
import time

from varved import PATIENCE_S, Server

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
BUILD = os.environ.get("VARVE_BUILD", os.path.join(ROOT, "build", "gcc-release"))


class World:
    """A context manager: what still runs at its end is killed."""

    def __init__(self, directory):
        self.directory = directory
        self.socket = directory + ".socket"
        self.url = "varve+unix://" + self.socket
        self.programs = []
        self.server = None

    def __enter__(self):
        self.server = Server(self.directory, "--unix", self.socket)
        return self

    def __exit__(self, *fault):
        for process in self.programs:
            process.kill()
            process.wait()
        self.server.__exit__(*fault)

    def kill_server(self):
        self.server.kill()
        self.server.__exit__(None)
        self.server = Server(self.directory, "--unix", self.socket)

    def start(self, name, *arguments):
        """An example that goes on in the background."""
        process = subprocess.Popen([f"{BUILD}/examples/{name}", *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.programs.append(process)
        return process

    def kill(self, process):
        """As kill -9; it must not have ended by itself."""
        process.send_signal(signal.SIGKILL)
        said = process.communicate()[1]
        self.programs.remove(process)
        assert process.returncode == -signal.SIGKILL, (process.returncode, said)


def finish(name, *arguments, code=0):
    """Run an example to its end, which must be this; what it printed."""
    done = subprocess.run([f"{BUILD}/examples/{name}", *arguments], capture_output=True, text=True,
                          timeout=PATIENCE_S, stdin=subprocess.DEVNULL)
    assert done.returncode == code, (arguments, done)
    return done.stdout


def wait_until(condition, what):
    """Returns what the condition returned when it was true at last."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.002)
