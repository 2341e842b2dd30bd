#!/usr/bin/env python3
"""Wrong command lines, servers that are not there, damaged stores: one clear line and an exit code each."""
import os
import re
import shutil
import socket
import subprocess
import sys
import threading

from cli_support import TIMEOUT_S, VARVE, Server, clean_environment, expect, lines, main, varve

ID = "0192f0c1-7a3b-7cde-8f01-23456789abcd"
FRAME_HEADER_BYTES = 64


def first_line(done):
    return done.err.split("\n")[0]


# ---- usage: exit code 2 ---------------------------------------------------------------------------------------------

USAGE = [
    (["apend"], 'unknown command "apend"; did you mean append?'),
    (["frobnicate"], 'unknown command "frobnicate"'),
    (["a\033[2J\nb"], r'unknown command "a\?\[2J\?b"'),
    (["saga", "shwo"], 'unknown command "saga shwo"; did you mean saga show?'),
    (["snapshot", "x" * 300], 'unknown command "snapshot x.*"'),
    (["help", "raed"], 'unknown command "raed"; did you mean read?'),
    (["--sever", "x", "stats"], "unknown option --sever; did you mean --server?"),
    (["stats", "-x"], "unknown option -x"),
    (["stats", "--output"], "--output needs a value: --output FORMAT"),
    (["stats", "-o", "xml"], '-o must be table, json or ndjson, not "xml"'),
    (["stats", "now"], 'one argument too many: "now"; usage: varve stats'),
    (["ping", "--db", "/tmp/x", "--server", "varve://x"], "--db and --server exclude each other"),
    (["append", "s"], "too few arguments; usage: varve append STREAM TYPE [DATA|-|@FILE]"),
    (["append", "s", "t", "{}", "x"], 'one argument too many: "x"; usage: varve append STREAM TYPE [DATA|-|@FILE]'),
    (["append", "s", "t", "--expectd", "1"], "unknown option --expectd; did you mean --expected?"),
    (["append", "s", "t", "--expected", "-1"],
     '--expected must be any, no_stream, stream_exists or a version (0, 1, 2, ...), not "-1"'),
    (["append", "s", "t", "--id", "7"], '--id must be a UUID such as 0192f0c1-7a3b-7cde-8f01-23456789abcd, not "7"'),
    (["append", "s", "t", "--time", "noon"],
     '--time must be a time as in RFC 3339, such as 2024-05-01T12:00:00.5+02:00, not "noon"'),
    (["append", "s", "t", "--class", "x"], '--class must be domain, integration or realtime, not "x"'),
    (["append", "s", "t", "--content-type", "x"],
     '--content-type must be application/json, application/msgpack or application/octet-stream, not "x"'),
    (["append", "s", "t", "--schema-version", "1.5"],
     '--schema-version must be a whole number from 0 to 4294967295, not "1.5"'),
    (["append", "s", "t", "{"], r"data: must be JSON, is not at byte 1: .*"),
    (["append", "s", "t", "{}", "--metadata", "x"], r"metadata: must be JSON, is not at byte 0: .*"),
    (["append", "", "t"], "stream: must be 1 to 480 bytes, is 0"),
    (["append", "s" * 481, "t"], "stream: must be 1 to 480 bytes, is 481"),
    (["append", "s\n", "t"], "stream: must be free of control characters, has one at byte 1"),
    (["append", b"s\xff", "t"], "stream: must be UTF-8, is not at byte 1"),
    (["append", "$s", "t"], r"stream: must not begin with '\$'.*"),
    (["append", "s", "t" * 256], "type: must be 1 to 255 bytes, is 256"),
    (["append", "s", "t", "--user-id", "x" * 256], "user_id: must be .*"),
    (["append", "s", "t", "\x81", "--content-type", "application/msgpack"], "data: must be one msgpack value.*"),
    (["read"], "give one of STREAM, --all, --category, --type, --correlation or --id"),
    (["read", "s", "--all"], "give one of STREAM, --all, --category, --type, --correlation or --id, not several"),
    (["read", "s", "--limit", "0"], "--limit must be at least 1"),
    (["read", "s", "--from", "x"], r"--from must be a whole number from 0 to \d+, not \"x\""),
    (["read", "s", "--since", "soon"], r"--since must be a time .*, not \"soon\""),
    (["read", "--correlation", "7"], "--correlation must be a UUID such as .*"),
    (["stream", "truncate", "s"], "--before VERSION is missing"),
    (["stream", "retention", "s"], "give --max-count, --max-age or both"),
    (["stream", "retention", "s", "--max-age", "5"],
     '--max-age must be a duration such as 90s, 12h, 30d or 1w2d, or 0, not "5"'),
    (["stream", "tombstone", "s"], "a tombstone is for ever: say --yes"),
    (["stream", "info"], "too few arguments; usage: varve stream info STREAM"),
    (["check"], r"too few arguments; usage: varve check \[--deep\] DIR"),
    (["check", "x", "--server", "varve://x"], "check looks at a directory that no server has open; give DIR or --db"),
    (["ping", "--server", "http://x"], ".*"),
]


