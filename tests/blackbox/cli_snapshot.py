#!/usr/bin/env python3
"""`varve snapshot ls|show|delete`: what is stored of streams, in every form."""
import json
import sys

from cli_support import expect, lines, main


def fill(target, streams=3, versions=4):
    """Snapshots of versions 0, 1, ... of each stream."""
    for n in range(versions):
        target.ok("import", stdin=lines({"stream": f"account-{s}", "type": "t", "data": {"n": n, "s": s}}
                                        for s in range(streams)))
        target.ok("snapshot", "build", "--reducer", "merge", "--keep", versions)


def names(target, *arguments):
    return [f"{s['stream']}@{s['version']}" for s in target.json("snapshot", "ls", *arguments)]


def test_lists(target):
    expect((target.json("snapshot", "ls"), target.ok("snapshot", "ls", "-o", "ndjson")), ([], ""))
    fill(target)
    everything = [f"account-{s}@{v}" for s in range(3) for v in range(4)]
    expect(names(target), everything)
    expect(names(target, "account-1"), everything[4:8])
    expect(names(target, "--after", "account-0", "--limit", 5), everything[4:9])
    expect(names(target, "--type", "other"), [])
    expect(names(target, "nobody"), [])
    one = json.loads(target.ok("snapshot", "ls", "-o", "ndjson").splitlines()[1])
    expect(sorted(one), ["content_type", "created_at", "schema_version", "size", "stream", "type", "version"])
    expect((one["type"], one["schema_version"], one["content_type"], one["size"]), ("merge", 1, "application/json", 13))
    table = target.ok("snapshot", "ls", "--limit", 1).splitlines()
    expect(table[0].split(), ["stream@version", "type", "schema", "content_type", "size", "created_at"])
    expect(table[1].split()[:5], ["account-0@0", "merge", "1", "application/json", "13"])


def test_lists_of_many_pages(target):
    target.ok("import", stdin=lines({"stream": f"s-{n:04}", "type": "t", "data": n} for n in range(2500)))
    target.ok("snapshot", "build", "--reducer", "merge")
    expect(names(target), [f"s-{n:04}@0" for n in range(2500)])
    expect(names(target, "--after", "s-1998", "--limit", 3), ["s-1999@0", "s-2000@0", "s-2001@0"])


def test_shows(target):
    fill(target)
    newest = target.json("snapshot", "show", "account-2")
    expect((newest["version"], newest["data"], newest["size"]), (3, {"n": 3, "s": 2}, 13))
    expect(target.json("snapshot", "show", "account-2", "--at", 1)["version"], 1)
    expect(target.ok("snapshot", "show", "account-2", "--at", 0, "--raw"), '{"n":0,"s":2}')
    table = dict(line.split(None, 1) for line in target.ok("snapshot", "show", "account-1").splitlines())
    expect((table["stream"], table["version"], table["data"]), ("account-1", "3", '{"n":3,"s":1}'))
    for arguments in (["nobody-1"], ["account-1", "--type", "other"], ["account-1", "--schema-version", 2]):
        done = target("snapshot", "show", *arguments)
        expect((done.returncode, done.out), (4, ""), arguments)
        assert done.err.startswith("error: SNAPSHOT_NOT_FOUND: "), done.err


def test_deletes(target):
    fill(target)
    expect(target.ok("snapshot", "delete", "account-0", "--at", 2), "deleted 1 snapshot of account-0\n")
    expect(target.json("snapshot", "delete", "account-1", "--below", 3), {"stream": "account-1", "deleted": 3})
    expect(target.ok("snapshot", "delete", "account-2", "--all"), "deleted 4 snapshots of account-2\n")
    expect(target.ok("snapshot", "delete", "account-2", "--all"), "deleted 0 snapshots of account-2\n")
    expect(names(target), ["account-0@0", "account-0@1", "account-0@3", "account-1@3"])
    for arguments in ([], ["--all", "--at", 1]):
        target.fails(2, "error: INVALID_ARGUMENT: say which: one of --all, --at VERSION or --below VERSION",
                     "snapshot", "delete", "account-0", *arguments)
    target.fails(2, "error: INVALID_ARGUMENT: there is no version below 0", "snapshot", "delete", "account-0",
                 "--below", 0)
    expect(json.loads(target.ok("snapshot", "build", "--reducer", "merge", "-o", "json"))["stored"], 1)


if __name__ == "__main__":
    sys.exit(main(globals()))
