"""What the black-box tests of the command line share: the programs, a server, and a runner of test functions.

A test file defines functions named test_*. One with a parameter `target` runs twice: against a server, and against a
directory opened in process. The last line printed is `N passed, N failed`.
"""
import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from held_port import HeldPort  # noqa: E402
from waiting import wait_until  # noqa: E402

os.environ.setdefault("VARVED_HTTP__LISTEN", "off")  # Whoever tests HTTP asks for a free port.

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("VARVE_BIN_DIR") or os.path.join(os.environ.get("VARVE_BUILD", ROOT + "/build/gcc-release"), "bin")
VARVE, VARVED = os.path.join(BIN, "varve"), os.path.join(BIN, "varved")
TIMEOUT_S = 120


def clean_environment(**more):
    env = {k: v for k, v in os.environ.items() if k not in ("VARVE_URL", "COLUMNS", "NO_COLOR", "TERM")}
    return dict(env, **more)


def varve(*arguments, stdin=b"", **environment):
    """Run varve; its output as text is .out and .err, its exit status .returncode."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    done = subprocess.run([VARVE, *map(str, arguments)], input=stdin, capture_output=True, timeout=TIMEOUT_S,
                          env=clean_environment(**environment))
    done.out, done.err = done.stdout.decode(), done.stderr.decode()
    return done


class Server:
    """varved on a directory, always at the same port."""
    running = []  # Of this test: none outlives it, however it ends.

    def __init__(self, directory, *options):
        self.directory, self.options, self.process = directory, options, None
        self.port_file = directory + ".port"
        self.log = directory + ".log"
        self.held = HeldPort()
        self.port = self.held.number
        self.url = f"varve://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        if os.path.exists(self.port_file):
            os.remove(self.port_file)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [VARVED, self.directory, "--listen", f"127.0.0.1:{self.port}", "--port-file", self.port_file,
                 *self.options], stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=clean_environment())
        Server.running.append(self.process)
        give_up = time.monotonic() + 60
        while not (os.path.exists(self.port_file) and open(self.port_file).read().endswith("\n")):
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise AssertionError("varved did not start: " + open(self.log).read()[-2000:])
            time.sleep(0.01)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        assert status == 0, f"varved exited with {status}: " + open(self.log).read()[-2000:]

    def kill(self):
        self.process.kill()
        self.process.wait()


class Commands:
    """What is asked of varve once it is known whom to ask: called with the words of a command."""

    def ok(self, *arguments, **more):
        done = self(*arguments, **more)
        expect(done.returncode, 0, f"exit code of {arguments}: {done.err}")
        return done.out

    def json(self, *arguments, **more):
        return json.loads(self.ok(*arguments, "-o", "json", **more))


class Place(Commands):
    """A server, and varve pointed at it."""

    def __init__(self, folder, *options):
        self.server = Server(os.path.join(folder, "store"), *options)

    def __call__(self, *arguments, **more):
        split = arguments.index("--") if "--" in arguments else len(arguments)
        return varve(*arguments[:split], "--server", self.server.url, *arguments[split:], **more)

    def fails(self, code, says, *arguments):
        """Exits with `code`, and its error, which is returned, begins so."""
        done = self(*arguments)
        expect(done.returncode, code, f"exit code of {arguments}: {done.err}")
        assert done.err.startswith(f"error: {says}"), f"{arguments}: {done.err}"
        expect(done.out, "", f"{arguments}")
        return done.err

    def wait(self, what, *arguments):
        """Until what() holds of that which the command answers; returns it."""
        got = None

        def asked():
            nonlocal got
            got = self.json(*arguments)
            return what(got)

        wait_until(asked, lambda: f"another answer to {arguments}: {got}", pause_s=0.02)
        return got


class Target(Commands):
    """Where commands go: options for varve, the same whatever stands behind them."""

    def __init__(self, kind, folder):
        self.kind, self.directory = kind, os.path.join(folder, "store")
        self.server = Server(self.directory) if kind == "server" else None
        self.options = ["--server", self.server.url] if self.server else ["--db", self.directory]
        if not self.server:
            self.ok("import")  # Of nothing: makes the store, as the server did.

    def __call__(self, *arguments, **more):
        return varve(*arguments, *self.options, **more)

    def events(self, *arguments):
        return [json.loads(line) for line in self.ok("read", *arguments, "-o", "ndjson").splitlines()]

    def fails(self, code, says, *arguments, **more):
        """Exits with `code`, says exactly this on its first line of standard error, and nothing on standard output."""
        done = self(*arguments, **more)
        expect(done.returncode, code, f"exit code of {arguments}: {done.err}")
        expect(done.err.split("\n")[0], says, "standard error")
        expect(done.out, "", "standard output")

    def stop(self):
        if self.server:
            self.server.stop()


def expect(actual, expected, what="value"):
    if actual != expected:
        raise AssertionError(f"{what}:\n  is       {actual!r}\n  expected {expected!r}")


def lines(events):
    return "".join(json.dumps(event, separators=(",", ":"), ensure_ascii=False) + "\n" for event in events)


def run_one(name, test, kind):
    folder = tempfile.mkdtemp(prefix="varve-cli-")
    target = None
    try:
        if kind:
            target = Target(kind, folder)
            test(target)
            target.stop()
        elif inspect.signature(test).parameters:
            test(folder)
        else:
            test()
        return True
    except Exception:
        print(f"FAILED: {name}" + (f" ({kind})" if kind else ""))
        traceback.print_exc(file=sys.stdout)
        return False
    finally:
        for process in Server.running:
            process.kill()
            process.wait()
        Server.running.clear()
        shutil.rmtree(folder, ignore_errors=True)


def main(functions):
    """Run what is named test_*: with `target` twice, with `folder` in a scratch directory."""
    passed = failed = 0
    wanted = sys.argv[1:]
    for name, test in list(functions.items()):
        if not name.startswith("test_") or wanted and name not in wanted:
            continue
        for kind in ["server", "db"] if "target" in inspect.signature(test).parameters else [None]:
            good = run_one(name, test, kind)
            passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
