"""One client's connection: frames in, answers out, one request after the other, as a broker of Kafka serves them."""
import asyncio
import collections

from .handlers import Request, Unserved
from .handlers_sasl import BEFORE_LOGIN, Session
from .wire import I32, Malformed

MAX_FRAME = 104857600  # Kafka's socket.request.max.bytes.
MAX_WAITING = 100


class Connection(asyncio.BufferedProtocol):
    def __init__(self, server):
        self.server = server
        self.size, self.frame, self.filled = bytearray(4), None, 0
        self.waiting = collections.deque()
        self.busy, self.session = False, Session()

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(self)

    def connection_lost(self, fault):
        self.server.connections.discard(self)
        self.waiting.clear()

    def get_buffer(self, hint):
        return memoryview(self.size if self.frame is None else self.frame)[self.filled:]

    def buffer_updated(self, count):
        self.filled += count
        if self.frame is None and self.filled == 4:
            self.begin_frame(I32.unpack(self.size)[0])
        elif self.frame is not None and self.filled == len(self.frame):
            frame, self.frame, self.filled = self.frame, None, 0
            self.take(frame)

    def begin_frame(self, size):
        if 8 <= size <= MAX_FRAME:
            self.frame, self.filled = bytearray(size), 0
        else:
            self.refuse(f"a frame of {size} bytes")

    def take(self, frame):
        try:
            request = Request(frame)
        except (Malformed, Unserved) as error:
            self.refuse(error)
            return
        if self.server.broker.credentials and not self.session.user and request.key not in BEFORE_LOGIN:
            self.refuse(f"{request.name} before it is known whose it is")
            return
        self.waiting.append(request)
        if len(self.waiting) >= MAX_WAITING:
            self.transport.pause_reading()
        self.next()

    def next(self):
        """Begins the next request, unless one is under way or nothing is to be done at all."""
        if self.waiting and not self.busy and not self.server.paused:
            self.busy = True
            if len(self.waiting) == MAX_WAITING:
                self.transport.resume_reading()
            self.server.begin(self, self.waiting.popleft())

    def answer(self, writer):
        """None for producers that want no answer."""
        self.busy = False
        if not self.transport.is_closing():
            if writer is not None:
                self.transport.write(writer.frame())
            if self.session.refused:
                self.transport.close()
            self.next()

    def refuse(self, error):
        self.server.say(f"closing a connection: {error}")
        self.drop()

    def drop(self):
        self.transport.abort()
