#!/usr/bin/env python3
"""Nobody who follows the log misses or repeats an event, though the server is killed again and again.

    tests/crash/follow_kills.py [FILE.ndjson] [--kills N] [--type TYPE]

While a history is imported, the server is killed with -9 and started again; meanwhile one subscription follows
everything, one follows one type, and four consumers work as a group. At the end all must have had exactly what `varve
read` shows, in its order; the group each event at least once, those of one stream in order, and none again whose ack
was answered. Without a FILE a history of its own is made. The last line is `N passed, N failed`.
"""
import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("VARVE_BUILD", ROOT + "/build/gcc-release")
BIN = os.environ.get("VARVE_BIN_DIR", BUILD + "/bin")
VARVE, VARVED, FOLLOWER = BIN + "/varve", BIN + "/varved", BUILD + "/tests/crash/follower"
PATIENCE_S, CONSUMERS = 240, 4
SEED = int(os.environ.get("VARVE_TEST_SEED", "20240501"))


def make_history(path, events=60000, streams=3000, types=12):
    chance = random.Random(SEED)
    with open(path, "w") as file:
        for i in range(events):
            kind = "offer.accepted" if chance.randrange(types) == 0 else f"offer.changed{chance.randrange(types)}"
            file.write(json.dumps({"stream": f"offer-{chance.randrange(streams)}", "type": kind,
                                   "id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(i))), "data": {"number": i}}) + "\n")


class Server:
    def __init__(self, folder):
        self.folder, self.socket = folder, folder + "/socket"
        self.url = f"varve+unix://{self.socket}?reconnect_attempts=1000&reconnect_delay_ms=20"
        self.start()

    def start(self):
        log = open(self.folder + "/varved.log", "ab")
        self.process = subprocess.Popen([VARVED, self.folder + "/store", "--unix", self.socket,
                                         "--http-listen", "off"], stdout=log,
                                        stderr=log, stdin=subprocess.DEVNULL)
        wait_for(lambda: subprocess.run([VARVE, "--server", self.url, "ping"], capture_output=True).returncode == 0,
                 "the server to answer")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.start()

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=PATIENCE_S)


def wait_for(condition, what):
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > give_up:
            raise AssertionError(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.02)


def varve(server, *arguments):
    done = subprocess.run([VARVE, "--server", server.url, *arguments], capture_output=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def import_with_kills(server, path, total, kills):
    """The importer is started anew when a kill broke it: ids make that safe."""
    at = [total * (i + 1) // (kills + 1) for i in range(kills)]
    importer = None
    while True:
        if importer is None or importer.poll() not in (None, 0):
            importer = subprocess.Popen([VARVE, "--server", server.url, "import", path], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        position = json.loads(varve(server, "stats", "-o", "json"))["last_position"]
        if at and position >= at[0]:
            at.pop(0)
            server.kill()
        elif importer.poll() == 0 and not at:
            return
        elif importer.poll() == 0 and at:
            at = [0] * len(at)  # The import was faster than we look: the rest of the kills now.


def digest(ids):
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def read_ids(path):
    with open(path) as file:
        return [line.strip() for line in file]


def expected(server):
    events = [json.loads(line) for line in varve(server, "read", "--all", "-o", "ndjson").splitlines()]
    return [(event["id"].replace("-", ""), event["position"], event["type"]) for event in events]


def judge_group(outputs, ids):
    """What four consumers said, against the log: ([what is wrong], how many events came again)."""
    rows = sorted((int(words[1]), words) for path in outputs for words in
                  (line.split() for line in open(path) if line.endswith("\n")))
    wrong, seen, last, confirmed, again = [], {}, {}, set(), 0
    for _, words in rows:
        position = int(words[2])
        if words[0] == "confirmed":
            confirmed.add(position)
            continue
        stream, event_id = words[3], words[4]
        if position in confirmed:
            wrong.append(f"position {position} came again though its ack was answered")
        if position not in seen and position < last.get(stream, 0):
            wrong.append(f"position {position} of {stream} came first after {last[stream]}")
        again += position in seen
        last[stream] = max(last.get(stream, 0), position)
        seen.setdefault(position, event_id)
    if digest([seen[position] for position in sorted(seen)]) != digest(ids):
        wrong.append(f"the group had {len(seen)} events, the log has {len(ids)}")
    return wrong, again


def run(folder, path, kills, wanted_type):
    with open(path) as file:
        types = [json.loads(line)["type"] for line in file]
    server = Server(folder)
    varve(server, "group", "create", "crew", "--after", "start")
    started, outputs = [], {}

    def start(name, *arguments):
        outputs[name] = f"{folder}/{name}"
        with open(outputs[name], "w") as out, open(f"{folder}/{name}.err", "w") as err:
            started.append(subprocess.Popen([FOLLOWER, *arguments], stdout=out, stderr=err))
        return started[-1]

    try:
        everything = start("all", "subscribe", server.url, str(len(types)))
        some = start("type", "subscribe", server.url, str(types.count(wanted_type)), wanted_type)
        crew = [start(f"consumer-{i}", "consume", server.url, "crew", f"consumer-{i}") for i in range(CONSUMERS)]
        import_with_kills(server, path, len(types), kills)
        log = expected(server)
        wait_for(lambda: everything.poll() is not None and some.poll() is not None, "the subscriptions to have all")
        wait_for(lambda: group_has_done(server, log[-1][1]), "the group to be done")
        for consumer in crew:
            consumer.terminate()
        ends = [process.wait(timeout=PATIENCE_S) for process in started]
        return verdicts(server, log, outputs, ends, wanted_type, len(types), folder)
    finally:
        for process in started + [server.process]:
            if process.poll() is None:
                process.kill()
                process.wait()


def group_has_done(server, position):
    info = json.loads(varve(server, "group", "info", "crew", "-o", "json"))
    return info["checkpoint"] >= position


def verdicts(server, log, outputs, ends, wanted_type, total, folder):
    ids = [event_id for event_id, _, _ in log]
    of_type = [event_id for event_id, _, kind in log if kind == wanted_type]
    wrong, again = judge_group([outputs[f"consumer-{i}"] for i in range(CONSUMERS)], ids)
    print(f"log {digest(ids)[:16]}, subscription {digest(read_ids(outputs['all']))[:16]}; "
          f"{wanted_type} {digest(of_type)[:16]}, subscription {digest(read_ids(outputs['type']))[:16]}; "
          f"group: {again} events came again after kills")
    for problem in wrong[:10]:
        print("  " + problem)
    for name in outputs:
        complaint = open(f"{folder}/{name}.err").read()
        if complaint:
            print(f"  {name}: {complaint.strip()[-500:]}")
    return {
        "the log holds the history once": len(ids) == total,
        "a subscription on everything has exactly the log": digest(read_ids(outputs["all"])) == digest(ids),
        "a subscription on a type has exactly its events": digest(read_ids(outputs["type"])) == digest(of_type),
        "the group has every event, each stream in order, none after its ack was answered": not wrong,
        "everybody ended well": ends == [0] * len(ends),
        "the server stops cleanly": server.stop() == 0,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--type", default="offer.accepted")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file
        if path is None:
            path = folder + "/history.ndjson"
            make_history(path)
        results = run(folder, path, options.kills, options.type)
    for what, good in results.items():
        print(("ok      " if good else "FAILED  ") + what)
    failed = list(results.values()).count(False)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
