"""Real HTTP on loopback in front of a played property-management system: what the product's documents ask of a request is asked here.

A system takes ``Asked`` and returns ``(status, headers, body)``. ``trouble`` holds answers to give first. Every no is remembered in ``faults``
with its reason, so that a test can insist there was none.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes


class Fault(Exception):
    """What the played system refuses, with the status its documents give."""

    def __init__(self, status, why):
        self.status, self.why = status, why
        super().__init__(f"{status} {why}")


class Played:
    """One played system: counts what it is asked; ``limit`` requests, then 429 until the window is opened again."""

    def __init__(self):
        self.asked, self.faults, self.trouble, self.limit = [], [], [], None

    def respond(self, asked):
        self.asked.append((asked.method, asked.path))
        if self.trouble:
            return self.trouble.pop(0)
        if self.limit is not None:
            if self.limit == 0:
                self.limit = None  # the window is open again once it was waited for
                return 429, {"Retry-After": "7"}, {"message": "too many requests"}
            self.limit -= 1
        try:
            return self.answer(asked)
        except Fault as fault:
            self.faults.append(str(fault))
            return fault.status, {}, {"message": fault.why}


@contextmanager
def played(system):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            target = urlsplit(self.path)
            asked = Asked(
                method=self.command,
                path=target.path,
                query=parse_qs(target.query),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
            status, headers, told = system.respond(asked)
            content = b"" if status == 204 else told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = handle_any  # noqa: N815 - the library's names

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def need(condition, status, why):
    if not condition:
        raise Fault(status, why)
