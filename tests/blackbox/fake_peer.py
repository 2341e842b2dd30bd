"""A server of varve's protocol that says what a test tells it to, so that the command line meets what is hard to bring
about with a real one."""
import socket
import threading

import varve_protocol as vp

HELLO_OK = [1, "9.8.7", b"\x11" * 16, [1 << 20, 1 << 20, 1 << 20, 1000, 1024, 1 << 20], [], 4711]


class FakePeer:
    """Answers each request with `answers[NAME](body)`: (name, body) of the answer, or None to hang up."""

    def __init__(self, answers, port=0):
        self.answers = dict({"HELLO": lambda body: ("HELLO_OK", HELLO_OK)}, **answers)
        self.asked, self.connections = [], []
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.url = f"varve://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rb")
        try:
            while header := stream.read(16):
                name, length, request_id = vp.parse_header(header)
                body = vp.unpack(stream.read(length))
                self.asked.append(name)
                answer = self.answers[name](body) if name in self.answers else \
                    ("ERROR", [15, "UNSUPPORTED", f"this server knows no {name}", None, None, None, []])
                if answer is None:
                    break
                connection.sendall(vp.frame(answer[0], request_id, answer[1]))
        except OSError:
            pass
        finally:
            self.hang_up(connection)

    @staticmethod
    def hang_up(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            self.hang_up(connection)
