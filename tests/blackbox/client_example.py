#!/usr/bin/env python3
"""The program of docs/client-c.md does what the page says: docs/examples/client.c against a real server."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import Server, run  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
BUILD = os.environ.get("VARVE_BUILD", os.path.join(ROOT, "build", "gcc-release"))


def compiled():
    """As somebody would who has the libraries; tests/install.sh shows that the installed ones do as well."""
    program = os.path.join(tempfile.mkdtemp(dir=SCRATCH), "client")
    includes = [f"-I{ROOT}/{floor}/include" for floor in ("engine", "server", "clients/c")]
    libraries = ["-l:libvarve_client.a", "-l:libvarve.a", "-lmsgpackc", "-lxxhash", "-ljansson", "-pthread"]
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", *includes, f"{ROOT}/docs/examples/client.c", "-o", program,
                    f"-L{BUILD}", *libraries], check=True)
    return program


def example(url):
    return subprocess.run([PROGRAM, url], capture_output=True, text=True, timeout=60)


def promised():
    """What the page shows: the block behind the one that runs it."""
    page = open(os.path.join(ROOT, "docs", "client-c.md"), encoding="utf-8").read()
    return re.search(r"```sh\n.*?```\n\n```\n(.*?)```", page, re.S).group(1)


def the_page_shows_what_it_prints(directory):
    with Server(directory) as server:
        done = example(f"varve://127.0.0.1:{server.port}")
        assert (done.returncode, done.stdout, done.stderr) == (0, promised(), ""), done


def a_second_run_meets_the_first(directory):
    with Server(directory) as server:
        example(f"varve://127.0.0.1:{server.port}")
        done = example(f"varve://127.0.0.1:{server.port}")
        assert done.stdout.startswith("conflict: expected -1, actual 1\nconflict: expected 0, actual 1\n"), done
        assert "sensor-7@1999 " in done.stdout, done


def nobody_there(directory):
    done = example("varve://127.0.0.1:1")
    assert done.returncode == 1 and done.stdout == "" and "UNREACHABLE" in done.stderr, done


with tempfile.TemporaryDirectory(prefix="varve-example-") as SCRATCH:
    PROGRAM = compiled()
    run([the_page_shows_what_it_prints, a_second_run_meets_the_first, nobody_there])
