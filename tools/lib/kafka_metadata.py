"""Asks a broker which brokers it knows of: a METADATA request, by hand, so that no client library is needed."""
import socket
import struct

METADATA, VERSION, CORRELATION_ID = 3, 4, 7
TIMEOUT_S = 2


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def request():
    """About no topic at all, none to be created."""
    body = struct.pack(">hhi", METADATA, VERSION, CORRELATION_ID) + text("tools/kafka") + struct.pack(">i?", 0, False)
    return struct.pack(">i", len(body)) + body


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("the broker closed the connection")
        data += more
    return data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0]

    def text(self):
        length = max(self.take("h"), 0)
        self.at += length
        return self.data[self.at - length:self.at].decode()


def known_brokers(port):
    """{node: port} as the broker at this port of the loopback sees it; empty while it does not answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            connection.sendall(request())
            size = struct.unpack(">i", read_exactly(connection, 4))[0]
            reader = Reader(read_exactly(connection, size))
    except (OSError, struct.error):
        return {}
    reader.take("i"), reader.take("i")  # The correlation id, the throttle time.
    brokers = {}
    for _ in range(reader.take("i")):
        node = reader.take("i")
        reader.text()
        brokers[node] = reader.take("i")
        reader.text()
    return brokers
