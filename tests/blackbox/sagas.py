"""What a client does with transactions and sagas; every Client of harness.py can do it."""
import json

import varve_protocol as vp

RUNNING, COMPENSATING, TIMED_OUT, COMPLETED, FAILED = range(5)  # statuses
BEGIN, STEP, COMPENSATE, COMPLETE, FAIL, ARCHIVE = range(6)     # actions
BY_CHANGE, BY_DEADLINE = range(2)
UNFINISHED = 1 << RUNNING | 1 << COMPENSATING | 1 << TIMED_OUT
PART_STREAM, PART_SAGA, PART_CHECKPOINT, PART_ACK = range(4)    # of a conflict
SAGA = ("type", "id", "step", "status", "version", "position", "started_at", "updated_at", "completed_at", "failed_at",
        "error", "deadline", "correlation_id", "state", "content_type")


def change(action, type, id, expected=vp.STREAM_EXISTS, step="", state=None, content_type=0, deadline=None, error="",
           event_id=None, correlation_id=None, causation_id=None):
    """A transition, for transact(). `expected` is the version of the saga it was decided on."""
    return [action, type, id, expected, step, state, content_type, deadline, error, event_id, correlation_id,
            causation_id]


def checkpoint(name, position, expected=vp.ANY, event_id=None):
    return [name, position, expected, event_id]


def read_saga(body):
    return dict(zip(SAGA, body))


class Sagas:
    """The part of a Client that is about transactions and sagas. A saga is a dict."""

    def transact(self, streams=(), events=(), sagas=(), checkpoints=(), ack=None):
        """(replayed, results of streams, [version, position] of each saga, and of each checkpoint); `streams` are
        [name, expected], `ack` is [group, epoch, positions]."""
        return tuple(self.call("TRANSACT", [list(streams), list(events), list(sagas), list(checkpoints), ack])[:4])

    def move_saga(self, action, type, id, expected=vp.STREAM_EXISTS, **more):
        """A transaction of one transition; the saga's new version."""
        return self.transact(sagas=[change(action, type, id, expected, **more)])[2][0][0]

    def saga(self, type, id):
        return read_saga(self.call("SAGA_GET", [type, id])[0])

    def saga_list(self, order=BY_CHANGE, type="", statuses=0, step="", updated_before=None, deadline_before=None,
                  include_state=False, after=b"", limit=100):
        """([saga...], where the next page begins or None)"""
        sagas, following = self.call("SAGA_LIST", [order, type, statuses, step, updated_before, deadline_before,
                                                   include_state, after, limit])[:2]
        return [read_saga(body) for body in sagas], following

    def all_sagas(self, **query):
        """Those of all pages."""
        sagas, following = [], b""
        while following is not None:
            page, following = self.saga_list(after=following, **query)
            sagas += page
        return sagas

    def saga_counts(self):
        """{type: [count of each status]}"""
        return dict(entry[:2] for entry in self.call("SAGA_COUNTS", [])[0])

    def claim(self, type, worker="worker", statuses=0, step="", lease_ms=30000, limit=1, wait_ms=0):
        return [read_saga(body)
                for body in self.call("SAGA_CLAIM", [type, statuses, step, worker, lease_ms, limit, wait_ms])[0]]

    def checkpoint(self, name):
        """(version, position) of the newest, or None."""
        for record in self.read(vp.STREAM, "$checkpoint-" + name, backwards=True, limit=1):
            return record["version"], json.loads(record["data"])["position"]
        return None
