"""The played KBTT on a port of this machine: real HTTP in front of ``kbtt_office.py``, and a small control desk beside it.

- Loopback only. It keeps its list in memory and forgets it when it ends.
- ``GET /sandbox`` tells what it holds (to count back), ``PUT /sandbox/behaviour`` switches how it behaves, ``PUT /sandbox/clock`` sets its
  time; none of these is part of the ministry's API.
- Silence is played by answering nothing until the client leaves, or for ``LONGEST_SILENCE``.

Example: ``with playing(office) as address: httpx.get(f"{address}/sandbox")``
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from luutru.sandbox.kbtt_behaviour import Behaviour
from luutru.sandbox.kbtt_office import Answer, Office, Request, error, success
from residence.clock import parse_instant, rfc3339
from residence.errors import Malformed

LONGEST_SILENCE: Final = 120.0
LARGEST_BODY: Final = 1 << 20


class KbttServer(ThreadingHTTPServer):
    """A thread per connection; ``stopping`` ends a silence."""

    daemon_threads = True

    def __init__(self, office: Office, *, port: int = 0) -> None:
        self.office: Final = office
        self.stopping: Final = threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: KbttServer
    timeout = LONGEST_SILENCE

    def handle_any(self) -> None:
        """Answer one request, or leave it as the fault says."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, LARGEST_BODY))
        target = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=target.path,
            query=target.query,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
        )
        office = self.server.office
        self.server.stopping.wait(office.behaviour.slow_seconds)
        answer = _control(office, request) if target.path.startswith("/sandbox") else office.answer(request)
        if answer.fate == "silence":
            self._wait_for_the_client()
        if answer.fate != "sent":
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the library's names

    def _wait_for_the_client(self) -> None:
        """Return when the client has gone away, or this server stops."""
        self.connection.settimeout(0.05)
        waited = 0.0
        while waited < LONGEST_SILENCE and not self.server.stopping.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                waited += 0.05
            except OSError:
                return

    def _send(self, answer: Answer) -> None:
        headers = {"Content-Type": "application/json;charset=UTF-8", **answer.headers, "Content-Length": str(len(answer.body))}
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: tokens travel in query strings."""


def _control(office: Office, request: Request) -> Answer:
    match request.method, request.path:
        case "GET", "/sandbox":
            return Answer(body=msgspec.json.encode(state_of(office)))
        case "PUT", "/sandbox/behaviour":
            try:
                office.behaviour = msgspec.json.decode(request.body, type=Behaviour)
            except msgspec.DecodeError as fault:
                return error(400, str(fault))
            return success()
        case "PUT", "/sandbox/clock":
            try:
                office.ahead += parse_instant(request.body.decode("ascii", "replace").strip()) - office.now()
            except Malformed as fault:
                return error(400, str(fault))
            return success()
        case _:
            return error(404, "no such part of the sandbox")


def state_of(office: Office) -> dict[str, Any]:
    """Return what it holds, to be counted back. Its guests are invented."""
    held = [
        {
            "number": each.number,
            "facility": each.facility_id,
            "foreign": each.foreign,
            "document": each.document[1],
            "name": each.name,
            "arrival": rfc3339(each.arrival),
            "departure": rfc3339(each.departure),
            "ended": each.ended,
        }
        for each in office.ledger.held
    ]
    return {"now": rfc3339(office.now()), "held": held, "changes": office.ledger.changes, "requests": dict(office.requests)}


@contextmanager
def playing(office: Office, *, port: int = 0) -> Iterator[str]:
    """Play the office on a port while the block lasts; gives its address."""
    server = KbttServer(office, port=port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="kbtt", daemon=True)
    thread.start()
    try:
        yield server.address
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
