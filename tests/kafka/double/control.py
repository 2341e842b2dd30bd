"""Orders to a running double: one JSON object per line, {"do": name, ...arguments}, answered by {"ok": result} or
{"error": text}. The orders are the methods of Orders."""
import asyncio
import json
import socket

from .names import ERROR_NAMES

MAX_LINE = 1 << 20


class Orders:
    def __init__(self, server):
        self.server, self.broker, self.faults = server, server.broker, server.faults

    # ---- faults ----

    def fault(self, **rule):
        """Lays down a rule; its number."""
        return self.faults.add(**rule)

    def clear_faults(self, number=None):
        self.faults.remove(number)

    def acted(self, number):
        """How often a rule has acted."""
        return self.faults.acted(number)

    def latency(self, ms, api="*"):
        self.faults.set_latency(api, ms)

    def marker_delay(self, ms):
        self.broker.coordinator.marker_delay_ms = ms

    def release(self):
        return self.server.release()

    def held(self):
        """How many requests and answers hang."""
        return len(self.server.held)

    async def up(self):
        await self.server.up()

    def down(self):
        self.server.down()

    def cut(self):
        """Ends every connection; new ones are welcome."""
        self.server.cut()

    def pause(self):
        self.server.pause()

    def resume(self):
        self.server.resume()

    # ---- topics ----

    def create_topic(self, name, partitions=1, settings=None):
        return outcome(self.broker.create(name, partitions, settings or {}))

    def delete_topic(self, name):
        return outcome(self.broker.delete(name))

    def add_partitions(self, name, count):
        return outcome(self.broker.add_partitions(name, count))

    def configure_topic(self, name, settings):
        self.broker.topics[name].settings.update(settings)

    def deny(self, topic, operations=("read", "write", "describe", "create")):
        self.broker.denied[topic] = list(operations)

    def allow(self, topic):
        self.broker.denied.pop(topic, None)

    def partition(self, topic, index):
        return self.broker.topics[topic].partitions[index]

    def delete_before(self, topic, index, offset):
        """-1 for everything."""
        partition = self.partition(topic, index)
        partition.delete_before(partition.end if offset == -1 else offset)

    def truncate_to(self, topic, index, offset):
        self.partition(topic, index).truncate_to(offset)

    def credentials(self, user, password):
        """From now on, for those who are not in yet; no user for nobody being asked."""
        self.broker.credentials = (user, password) if user else None

    def topics(self):
        """{name: [[start, stable end, end] of each partition]}"""
        return {name: [[p.start, p.stable_end, p.end] for p in topic.partitions]
                for name, topic in self.broker.topics.items()}

    # ---- what happened ----

    def transactions(self):
        return {txn.name: {"producer_id": txn.producer_id, "epoch": txn.epoch, "state": txn.state,
                           "partitions": sorted(txn.partitions)} for txn in self.broker.coordinator.ids.values()}

    def expire_producer(self, transactional_id):
        """Forgets a transactional id, as Kafka does after days of silence."""
        return self.broker.coordinator.ids.pop(transactional_id, None) is not None

    def offsets(self, group):
        return [[*part, *entry] for part, entry in sorted(self.broker.groups.get(group, {}).items())]

    def requests(self, api=None, since=0):
        """Those from number `since` on, oldest first; the double remembers the last 50,000."""
        return [entry for entry in self.server.requests
                if entry["number"] >= since and (api is None or entry["api"] == api)]

    def counts(self):
        """{api: requests}"""
        return dict(self.server.counts)

    def ping(self):
        return {"requests": self.server.counts.total(), "connections": len(self.server.connections)}


def outcome(error):
    return ERROR_NAMES.get(error, error)


class Control:
    """Reads orders and carries them out one by one."""

    def __init__(self, server):
        self.orders = Orders(server)
        self.server = server

    async def listen(self, port):
        self.listener = await asyncio.start_server(self.serve, "127.0.0.1", port, limit=MAX_LINE)
        return self.listener.sockets[0].getsockname()[1]

    async def carry_out(self, order):
        name = order.pop("do")
        if name.startswith("_") or not callable(getattr(self.orders, name, None)):
            raise ValueError(f"no such order: {name}")
        result = getattr(self.orders, name)(**order)
        return await result if asyncio.iscoroutine(result) else result

    async def serve(self, reader, writer):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while line := await reader.readline():
                try:
                    answer = {"ok": await self.carry_out(json.loads(line))}
                except Exception as error:  # Whatever is wrong with an order is told to who gave it.
                    answer = {"error": f"{type(error).__name__}: {error}"}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
