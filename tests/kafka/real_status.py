"""What `varve outbox status` says while things happen to Kafka and the server: asked all along, held against the table
of docs/outbox-states.md, and waited for."""
import json
import threading
import time
from collections import Counter

from real_support import PATIENCE_S, expect, varve

ASK_EVERY_S = 0.1
BREAKERS = {"RUN": ["CLOSED"], "REFRESH": ["CLOSED"], "ISOLATE": ["CLOSED"], "PAUSED": ["CLOSED"], "BACKOFF": ["OPEN"],
            "PROBE": ["HALF_OPEN"], "INIT": ["CLOSED", "HALF_OPEN"], "RECOVER": ["CLOSED", "HALF_OPEN"],
            "STOPPED": ["CLOSED"], "HALTED": ["CLOSED", "OPEN"]}
MOMENT_US = 1000000  # The server's clock and ours are one, but the answer takes its time.


def ask(server):
    """None when no server is there to say it."""
    done = varve("outbox", "status", "-o", "json", "--server", server.url)
    return json.loads(done.out)[0] if done.returncode == 0 else None


def contradictions(said):
    """What cannot be true all at once; `said` is one answer."""
    phase, failures = said["phase"], said["failures"]
    rules = [
        ("the breaker of the phase", said["breaker"] in BREAKERS[phase]),
        ("CLOSED, and no failures", (said["breaker"] == "CLOSED") == (failures == 0)),
        ("RUN without a reason", phase != "RUN" or said["reason"] == ""),
        ("BACKOFF and HALTED with one", phase not in ("BACKOFF", "HALTED") or said["reason"] != ""),
        ("a next attempt in BACKOFF alone", (said["next_attempt"] != 0) == (phase == "BACKOFF")),
        ("which is to come", phase != "BACKOFF" or said["next_attempt"] > said["since"] - MOMENT_US),
        ("HALTED by something", (said["halt"] != "NONE") == (phase == "HALTED")),
        ("the lag is what is missing", said["lag_events"] == said["head_position"] - said["position"]),
        ("no event waits, none is late", said["lag_events"] > 0 or said["lag_us"] == 0),
        ("what is not published is kept", said["retention_floor"] <= said["position"] + 1),
        ("since a time that was", said["since"] <= time.time() * 1e6 + MOMENT_US),
    ]
    return [f"{name}: {said}" for name, holds in rules if not holds]


class Watch(threading.Thread):
    """Asks until the end of the block; wrong() is what did not agree. `secrets` must never be shown."""

    def __init__(self, server, secrets=()):
        super().__init__(daemon=True)
        self.server, self.secrets, self.said, self.over = server, secrets, [], False
        self.failure = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.join()

    def run(self):
        try:
            while not self.over:
                if (said := ask(self.server)) is not None:
                    self.said.append((self.server.process.pid, said))
                time.sleep(ASK_EVERY_S)
        except Exception as failure:  # Whatever it is, the test is to tell it.
            self.failure = failure

    def wrong(self):
        found = [self.failure] if self.failure else []
        for at, (process, said) in enumerate(self.said):
            found += contradictions(said)
            found += [f"a secret in {said}" for secret in self.secrets if secret in json.dumps(said)]
            before = self.said[at - 1] if at > 0 else None
            if before and before[0] == process and before[1]["generation"] > said["generation"]:
                found.append(f"the generation was {before[1]['generation']}: {said}")
        return found

    def expect_truth(self):
        expect(self.wrong()[:3], [], "contradictions in the status")
        expect(len(self.said) > 0, True, "status was asked")

    def phases(self):
        return Counter(f"{said['phase']}/{said['breaker']}" for _, said in self.said)

    def reasons(self):
        return Counter(said["reason"] for _, said in self.said if said["reason"])

    def summary(self):
        phases = ", ".join(f"{name} {count}" for name, count in self.phases().most_common())
        reasons = "".join(f"\n  {count} x {reason}" for reason, count in self.reasons().most_common(8))
        return f"status asked {len(self.said)} times, no contradiction: {phases}{reasons}"


def wait_for(server, is_wanted, what):
    """The first answer of which `is_wanted` holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not ((said := ask(server)) and is_wanted(said)):
        expect(time.monotonic() < deadline, True, f"{what} within {PATIENCE_S} s; status says {said}")
        time.sleep(ASK_EVERY_S)
    return said


def wait_until_idle(server):
    """All is published, and nothing is wrong."""
    return wait_for(server, lambda said: said["phase"] == "RUN" and said["lag_events"] == 0, "RUN without a lag")


def wait_for_failure(server, code=""):
    """Backing off because of something whose reason has these words."""
    return wait_for(server, lambda said: said["phase"] == "BACKOFF" and code in said["reason"], f"BACKOFF with {code}")


def verify(server):
    """The server's own comparison of all that Kafka holds with its log."""
    done = varve("outbox", "verify", "--all", "-o", "json", "--server", server.url)
    expect(done.returncode, 0, f"varve outbox verify: {done.out}{done.err}")
    return json.loads(done.out)
