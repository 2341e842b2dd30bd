#!/usr/bin/env python3
"""docs/examples/process_manager.c: each order that was placed gets one shipment, whoever is killed and when."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import varve_protocol as protocol  # noqa: E402
from killing import World  # noqa: E402
from varved import Closed, event, run  # noqa: E402

BATCHES, BATCH = 25, 80


def place(world, batch):
    """A batch of orders, other events between them."""
    with world.server.connect() as connection:
        connection.append(f"order-{batch}", [event(kind=kind, data=b'{"n":%d}' % i, id_=os.urandom(16))
                                             for i in range(BATCH) for kind in ("order.placed", "order.paid")])


def of_type(world, kind):
    with world.server.connect() as connection:
        return connection.read(protocol.TYPE, kind)[0]


def check(world):
    """One shipment for each order, in their order; and a saga each, begun once."""
    placed, shipments = of_type(world, "order.placed"), of_type(world, "shipment.requested")
    assert len(placed) == BATCHES * BATCH, len(placed)
    assert [s["causation_id"] for s in shipments] == [p["id"] for p in placed]
    assert [s["data"] for s in shipments] == [p["data"] for p in placed]
    assert len({s["stream"] for s in shipments}) == len(shipments)
    with world.server.connect() as connection:
        counts = connection.ask("SAGA_COUNTS", [])[0]
        assert counts == [["shipping", [len(placed), 0, 0, 0, 0]]], counts
        moves = connection.read(protocol.STREAM, "$checkpoint-shipping")[0]
    assert len(moves) >= len(placed), len(moves)  # Each of its moves came with a shipment, but for rests.


def shipped(world):
    try:
        return len(of_type(world, "shipment.requested"))
    except (Closed, OSError):
        return 0


def each_order_is_handled_once(directory):
    dice = random.Random(4711)
    with World(directory) as world:
        managers = [world.start("process_manager", world.url) for _ in range(2)]
        for batch in range(BATCHES):
            place(world, batch)
            goal = batch * BATCH + dice.randrange(BATCH)  # So that they are in the midst of it.
            world.wait_until(lambda: shipped(world) >= goal, f"{goal} shipments")
            if batch % 5 == 4:
                world.kill_server()
            else:
                dice.choice(managers).again()
        world.wait_until(lambda: shipped(world) >= BATCHES * BATCH, "all shipments")
        for manager in managers:
            world.stop(manager)
        check(world)
        world.kill_server()
        check(world)


def it_goes_on_where_it_stopped(directory):
    """Alone, stopped as one stops it, and the log goes on without it."""
    with World(directory) as world:
        for batch in range(BATCHES):
            place(world, batch)
            if batch % 5 == 4:
                manager = world.start("process_manager", world.url)
                world.wait_until(lambda: shipped(world) == (batch + 1) * BATCH, f"the shipments of {batch + 1} batches")
                world.programs.remove(manager)
                manager.interrupt()
        check(world)


if __name__ == "__main__":
    run([it_goes_on_where_it_stopped, each_order_is_handled_once])
