#!/usr/bin/env python3
"""docs/examples/order_saga.c: each order comes to its end, and each effect happens once, whoever is killed and when."""
import os
import random
import re
import signal
import subprocess
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import varve_protocol as protocol  # noqa: E402
from killing import BUILD, ROOT, World, finish  # noqa: E402
from varved import PATIENCE_S, run  # noqa: E402

FOR_EVER, SOON = ["--deadline-ms", "36000000"], ["--deadline-ms", "1500"]

# How a saga ends: its status, why, the transitions with the step each leads to, and what else is in the log, in order.
GOOD = ("completed", "",
        [("started", "reserve"), ("stepped", "charge"), ("stepped", "confirm"), ("completed", "")],
        ["order.placed", "inventory.reserved", "payment.charged", "order.confirmed"])
REFUSED = ("failed", "the payment was refused",
           [("started", "reserve"), ("stepped", "charge"), ("compensating", "release"), ("compensating", "cancel"),
            ("failed", "")],
           ["order.placed", "inventory.reserved", "payment.refused", "inventory.released", "order.cancelled"])
SILENT = ("failed", "timed out",
          [("started", "reserve"), ("stepped", "charge"), ("timed_out", ""), ("compensating", "release"),
           ("compensating", "cancel"), ("failed", "")],
          ["order.placed", "inventory.reserved", "order.timed_out", "inventory.released", "order.cancelled"])
TOO_LATE = ("failed", "timed out",  # No worker came in time to do anything at all.
            [("started", "reserve"), ("timed_out", ""), ("compensating", "cancel"), ("failed", "")],
            ["order.placed", "order.timed_out", "order.cancelled"])

PATHS = {
    "good": (FOR_EVER, [GOOD], ["reserve", "charge", "confirm"]),
    "refused": (["--fail-payment", *FOR_EVER], [REFUSED], ["reserve", "charge", "release", "cancel"]),
    "silent": (["--stall", *SOON], [SILENT, TOO_LATE], ["reserve", "timeout", "release", "cancel"]),
}


def place(world, count, *options):
    return finish("order_saga", world.url, "place", str(count), *options).split()


def history(world, order):
    """(transitions and the steps they lead to, what else is in the log about this order)"""
    with world.server.connect() as connection:
        transitions = connection.read(protocol.STREAM, f"$saga-order-{order}")[0]
        events = connection.read(protocol.CORRELATION, correlation=uuid.UUID(order).bytes)[0]
    steps = [re.search(r'"step":"(\w+)"', event["metadata"].decode()) for event in transitions]
    return ([(event["type"].replace("$saga.", ""), step[1] if step else "")
             for event, step in zip(transitions, steps)], [event["type"] for event in events])


def check(world, order, ends):
    shown = finish("order_saga", world.url, "show")
    status, error = re.search(rf"^{order} (\w+) \w* ?(.*)$", shown, re.M).groups()
    ended = (status, error.strip(), *history(world, order))
    assert ended in ends, ended


def work_until_done(world, *options):
    return finish("order_saga", world.url, "work", "--until-done", "--lease-ms", "300", *options)


def each_path_ends_as_it_should(directory):
    with World(directory) as world:
        for options, ends, _ in PATHS.values():
            orders = place(world, 3, *options)
            said = work_until_done(world)
            for order in orders:
                check(world, order, ends)
                assert said.count(order) >= len(ends[-1][3]) - 1, said


def a_deadline_finds_what_was_done(directory):
    """Reserved and charged, then nobody comes: both are taken back."""
    with World(directory) as world:
        order, = place(world, 1, "--deadline-ms", "5000")
        if not die(world, "after:charge"):
            return  # Five seconds were not enough to begin with.
        world.wait_until(lambda: f"{order} timed_out" in finish("order_saga", world.url, "show"), "the deadline")
        work_until_done(world)
        check(world, order, [(
            "failed", "timed out",
            [("started", "reserve"), ("stepped", "charge"), ("stepped", "confirm"), ("timed_out", ""),
             ("compensating", "refund"), ("compensating", "release"), ("compensating", "cancel"), ("failed", "")],
            ["order.placed", "inventory.reserved", "payment.charged", "order.timed_out", "payment.refunded",
             "inventory.released", "order.cancelled"])])


def die(world, where):
    """A worker that kills itself there. False: no saga came by there, and it saw them all to their ends."""
    process = subprocess.run([f"{BUILD}/examples/order_saga", world.url, "work", "--lease-ms", "300", "--until-done",
                              "--die", where], capture_output=True, text=True, timeout=PATIENCE_S,
                             stdin=subprocess.DEVNULL)
    assert process.returncode in (-signal.SIGKILL, 0), (where, process)
    return process.returncode != 0


def a_kill_around_each_step_is_not_seen(directory):
    """The worker before or after a step, and then the server, or not."""
    with World(directory) as world:
        for options, ends, steps in PATHS.values():
            for number, step in enumerate(steps):
                for when in ("before", "after"):
                    order, = place(world, 1, *options)
                    died = die(world, f"{when}:{step}")
                    assert died or len(ends) > 1, (when, step)
                    if (number + (when == "after")) % 2 == 0:
                        world.kill_server()
                    work_until_done(world)
                    check(world, order, ends)


def killed_at_random(directory):
    dice = random.Random(4712)
    with World(directory) as world:
        orders = {}
        workers = [world.start("order_saga", world.url, "work", "--lease-ms", "300") for _ in range(3)]
        for kill in range(20):
            path = dice.choice(list(PATHS))
            orders.update({order: path for order in place(world, dice.randrange(1, 5), *PATHS[path][0])})
            said = len(orders) * dice.randrange(4)  # So that it is in the midst of it.
            world.wait_until(lambda: progress(world) >= said, f"{said} events")
            if kill % 4 == 3:
                world.kill_server()
            else:
                dice.choice(workers).again()
        work_until_done(world)
        for worker in workers:
            world.stop(worker)
        world.kill_server()
        for order, path in orders.items():
            check(world, order, PATHS[path][1])


def progress(world):
    """Events of all orders, while the server is there; each order brings three at least."""
    with world.server.connect() as connection:
        return sum(len(connection.read(protocol.CATEGORY, name)[0]) for name in ("order", "inventory", "payment"))


def shown_in_the_docs(directory):
    """docs/sagas.md shows what it prints."""
    page = open(f"{ROOT}/docs/sagas.md", encoding="utf-8").read()
    promised = re.search(r"```\n(<uuid> reserve.*?)```", page, re.S)[1]
    with World(directory) as world:
        place(world, 1, *FOR_EVER)
        said = work_until_done(world)
        place(world, 1, "--fail-payment", *FOR_EVER)
        said += work_until_done(world)
        said += finish("order_saga", world.url, "show")
    said = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>", said)
    assert said.split() == promised.split(), said


def usage(directory):
    del directory
    done = subprocess.run([f"{BUILD}/examples/order_saga"], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2 and done.stderr.startswith("usage: "), done
    done = subprocess.run([f"{BUILD}/examples/order_saga", "varve://127.0.0.1:1", "show"], capture_output=True,
                          text=True, timeout=PATIENCE_S)
    assert done.returncode == 1 and "UNREACHABLE" in done.stderr, done


if __name__ == "__main__":
    run([usage, each_path_ends_as_it_should, a_deadline_finds_what_was_done, a_kill_around_each_step_is_not_seen,
         killed_at_random, shown_in_the_docs])
