"""A receiver of webhooks on a free port of this machine: what came, and what it answers."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace


class Receiver:
    """What arrived; ``answers`` are given one after the other, then 204. An answer is a status, or a status and headers."""

    def __init__(self) -> None:
        self.taken: list[SimpleNamespace] = []
        self.answers: list[int | tuple[int, dict[str, str]]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def clear(self) -> None:
        self.taken.clear()
        self.answers.clear()


@contextmanager
def receiving(*, tls=None):
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.taken.append(SimpleNamespace(path=self.path, headers=dict(self.headers.items()), body=body))
            answer = receiver.answers.pop(0) if receiver.answers else 204
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # a handshake that was refused is what a test asks for
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
