#!/usr/bin/env python3
"""Snapshots and loading against a running varved: what is put comes back or is missed, and never lies."""
import os
import random
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from varved import Server, append_body, event, may_grow, protocol, run  # noqa: E402

from harness import (INVALID_ARGUMENT, SNAPSHOT_AHEAD, SNAPSHOT_NOT_FOUND, STREAM_NOT_FOUND,  # noqa: E402
                     STREAM_TOMBSTONED, UNSUPPORTED, Client, Refused)

DELETE, TOMBSTONE, TRUNCATE = 2, 3, 0
OCTETS = 2


def client_of(server):
    return Client(("127.0.0.1", server.port))


def append(client, stream, count):
    """Events with numbers as data."""
    events = [event(b'{"n":%d}' % i) for i in range(count)]
    client.call("APPEND", append_body(stream, events))


def change(client, stream, kind, number=0):
    client.call("STREAM_CHANGE", [kind, stream, protocol.ANY, number, 0, 0])


def refused(number, function, *arguments, **named):
    try:
        result = function(*arguments, **named)
    except Refused as error:
        assert error.number == number, error
        return error
    raise AssertionError(f"expected {number}, got {result!r}")


def put_get_list_delete(directory):
    with Server(directory) as server:
        client = client_of(server)
        append(client, "a", 10)
        append(client, "b", 2)
        for version in 1, 4, 9:
            created_at, removed = client.snapshot_put("a", version, b'{"at":%d}' % version, type="t")
            assert created_at > 0 and removed == (version == 9), (version, removed)
        client.snapshot_put("b", 0, b"\xc0\x01", type="u", schema_version=7, content_type=OCTETS)
        got = client.snapshot_get("a")
        assert (got["version"], got["type"], got["data"], got["size"]) == (9, "t", b'{"at":9}', 8), got
        assert client.snapshot_get("a", 8)["version"] == 4
        refused(SNAPSHOT_NOT_FOUND, client.snapshot_get, "a", 3)
        refused(SNAPSHOT_NOT_FOUND, client.snapshot_get, "a", type="u")
        assert client.snapshot_get("b", schema_version=7)["data"] == b"\xc0\x01"
        listed, end = client.snapshot_list()
        assert [(s["stream"], s["version"], s["data"]) for s in listed] == [("a", 4, None), ("a", 9, None),
                                                                          ("b", 0, None)] and end
        refused(SNAPSHOT_AHEAD, client.snapshot_put, "a", 10, b"{}")
        refused(STREAM_NOT_FOUND, client.snapshot_put, "c", 0, b"{}")
        assert refused(INVALID_ARGUMENT, client.snapshot_put, "a", 0, b"{").field == "data"
        assert client.snapshot_delete("a", 5) == 1
        assert client.snapshot_get("a")["version"] == 4
        figures = client.call("STATS", [])[0]
        assert figures["snapshots"] == 2 and figures["snapshot_puts"] == 4, figures
        server.stop()


def it_survives_a_restart_and_kill(directory):
    with Server(directory) as server:
        client = client_of(server)
        append(client, "a", 10)
        client.snapshot_put("a", 5, b"{}")
        server.kill()
    with Server(directory) as server:
        assert client_of(server).snapshot_get("a")["version"] == 5
        server.stop()


