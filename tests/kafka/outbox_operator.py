"""A world of outbox_world.py with a hand in it: appends what a test wants, orders the outbox about, looks at it."""
import contextlib
import os
import sys
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "blackbox")]
import harness  # noqa: E402
from broker import TxBroker, wait_until  # noqa: E402
from exactly_once import position_of, problems  # noqa: E402
from outbox_world import CATCH_UP_S, World  # noqa: E402

PAUSE, RESUME, RESET, RETRY, DISCARD, REPLAY = range(6)  # Actions of an order.


class Operator(World):
    def __enter__(self):
        self.client = None
        return super().__enter__()

    def __exit__(self, *fault):
        self.client.close()
        super().__exit__(*fault)

    def start(self, **preload):
        super().start(**preload)
        if self.client is not None:
            self.client.close()
        self.client = harness.Client(self.socket)

    def die(self, kill, *arguments, **named):
        """Anew, so that the process kills itself there while it does as it is told; and up again."""
        self.client.close()
        self.stop()
        self.start(kill=kill)
        with contextlib.suppress(OSError, harness.Closed):  # It may not come to answer.
            self.order(*arguments, **named)
        self.wait_for_death()
        self.start()

    def stop_and_start(self):
        self.client.close()
        self.stop()
        self.start()

    def append(self, stream, count=1):
        events = [harness.event("went", b'"%020d"' % n) for n in range(count)]
        self.client.call("APPEND", [[[stream, -2]], events])

    def order(self, action, reset_to=0, position=0, until=0, stream=None, kind=None):
        """[position, count]"""
        return self.client.call("OUTBOX_ORDER", ["kafka", action, reset_to, position, until, stream, kind, "a test"])

    def status(self):
        return self.client.call("OUTBOX_LIST", ["kafka"])[0][0][1]

    def wait_for(self, name, wanted):
        wait_until(lambda: self.status()[name] == wanted, f"{name} {wanted}: it is {self.status()[name]}", CATCH_UP_S)

    # ---- what came of it

    def came(self, replays=False):
        """What consumers have: sent for the first time, or again on purpose."""
        self.published()
        return [found for found in self.committed.records if ("v-replay" in found.headers) == replays]

    def wait_for_records(self, count, replays=False):
        wait_until(lambda: len(self.came(replays)) >= count, f"{count} records", CATCH_UP_S)

    def expect_all_once(self, *but):
        """Each event of the log but those at these positions, once, in the order of its stream, as it was written."""
        log = [event for event in self.log() if event.position not in but]
        self.wait_for_records(len(log))
        found = problems(log, self.came(), self.committed.partition_counts)
        assert not found, found

    def times(self):
        """{position: how often it came}"""
        return Counter(position_of(found) for found in self.came())


@contextlib.contextmanager
def operator(directory, settings=None, topics=()):
    """With a broker of its own, which has these topics."""
    options = [word for topic in topics for word in ("--topic", topic)]
    with TxBroker(*options) as broker, Operator(directory, broker, settings) as world:
        yield world
