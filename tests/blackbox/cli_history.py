#!/usr/bin/env python3
"""tools/git-history: a repository's history as events, whatever its paths look like. And the whole quickstart."""
import json
import os
import re
import shutil
import subprocess
import sys

from cli_support import ROOT, clean_environment, expect, main, varve

HISTORY = os.path.join(ROOT, "tools/git-history")
MARKED = r"~[0-9a-f]{16}$"


def git(folder, *arguments, **more):
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "c",
           "GIT_COMMITTER_EMAIL": "c@example.org", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True,
                          env=clean_environment(**who), **more).stdout


def commit(folder, subject):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)


def history(folder):
    done = subprocess.run([sys.executable, HISTORY, folder], capture_output=True, timeout=60)
    expect(done.returncode, 0, done.stderr.decode())
    return [json.loads(line) for line in done.stdout.decode().splitlines()], done.stdout


def write(folder, name, text):
    path = os.path.join(os.fsencode(folder), name if isinstance(name, bytes) else name.encode())
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def make_repository(folder):
    """Four commits: two files; a change and a rename; a merged branch; a deletion."""
    os.mkdir(folder)
    git(folder, "init", "-q", "-b", "main")
    body = "".join(f"line {n}\n" for n in range(50))
    write(folder, "a", "one\n")
    write(folder, "b", body)
    commit(folder, 'first "quoted"\tünicode')
    write(folder, "a", "one\ntwo\n")
    git(folder, "mv", "b", "sub-b")
    commit(folder, "second")
    git(folder, "checkout", "-q", "-b", "side", "HEAD~1")
    write(folder, "c", "c\n")
    commit(folder, "on the side")
    git(folder, "checkout", "-q", "main")
    git(folder, "merge", "-q", "--no-ff", "-m", "merge", "side")
    os.remove(os.path.join(folder, "c"))
    commit(folder, "last")


def test_changes_become_events(folder):
    make_repository(folder + "/r")
    events, _ = history(folder + "/r")
    expect([(e["stream"], e["type"], e["data"]["subject"]) for e in events], [
        ("file-a", "file.added", 'first "quoted"\tünicode'), ("file-b", "file.added", 'first "quoted"\tünicode'),
        ("file-a", "file.modified", "second"), ("file-b", "file.renamed", "second"),
        ("file-sub-b", "file.added", "second"), ("file-c", "file.added", "merge"), ("file-c", "file.deleted", "last")])
    expect((events[2]["data"]["additions"], events[2]["data"]["deletions"]), (1, 0))
    expect((events[3]["data"]["to"], events[4]["data"]["from"]), ("sub-b", "b"))
    commits = git(folder + "/r", "log", "--reverse", "--first-parent", "--format=%H %cI").decode().split("\n")
    expect(events[0]["data"]["commit"] + " " + events[0]["time"], commits[0])
    expect(events[0]["correlation_id"].replace("-", ""), events[0]["data"]["commit"][:32])
    expect(len({e["id"] for e in events}), len(events))
    assert not any("example.org" in json.dumps(e) for e in events), "who wrote it is nobody's business here"


def test_the_same_history_gives_the_same_events_and_new_commits_add_to_it(folder):
    make_repository(folder + "/r")
    store = ["--db", folder + "/store"]
    _, first = history(folder + "/r")
    expect(varve("import", *store, stdin=first).out, "imported 7 events into 4 streams (0 already there)\n")
    write(folder + "/r", "new", "x")
    commit(folder + "/r", "more")
    _, second = history(folder + "/r")
    expect(second.startswith(first), True)
    expect(varve("import", *store, stdin=second).out, "imported 1 events into 5 streams (7 already there)\n")


def test_odd_paths_become_good_stream_names(folder):
    os.mkdir(folder + "/r")
    git(folder + "/r", "init", "-q", "-b", "main")
    long_path = "/".join("d" * 200 for _ in range(3))
    names = ["spa ce", 'qu"ote', "ü", b"\xff\xfe", "a\nb", "a\x01b", "a\tb", long_path + "/1", long_path + "/2",
             "ü" * 120 + "/" + "ü" * 120]
    for n, name in enumerate(names):
        write(folder + "/r", name, f"{n}\n" * 20)
    with open(folder + "/r/binary", "wb") as file:
        file.write(bytes(range(256)))
    os.symlink("ü", folder + "/r/link")
    commit(folder + "/r", "odd")
    events, lines = history(folder + "/r")
    streams = {e["stream"] for e in events}
    expect(len(streams), len(names) + 2)
    for plain in "file-spa ce", 'file-qu"ote', "file-ü", "file-binary", "file-link":
        assert plain in streams, plain
    expect(sum(1 for s in streams if re.search(MARKED, s)), 7)
    assert all(len(s.encode()) <= 480 for s in streams)
    assert "additions" not in next(e for e in events if e["stream"] == "file-binary")["data"]
    done = varve("import", "--db", folder + "/store", stdin=lines)
    expect(done.out, f"imported {len(names) + 2} events into {len(names) + 2} streams (0 already there)\n", done.err)


def test_shallow_clones_begin_where_they_begin(folder):
    make_repository(folder + "/r")
    git(folder, "clone", "-q", "--depth", "1", f"file://{folder}/r", "shallow")
    events, _ = history(folder + "/shallow")
    expect([(e["stream"], e["type"]) for e in events], [("file-a", "file.added"), ("file-sub-b", "file.added")])


def test_what_is_no_repository_is_said(folder):
    done = subprocess.run([sys.executable, HISTORY, folder], capture_output=True,
                          env=clean_environment(GIT_CEILING_DIRECTORIES=os.path.dirname(folder)))
    expect(done.returncode, 1)
    assert b"error: " in done.stderr, done.stderr


def as_a_pattern_of_lines(text):
    """Lines without what differs each time: numbers, times, ids, the scratch directory."""
    text = re.sub(r"/\S*varve-quickstart\.\w+", "<dir>", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", text)
    text = re.sub(r"[\d.,]*\d", "<n>", text)
    text = re.sub(r"<n> (us|ms|s)\b", "<duration>", text)
    return [re.sub(r" +", " ", line).strip() for line in text.splitlines()]


def test_quickstart_runs_and_the_readme_shows_what_it_prints(folder):
    if not os.path.exists(ROOT + "/.git") or not shutil.which("scons"):
        return
    done = subprocess.run([ROOT + "/tools/quickstart"], capture_output=True, timeout=600, stdin=subprocess.DEVNULL,
                          env=clean_environment(TMPDIR=folder))
    out = done.stdout.decode()
    expect(done.returncode, 0, out[-3000:] + done.stderr.decode()[-2000:])
    expect(os.listdir(folder), [], "what it left behind")
    for line in "imported 0 events into", "(exit code 3)", "all sound", "Done in":
        assert line in out, f"{line} is not in {out}"
    shown = re.search(r"^```text quickstart\n(.*?)^```$", open(ROOT + "/README.md").read(), re.M | re.S)[1]
    printed = as_a_pattern_of_lines(out + done.stderr.decode())
    for line, pattern in zip(shown.splitlines(), as_a_pattern_of_lines(shown)):
        if not is_table_row(line):
            assert pattern in printed, f"the README shows {line!r}, the quickstart printed\n" + out


def is_table_row(line):
    """Rows of history and figures differ with every commit; what is above them does not."""
    return re.match(r"\s+\d|\w+_\w+ {2,}|.*file-|\s*\.\.\.|$", line) is not None


if __name__ == "__main__":
    sys.exit(main(globals()))
