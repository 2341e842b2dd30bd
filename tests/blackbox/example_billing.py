#!/usr/bin/env python3
"""docs/examples/billing.c: each order that was placed gets one invoice, whoever is killed and when."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import varve_protocol as protocol  # noqa: E402
from killing import World  # noqa: E402
from varved import Closed, event, run  # noqa: E402

BATCHES, BATCH = 20, 60


def place(world, batch):
    with world.server.connect() as connection:
        for i in range(4):  # Of different keys.
            connection.append(f"order-{batch}-{i}", [event(kind=kind, id_=os.urandom(16)) for _ in range(BATCH // 4)
                                                     for kind in ("order.placed", "order.paid")])


def of_type(world, kind):
    with world.server.connect() as connection:
        return connection.read(protocol.TYPE, kind)[0]


def sent(world):
    try:
        return len(of_type(world, "invoice.sent"))
    except (Closed, OSError):
        return 0


def each_order_has_one_invoice(directory):
    dice = random.Random(4713)
    with World(directory) as world:
        workers = [world.start("billing", world.url, name) for name in ("one", "two", "three")]
        for batch in range(BATCHES):
            place(world, batch)
            goal = batch * BATCH + dice.randrange(BATCH)  # So that they are in the midst of it.
            world.wait_until(lambda: sent(world) >= goal, f"{goal} invoices")
            if batch % 4 == 3:
                world.kill_server()
            else:
                dice.choice(workers).again()
        world.wait_until(lambda: sent(world) >= BATCHES * BATCH, "all invoices")
        for worker in workers[1:]:
            world.stop(worker)
        workers[0].interrupt()
        placed, invoices = of_type(world, "order.placed"), of_type(world, "invoice.sent")
        assert sorted(i["causation_id"] for i in invoices) == sorted(p["id"] for p in placed)


if __name__ == "__main__":
    run([each_order_has_one_invoice])
