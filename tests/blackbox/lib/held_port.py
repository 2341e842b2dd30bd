"""A port of loopback that stays ours while nobody listens there, for servers that come back at the same address."""
import socket


class HeldPort:
    """Bound and never listening: whoever asks the system for a free port gets another, and who connects is refused;
    a server that sets SO_REUSEADDR, as varved does, may listen there."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.number = self.socket.getsockname()[1]

    def close(self):
        self.socket.close()