def a_deleted_or_damaged_file_is_a_miss(directory):
    path = os.path.join(directory, "snapshots.mdb")
    chance = random.Random(4)
    for damage in "deleted", "garbage", "flipped", "flipped", "flipped", "short":
        with Server(directory) as server:
            client = client_of(server)
            for i in range(8):
                append(client, f"s{i}", 3)
                client.snapshot_put(f"s{i}", 1, b'{"of":"s%d"}' % i)
            server.stop()
        with open(path, "rb") as file:
            data = bytearray(file.read())
        if damage == "deleted":
            os.remove(path)
        else:
            if damage == "garbage":
                data[:] = bytes(chance.getrandbits(8) for _ in range(len(data)))
            elif damage == "short":
                del data[len(data) // 2:]
            else:
                for _ in range(20):
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            with open(path, "wb") as file:
                file.write(data)
        with Server(directory) as server:
            client = client_of(server)
            loaded, _ = client.load([f"s{i}" for i in range(8)])
            for i, one in enumerate(loaded):
                check_whole(one)
                if one["snapshot"]:
                    expected = b'{"of":"s%d"}' % i if one["snapshot"]["version"] == 1 else b"[2]"
                    assert one["snapshot"]["data"] == expected, one
            assert ("snapshots.begun" in server.log()) == (damage == "deleted"), damage
            if damage in ("garbage", "short"):
                assert "snapshots.damaged" in server.log()
                assert not any(one["snapshot"] for one in loaded)
            client.snapshot_put("s0", 2, b"[2]")
            assert client.snapshot_get("s0")["data"] == b"[2]"
            server.stop()


def a_file_deleted_in_use_is_made_again(directory):
    with Server(directory) as server:
        client = client_of(server)
        append(client, "a", 10)
        client.snapshot_put("a", 3, b"{}")
        os.remove(os.path.join(directory, "snapshots.mdb"))
        client.snapshot_put("a", 5, b"{}")
        assert "snapshots.damaged" in server.log()
        server.kill()
    with Server(directory) as server:
        assert client_of(server).snapshot_get("a")["version"] == 5
        server.stop()


def check_whole(one):
    """What came of a stream joins without a gap and reaches its version."""
    if one["status"] != 0:
        assert one["snapshot"] is None and not one["records"] and one["version"] == -1, one
        return
    versions = [record["version"] for record in one["records"]]
    assert versions == list(range(one["first_version"], one["version"] + 1)), one
    if one["snapshot"]:
        assert one["snapshot"]["version"] + 1 == one["first_version"], one


def load_many(directory):
    with Server(directory) as server:
        client = client_of(server)
        append(client, "plain", 5)
        append(client, "taken", 5)
        append(client, "cut", 9)
        append(client, "cut-further", 9)
        append(client, "deleted", 3)
        append(client, "dead", 3)
        for stream, version in ("taken", 4), ("cut", 5), ("cut-further", 5), ("deleted", 2), ("dead", 2):
            client.snapshot_put(stream, version, b"{}")
        change(client, "cut", TRUNCATE, 6)
        change(client, "cut-further", TRUNCATE, 7)
        change(client, "deleted", DELETE)
        change(client, "dead", TOMBSTONE)
        names = ["plain", "taken", "cut", "cut-further", "deleted", "dead", "never", "plain"]
        loaded, last_position = client.load(names)
        assert last_position == client.call("PING", [])[1]
        for one in loaded:
            check_whole(one)
        statuses = [one["status"] for one in loaded]
        assert statuses == [0, 0, 0, 0, STREAM_NOT_FOUND, STREAM_TOMBSTONED, STREAM_NOT_FOUND, 0], statuses
        assert [one["snapshot"] and one["snapshot"]["version"] for one in loaded] == [None, 4, 5] + [None] * 5
        assert [len(one["records"]) for one in loaded] == [5, 0, 3, 2, 0, 0, 0, 5]
        append(client, "deleted", 1)
        loaded, _ = client.load(["deleted"])
        assert loaded[0]["snapshot"] is None and loaded[0]["first_version"] == 3, loaded
        many = ["plain", "cut"] * 500
        loaded, _ = client.load(many, credit=3000, batch_bytes=500)
        assert len(loaded) == 1000
        for one in loaded:
            check_whole(one)
        server.stop()


def a_load_is_the_same_as_reading_from_zero(directory):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    with Server(directory) as server:
        client = client_of(server)
        lengths = {}
        for i in range(30):
            name = "s%d" % i
            lengths[name] = chance.randrange(1, 300)
            append(client, name, lengths[name])
            for _ in range(chance.randrange(4)):
                version = chance.randrange(lengths[name])
                # A fold that can be checked: the sum of the events' versions.
                kind = chance.choice(["sum", "other"])
                client.snapshot_put(name, version, b"%d" % sum(range(version + 1)), type=kind)
        for schema, no_snapshots in ((0, False), (1, False), (2, False), (0, True)):
            loaded, _ = client.load(sorted(lengths), "sum" if schema else "", schema, no_snapshots, batch_bytes=2000)
            for name, one in zip(sorted(lengths), loaded):
                check_whole(one)
                total = int(one["snapshot"]["data"]) if one["snapshot"] else 0
                total += sum(record["version"] for record in one["records"])
                assert total == sum(range(lengths[name])), (name, one)
                assert one["snapshot"] is None or not (no_snapshots or schema == 2)
        server.stop()


def a_slow_reader_costs_bounded_memory(directory):
    """Clients that load large snapshots and take nothing."""
    with Server(directory, "--max-output", "2MiB", "--memory-budget", "64MiB", "--send-timeout", "1h") as server:
        client = client_of(server)
        data = os.urandom(1 << 20)
        names = ["s%d" % i for i in range(20)]
        for name in names:
            append(client, name, 1)
            client.snapshot_put(name, 0, data, content_type=OCTETS)
        before = server.resident_bytes()
        slow = [client_of(server) for _ in range(8)]
        for one in slow:
            one.send("LOAD", [names * 50, "", 0, False, 1 << 30, 0])
        for _ in range(20):
            client.call("PING", [])
            loaded, _ = client.load(names)
            assert all(one["snapshot"]["data"] == data for one in loaded)
        grown = server.resident_bytes() - before
        # What waits for them, at most --max-output and one turn more each, the budget's share, what is being made.
        assert grown < may_grow(110), grown >> 20
        for one in slow:
            one.close()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def a_server_without_snapshots(directory):
    with Server(directory, "--snapshots-keep", "0") as server:
        client = client_of(server)
        assert "snapshot" not in client.hello[4]
        append(client, "a", 3)
        refused(UNSUPPORTED, client.snapshot_put, "a", 1, b"{}")
        refused(SNAPSHOT_NOT_FOUND, client.snapshot_get, "a")
        assert client.snapshot_list() == ([], True)
        loaded, _ = client.load(["a"])
        assert len(loaded[0]["records"]) == 3 and not os.path.exists(os.path.join(directory, "snapshots.mdb"))
        server.stop()


if __name__ == "__main__":
    run([put_get_list_delete, it_survives_a_restart_and_kill, a_deleted_or_damaged_file_is_a_miss,
         a_file_deleted_in_use_is_made_again, load_many, a_load_is_the_same_as_reading_from_zero,
         a_slow_reader_costs_bounded_memory, a_server_without_snapshots])
