"""From a request's bytes to its answer's. A handler takes a Call, reads the request from call.reader, changes the
broker, and writes the answer to call.writer.

When call.forced is an error, the handler changes nothing and answers with that error wherever the answer has room for
one. A handler may return a Wait instead of an answer; NO_ANSWER is for producers that want none.
"""
from . import handlers_admin, handlers_data, handlers_group, handlers_sasl, handlers_transaction
from .names import API_NAMES, FLEXIBLE_FROM, OLDEST_SERVED, VERSIONS
from .names import API_VERSIONS as API_VERSIONS_KEY
from .wire import Malformed, Reader, Writer

HANDLERS = {**handlers_admin.HANDLERS, **handlers_data.HANDLERS, **handlers_group.HANDLERS,
            **handlers_sasl.HANDLERS, **handlers_transaction.HANDLERS}


class Unserved(Exception):
    """A request that the double does not know; Kafka closes the connection, and so do we."""


class Request:
    """A frame and the header that it begins with."""

    def __init__(self, frame):
        reader = Reader(frame)
        self.frame = frame
        self.key, self.version, self.correlation = reader.i16(), reader.i16(), reader.i32()
        self.client = reader.string() or ""
        if self.key not in HANDLERS:
            raise Unserved(f"request {self.key}")
        self.flexible = self.version >= FLEXIBLE_FROM.get(self.key, 1000)
        reader.flexible = self.flexible
        reader.tags()
        self.body_at = reader.offset
        self.name = API_NAMES[self.key]

    @property
    def served(self):
        oldest, newest = VERSIONS[self.key]
        return max(oldest, OLDEST_SERVED.get(self.key, 0)) <= self.version <= newest


class Call:
    """One application of a request to the broker. `told` is what the list of requests shows of it."""

    def __init__(self, broker, request, address, session, forced=None, last_try=True):
        self.broker, self.request, self.address, self.session = broker, request, address, session
        self.forced, self.last_try, self.told = forced, last_try, {}
        self.version = request.version
        self.reader = Reader(request.frame, request.body_at, request.flexible)
        self.writer = Writer(request.flexible)
        self.writer.i32(request.correlation)
        if request.key != API_VERSIONS_KEY:  # Its answer must be readable to who does not know its version.
            self.writer.tags()

    def error(self, decide):
        """The forced error, or what decide() says."""
        return self.forced if self.forced is not None else decide()


def apply(call):
    """What the handler returned: an answer as Writer, a Wait, or NO_ANSWER."""
    request = call.request
    if not request.served:
        if request.key != API_VERSIONS_KEY:
            raise Unserved(f"{request.name} version {request.version}")
        return handlers_admin.unsupported_version(request)
    try:
        return HANDLERS[request.key](call)
    except (UnicodeDecodeError, TypeError) as error:
        raise Malformed(f"{request.name}: {error}") from error
