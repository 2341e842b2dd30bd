#!/usr/bin/env python3
"""The programs of docs/client-c.md do what the page says: those of docs/examples against a real server."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import Server, run  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.environ.get("VARVE_BUILD", os.path.join(ROOT, "build", "gcc-release"))


def compiled(name):
    """As somebody would who has the libraries; tests/install.sh shows that the installed ones do as well."""
    program = os.path.join(tempfile.mkdtemp(dir=SCRATCH), name)
    includes = [f"-I{ROOT}/{floor}/include" for floor in ("engine", "snapshots", "server", "clients/c")]
    libraries = ["-l:libvarve_client.a", "-l:libvarve.a", "-lmsgpackc", "-lxxhash", "-ljansson", "-pthread"]
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", *includes, f"{ROOT}/docs/examples/{name}.c", "-o", program,
                    f"-L{BUILD}", *libraries], check=True)
    return program


def example(url):
    return subprocess.run([PROGRAM, url], capture_output=True, text=True, timeout=60)


def promised(name="client"):
    """What the page shows: the first block of output behind the one that runs it."""
    page = open(os.path.join(ROOT, "docs", "client-c.md"), encoding="utf-8").read()
    return re.search(rf"```sh\n[^`]*\n\./{name} [^`]*```\n.*?\n```\n(.*?)```", page, re.S).group(1)


def the_page_shows_what_it_prints(directory):
    with Server(directory) as server:
        done = example(f"varve://127.0.0.1:{server.port}")
        assert (done.returncode, done.stdout, done.stderr) == (0, promised(), ""), done


def append(url, stream, kind):
    subprocess.run([f"{BUILD}/bin/varve", "append", "--server", url, stream, kind, "{}"], check=True,
                   stdout=subprocess.DEVNULL, timeout=60)


def run_until(name, arguments, steps):
    """Start the example; for each step wait for a line that begins so, then do something. Then Ctrl-C. All it said."""
    said = ""
    process = subprocess.Popen([compiled(name), *arguments], stdout=subprocess.PIPE, text=True)
    watchdog = threading.Timer(60, process.kill)  # Ends the lines, too.
    watchdog.start()
    try:
        for line_begins, then in steps:
            for line in process.stdout:
                said += line
                if line.startswith(line_begins):
                    break
            else:
                raise AssertionError(f"no line begins with {line_begins!r}:\n{said}")
            then()
        process.send_signal(signal.SIGINT)
        said += process.stdout.read()
        assert process.wait() == 0, (process.returncode, said)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
    return said


def nothing():
    pass


def a_subscriber_follows(directory):
    with Server(directory) as server:
        url = f"varve://127.0.0.1:{server.port}"
        example(url)
        said = run_until("subscribe", [url, "0"], [("-- live", lambda: append(url, "order-42", "order.shipped")),
                                                   ("1003 ", nothing)])
        assert said == promised("subscribe"), said
        said = run_until("subscribe", [url, "2"], [("-- live", nothing)])
        assert said == "1003 order-42@2 order.shipped {}\n-- live\ngo on after 1003\n", said


def workers_share_a_group(directory):
    with Server(directory) as server:
        url = f"varve://127.0.0.1:{server.port}"
        example(url)
        append(url, "order-42", "order.shipped")
        said = run_until("worker", [url, "worker-1"], [("order-42@2", nothing)])
        assert said == promised("worker"), said
        append(url, "order-42", "order.cancelled")  # Which it does not know how to do.
        append(url, "order-42", "order.placed")
        said = run_until("worker", [url, "worker-1"], [("order-42@4", nothing)])
        assert said == ("order-42@3 order.cancelled, attempt 1\norder-42@3 order.cancelled, attempt 2\n"
                        "order-42@4 order.placed, attempt 1\n"), said
        parked = subprocess.run([f"{BUILD}/bin/varve", "parked", "ls", "--server", url, "-o", "ndjson", "billing"],
                                capture_output=True, text=True, timeout=60, check=True).stdout
        assert "nobody told us how to take a payment back" in parked and parked.count("\n") == 1, parked


def an_account_is_folded_from_its_newest_snapshot(directory):
    page = open(os.path.join(ROOT, "docs", "client-c.md"), encoding="utf-8").read()
    commands, output = re.search(r"```sh\ncc docs/examples/account.c[^\n]*\n(.*?)```\n\n```\n(.*?)```", page,
                                 re.S).groups()
    program = compiled("account")
    with Server(directory) as server:
        url, said = f"varve://127.0.0.1:{server.port}", ""

        def account(*arguments, code=0):
            done = subprocess.run([program, url, *arguments], capture_output=True, text=True, timeout=60)
            assert done.returncode == code, done
            return done.stdout

        for command in commands.splitlines():
            said += account(*command.split()[2:])
        assert said == output, said
        for i in range(98):
            assert account("alice", "deposit", "1") == f"{71 + i}\n" + "snapshot at version 99\n" * (i == 97), i
        assert account("alice", "withdraw", "1000", code=3) == ""
        assert account("alice", "show") == "168\n"  # From the snapshot, which holds the same.
        assert account("bob", "show") == "0\n"
        shown = subprocess.run([f"{BUILD}/bin/varve", "stats", "--server", url], capture_output=True, text=True,
                               timeout=60, check=True).stdout
        assert "snapshot" in shown, shown


def a_second_run_meets_the_first(directory):
    with Server(directory) as server:
        example(f"varve://127.0.0.1:{server.port}")
        done = example(f"varve://127.0.0.1:{server.port}")
        assert done.stdout.startswith("conflict: expected -1, actual 1\nconflict: expected 0, actual 1\n"), done
        assert "sensor-7@1999 " in done.stdout, done


def nobody_there(directory):
    done = example("varve://127.0.0.1:1")
    assert done.returncode == 1 and done.stdout == "" and "UNREACHABLE" in done.stderr, done
    for name in ("subscribe", "worker", "process_manager", "billing"):
        done = subprocess.run([compiled(name), "varve://127.0.0.1:1"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stdout == "" and "UNREACHABLE" in done.stderr, done


with tempfile.TemporaryDirectory(prefix="varve-example-") as SCRATCH:
    PROGRAM = compiled("client")
    run([the_page_shows_what_it_prints, a_second_run_meets_the_first, a_subscriber_follows,
         workers_share_a_group, an_account_is_folded_from_its_newest_snapshot, nobody_there])
