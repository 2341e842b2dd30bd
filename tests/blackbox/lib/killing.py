"""A server that is killed and comes back at the same address, and programs of docs/examples that are killed, too."""
import os
import signal
import subprocess
import time

from varved import PATIENCE_S, Server

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
BUILD = os.environ.get("VARVE_BUILD", os.path.join(ROOT, "build", "gcc-release"))


class Program:
    """An example that goes on in the background until it is killed. One that finds no server when it begins ends, as it
    should, and is begun again by tend()."""

    def __init__(self, name, *arguments):
        self.command = [f"{BUILD}/examples/{name}", *arguments]
        self.begin()

    def begin(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True)

    def end(self, number, codes):
        """Its end by a signal; it must be one of these, or that of one that found no server."""
        self.process.send_signal(number)
        said = self.process.communicate(timeout=PATIENCE_S)[1]
        found_nobody = self.process.returncode == 1 and "UNREACHABLE" in said
        assert found_nobody or self.process.returncode in codes, (self.command, self.process.returncode, said)

    def kill(self):
        self.end(signal.SIGKILL, [-signal.SIGKILL])

    def interrupt(self):
        self.end(signal.SIGINT, [0, -signal.SIGINT])  # The latter before it was ready for it.

    def again(self):
        self.kill()
        self.begin()

    def tend(self):
        if self.process.poll() is not None:
            self.again()


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
        for program in self.programs:
            program.process.kill()
            program.process.wait()
            program.process.stderr.close()
        self.server.__exit__(*fault)

    def kill_server(self):
        self.server.kill()
        self.server.__exit__(None)
        self.server = Server(self.directory, "--unix", self.socket)

    def start(self, name, *arguments):
        self.programs.append(Program(name, *arguments))
        return self.programs[-1]

    def stop(self, program):
        """As kill -9, and it stays away."""
        self.programs.remove(program)
        program.kill()

    def wait_until(self, condition, what):
        until = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < until, f"waited in vain for {what}"
            for program in self.programs:
                program.tend()
            time.sleep(0.002)


def finish(name, *arguments):
    """Run an example to its end, which must be a good one; what it printed."""
    done = subprocess.run([f"{BUILD}/examples/{name}", *arguments], capture_output=True, text=True,
                          timeout=PATIENCE_S, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, (arguments, done)
    return done.stdout
