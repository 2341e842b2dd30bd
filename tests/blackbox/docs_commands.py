#!/usr/bin/env python3
"""Run the commands that the documents show, and hold what they print against what the documents say.

Blocks marked ```console have `$ command` lines, each followed by its output, standard error included, and by
`[exit code N]` unless it is 0. <n>, <time>, <uuid> and <any> stand for what differs, any time stands for any other;
the width of gaps does not count.
Blocks marked ```sh are run line by line and must succeed. The blocks of a document run in order against one empty
server, in a scratch directory, with varve in the PATH and VARVE_URL set; 127.0.0.1:8279 is the server's HTTP port,
wherever that is.
"""
import os
import re
import subprocess
import sys
import tempfile

from cli_support import BIN, ROOT, TIMEOUT_S, Server, clean_environment

# With what their server is started.
DOCUMENTS = {"README.md": [], "docs/cli.md": [], "docs/http.md": [], "docs/push.md": [],
             "docs/outbox.md": ["--kafka-mock"],
             "docs/alerts.md": ["--kafka-mock"], "docs/monitoring.md": []}
PLACEHOLDERS = {"<n>": r"[\d,]+", "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z", "<any>": ".*",
                "<uuid>": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"}


def blocks(document):
    text = open(os.path.join(ROOT, document), encoding="utf-8").read()
    return re.findall(r"^```(\w+)[^\n]*\n(.*?)^```$", text, re.M | re.S)


def steps(kind, block):
    """(command, expected output or None, expected exit code) of a block."""
    if kind == "sh":
        return [(line, None, 0) for line in block.splitlines() if line.strip() and not line.startswith("#")]
    found = []
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        code = re.search(r"^\[exit code (\d+)\]\n", output, re.M)
        output = re.sub(r"^\[exit code \d+\]\n", "", output, flags=re.M)
        found.append((command, output, int(code[1]) if code else 0))
    return found


def squeezed(text):
    return "\n".join(re.sub(r" +", " ", line).strip() for line in text.strip().split("\n"))


def is_as_said(said, printed):
    pattern = re.escape(re.sub(PLACEHOLDERS["<time>"], "<time>", squeezed(said)))
    for name, stands_for in PLACEHOLDERS.items():
        pattern = pattern.replace(re.escape(name), stands_for)
    return re.fullmatch(pattern, squeezed(printed)) is not None


def run_step(step, folder, url, http):
    command, said, code = step
    command = command.replace("127.0.0.1:8279", http)
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S,
                          env=clean_environment(VARVE_URL=url, PATH=BIN + ":" + os.environ["PATH"]))
    printed = done.stdout.decode()
    if done.returncode == code and (said is None or is_as_said(said, printed)):
        return True
    print(f"FAILED: $ {command}\nexit code {done.returncode}, expected {code}\n--- printed\n{printed}--- said\n{said}")
    return False


def run_document(document, options):
    """(passed, failed)"""
    good = bad = 0
    with tempfile.TemporaryDirectory(prefix="varve-docs-") as folder:
        ports = os.path.join(folder, "http")
        server = Server(os.path.join(folder, "server"), "--http.listen", "127.0.0.1:0", "--http.port_file", ports,
                        *options)
        with open(ports, encoding="utf-8") as file:
            http = "127.0.0.1:" + file.read().split()[0]
        os.mkdir(os.path.join(folder, "here"))
        try:
            for kind, block in blocks(document):
                for step in steps(kind, block) if kind in ("sh", "console") else []:
                    ok = run_step(step, os.path.join(folder, "here"), server.url, http)
                    good, bad = good + ok, bad + (not ok)
            server.stop()
        finally:
            if server.process.poll() is None:
                server.kill()
    return good, bad


def main():
    results = [run_document(*document) for document in DOCUMENTS.items()]
    passed, failed = sum(r[0] for r in results), sum(r[1] for r in results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
