"""The double as a server: listens, applies requests to the broker as the faults of the moment let it, keeps a list of
all requests."""
import asyncio
import collections
import socket
import ssl
import sys
import time

from .broker import Broker
from .connection import Connection
from .faults import DROP, HANG, Faults
from .handlers import Call, Request, Unserved, apply
from .handlers_data import NO_ANSWER, Wait
from .handlers_sasl import Session
from .wire import Malformed

HOST = "127.0.0.1"
REMEMBERED_REQUESTS = 50000


def hold_port(port):
    """A bound socket that never listens: the port stays ours while the broker is down."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, port))
    return holder


def tls_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


class Server:
    def __init__(self, port=0, certificate=None, **broker):
        """`certificate`: a file with key and certificate; clients come by TLS then."""
        self.loop = asyncio.get_running_loop()
        self.broker = Broker(self.later, **broker)
        self.faults = Faults()
        self.connections, self.held = set(), []
        self.paused, self.listener = False, None
        self.tls = tls_context(certificate) if certificate else None
        self.requests, self.counts = collections.deque(maxlen=REMEMBERED_REQUESTS), collections.Counter()
        self.began = time.monotonic()
        self.holder = hold_port(port)
        self.address = self.holder.getsockname()

    def say(self, text):
        print(f"[{time.monotonic() - self.began:9.3f}] {text}", file=sys.stderr, flush=True)

    def later(self, seconds, function):
        if seconds > 0:
            self.loop.call_later(seconds, function)
        else:
            self.loop.call_soon(function)

    # ---- being there or not ----

    async def up(self):
        if self.listener is None:
            listening = socket.socket()
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(self.address)
            self.listener = await self.loop.create_server(lambda: Connection(self), sock=listening, ssl=self.tls)

    def down(self):
        if self.listener is not None:
            self.listener.close()
            self.listener = None
        self.cut()

    def cut(self):
        for connection in list(self.connections):
            connection.drop()

    def pause(self):
        self.paused = True

    def resume(self):
        self.paused = False
        for connection in list(self.connections):
            connection.next()

    def release(self):
        """Lets go of all requests and answers that hang."""
        held, self.held = self.held, []
        for go_on in held:
            go_on()
        return len(held)

    # ---- requests ----

    def begin(self, connection, request):
        rule = self.faults.match(request)
        entry = {"number": self.counts.total(), "at": time.monotonic() - self.began, "api": request.name,
                 "version": request.version, "client": request.client, "fault": rule.action if rule else None}
        self.counts[request.name] += 1
        self.requests.append(entry)
        delay_ms = self.faults.latency(request) + (rule.delay_ms if rule else 0)
        if delay_ms:
            self.later(delay_ms / 1000, lambda: self.act(connection, request, rule, entry))
        else:
            self.act(connection, request, rule, entry)

    def act(self, connection, request, rule, entry):
        """What was delayed is applied even when its client has gone: so would a slow broker."""
        if rule is None:
            self.run(connection, request, entry, None, connection.answer)
            return
        if rule.ghost:
            self.send_ghost(request, rule.ms, entry)
        if rule.applies:
            self.run(connection, request, entry, rule.error, lambda writer: self.finish(connection, rule, writer))
        elif rule.answer == HANG:
            self.held.append(lambda: self.run(connection, request, entry, None, connection.answer))
        else:
            connection.drop()

    def finish(self, connection, rule, writer):
        if rule.answer == DROP:
            connection.drop()
        elif rule.answer == HANG:
            self.held.append(lambda: connection.answer(writer))
        else:
            connection.answer(writer)

    def run(self, connection, request, entry, forced, then, until=None):
        """`until`: when a request that waits for something is answered all the same."""
        call = Call(self.broker, request, self.address, connection.session, forced,
                    until is not None and self.loop.time() >= until)
        try:
            answer = apply(call)
        except (Malformed, Unserved) as error:
            connection.refuse(error)
            return
        if isinstance(answer, Wait):
            until = until or self.loop.time() + answer.max_wait_ms / 1000
            self.wait(answer, until, lambda: self.run(connection, request, entry, forced, then, until))
            return
        entry.update(call.told)
        then(None if answer is NO_ANSWER else answer)

    def wait(self, wait, until, again):
        """Calls `again` once: when a partition has changed, or at last."""
        def end():
            timer.cancel()
            for partition in wait.partitions:
                partition.watchers.discard(end)
            self.loop.call_soon(again)

        timer = self.loop.call_at(until, end)
        for partition in wait.partitions:
            partition.watchers.add(end)

    def send_ghost(self, request, ms, entry):
        """A copy of its bytes: those of the original may become a part of the log."""
        copy = Request(bytearray(request.frame))

        def appear():
            call = Call(self.broker, copy, self.address, Session())
            try:
                apply(call)
            except (Malformed, Unserved) as error:
                self.say(f"ghost of {copy.name}: {error}")
            entry["ghost"] = call.told

        self.later(ms / 1000, appear)