def test_wrong_command_lines():
    for arguments, says in USAGE:
        done = varve_bytes(arguments)
        expect(done.returncode, 2, f"exit code of {arguments}: {done.err}")
        expect(done.out, "")
        pattern = says if re.search(r"\.\*|\\", says) else re.escape(says)
        assert re.fullmatch("error: INVALID_ARGUMENT: " + pattern, first_line(done)), f"{arguments}: {done.err}"
        assert "\nSee: varve " in done.err, done.err


def varve_bytes(arguments):
    done = subprocess.run([VARVE, *arguments], capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S,
                          env=clean_environment())
    done.out, done.err = done.stdout.decode(), done.stderr.decode("utf-8", "replace")
    return done


def test_wrong_command_lines_make_no_store(folder):
    varve("append", "s", "t", "{", "--db", folder + "/store")
    varve("append", "s", "t", "--expected", "x", "--db", folder + "/store")
    varve("read", "s", "--db", folder + "/store")
    expect(os.path.exists(folder + "/store"), False)


# ---- servers: exit code 5 -------------------------------------------------------------------------------------------

def test_nobody_listens():
    for arguments in ["ping"], ["read", "--all"], ["append", "s", "t"], ["stats"], ["stream", "ls"], ["import"]:
        done = varve(*arguments, "--server", "varve://127.0.0.1:1?reconnect_attempts=0")
        expect(done.returncode, 5, f"{arguments}: {done.err}")
        assert re.match("error: UNREACHABLE: .*127.0.0.1", done.err), done.err
        expect(done.out, "")
    done = varve("ping", "--server", "varve+unix:///nowhere/socket?reconnect_attempts=0")
    expect(done.returncode, 5, done.err)


def with_listener(handle):
    """The URL of a peer that hands its first connection to `handle`, then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                handle(connection)

    threading.Thread(target=serve, daemon=True).start()
    return listener, f"varve://127.0.0.1:{listener.getsockname()[1]}?reconnect_attempts=0&request_timeout_ms=300" \
                     "&connect_timeout_ms=300"


def test_peers_that_are_no_varved():
    peers = [
        ("says nothing and closes", lambda c: None, 5),
        ("speaks HTTP", lambda c: (c.recv(100), c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")), 1),
        ("never answers", lambda c: (c.settimeout(5), c.recv(100), c.recv(100)), 5),
    ]
    for label, handle, code in peers:
        listener, url = with_listener(handle)
        done = varve("ping", "--server", url)
        listener.close()
        expect(done.returncode, code, f"a peer that {label}: {done.err}")
        assert re.match("error: (UNREACHABLE|DISCONNECTED|TIMEOUT|PROTOCOL): ", done.err), f"{label}: {done.err}"


# ---- directories: exit codes 1 and 6 --------------------------------------------------------------------------------

READS = [["read", "--all"], ["read", "s"], ["stream", "ls"], ["stream", "info", "s"], ["stats"], ["ping"]]


def test_a_directory_that_is_not_there(folder):
    for arguments in READS:
        done = varve(*arguments, "--db", folder + "/nowhere")
        expect(done.returncode, 1, f"{arguments}: {done.err}")
        assert re.match(r"error: [A-Z_]+: .*/nowhere", done.err), done.err
        expect(os.path.exists(folder + "/nowhere"), False, f"{arguments} made a directory")


def test_a_directory_that_is_no_store(folder):
    os.mkdir(folder + "/photos")
    open(folder + "/photos/cat.jpg", "w").close()
    for arguments in [*READS, ["append", "s", "t"], ["import"]]:
        done = varve(*arguments, "--db", folder + "/photos")
        expect(done.returncode, 1, f"{arguments}: {done.err}")
        assert re.match("error: NOT_A_STORE: .*photos", done.err), done.err
    expect(os.listdir(folder + "/photos"), ["cat.jpg"])
    done = varve("check", folder + "/photos")
    expect(done.returncode, 1, done.err)
    assert re.match("error: NOT_A_STORE: ", done.err), done.err


def make_store(folder, events=20):
    path = folder + "/store"
    done = varve("import", "--db", path, stdin=lines(
        {"stream": f"s-{n % 3}", "type": "t", "data": {"n": n, "pad": "x" * 200}} for n in range(events)))
    expect(done.returncode, 0, done.err)
    return path


def test_a_store_of_a_newer_format(folder):
    path = make_store(folder)
    text = open(path + "/format").read()
    newer = re.sub(r"(?m)^format \d+$", "format 999", text)
    assert newer != text, text
    with open(path + "/format", "w") as file:
        file.write(newer)
    done = varve("read", "--all", "--db", path)
    expect(done.returncode, 1, done.err)
    assert re.match("error: (NEWER_FORMAT|CORRUPT|NOT_A_STORE): ", done.err), done.err


def test_two_processes_on_one_directory(folder):
    server = Server(folder + "/store")
    for arguments in [*READS, ["append", "s", "t"]]:
        done = varve(*arguments, "--db", folder + "/store")
        expect(done.returncode, 1, f"{arguments}: {done.err}")
        assert re.match("error: LOCKED: ", done.err), done.err
    done = varve("check", folder + "/store")
    expect(done.returncode, 1, done.err)
    assert re.match("error: LOCKED: ", done.err), done.err
    server.stop()
    expect(varve("check", folder + "/store").returncode, 0)


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def damaged(path, what):
    """Flip a bit in the first place where the bytes stand."""
    offset = open(path, "rb").read().find(what)
    assert offset >= 0, f"{what} is not in {path}"
    flip(path, offset)


def test_a_flipped_bit_in_the_store(folder):
    path = make_store(folder)
    damaged(path + "/store.mdb", b'"n":7,"pad"')
    done = varve("check", path)
    expect(done.returncode, 6, done.out + done.err)
    assert re.search(r"(?m)^\S.*: .+", done.out), done.out
    assert re.match(r"error: CORRUPT: \d+ findings? in .*; the store was not changed\n", done.err), done.err
    as_json = varve("check", path, "-o", "json")
    assert '"where":' in as_json.out and '"what":' in as_json.out, as_json.out
    done = varve("read", "--all", "--db", path)
    expect(done.returncode, 6, done.err)
    assert re.match("error: CORRUPT: ", done.err), done.err
    done = varve("read", "s-1", "--db", path, "-o", "json")
    expect(done.returncode, 6, done.err)


def test_a_server_tells_of_damage_too(folder):
    path = make_store(folder)
    damaged(path + "/store.mdb", b'"n":7,"pad"')
    server = Server(path, "--recent-ids", "0")  # Else it would meet the damage when it starts, and not start.
    done = varve("read", "--all", "--server", server.url)
    expect(done.returncode, 6, done.err)
    assert re.match("error: CORRUPT: ", done.err), done.err
    expect(varve("read", "s-2", "--server", server.url, "--limit", "2").returncode, 0, "a read that does not touch it")
    server.stop()


def test_a_flipped_bit_in_the_journal(folder):
    server = Server(folder + "/store")
    for n in range(3):
        varve("import", "--server", server.url,
              stdin=lines({"stream": f"s-{n}", "type": "t", "data": f"marker-{n}-{i}"} for i in range(100)))
    server.kill()  # before it settles
    journal = folder + "/store/journal"
    first = sorted(os.listdir(journal))[0]
    damaged(f"{journal}/{first}", b"marker-1-50")
    shutil.copytree(folder + "/store", folder + "/copy")
    done = varve("read", "--all", "--db", folder + "/store")
    expect(done.returncode, 6, done.err)
    assert re.match("error: CORRUPT: .*journal", done.err), done.err
    done = varve("check", folder + "/copy")
    expect(done.returncode, 6, done.out + done.err)
    assert "journal/" in done.out, done.out


def test_an_unfinished_end_of_the_journal_is_noted(folder):
    path = make_store(folder)
    journal = folder + "/store/journal"
    first = f"{journal}/{sorted(os.listdir(journal))[0]}"
    data = open(first, "rb").read()
    end = len(data.rstrip(b"\0"))
    last_block = end // 4096 * 4096
    # A frame without events may be the last; the next one takes its place.
    empty = data[last_block:last_block + 8] == data[4096:4104] and end - last_block <= FRAME_HEADER_BYTES
    behind = last_block if empty else last_block + 4096
    with open(first, "r+b") as file:  # The header of a frame whose body never arrived.
        file.seek(behind)
        file.write(data[4096:4096 + 64])
    done = varve("check", "--deep", path)
    expect((done.returncode, done.err), (0, ""), done.out)
    assert f"offset {behind}: note: a frame was begun here" in done.out and done.out.endswith(": all sound\n"), done.out
    expect(varve("check", path, "-o", "ndjson").out.count('"what":"note: '), 1)
    expect(varve("append", "s-1", "t", "--db", path).returncode, 0)  # It takes the place of what was begun.
    assert "note:" not in varve("check", "--deep", path).out


if __name__ == "__main__":
    sys.exit(main(globals()))
