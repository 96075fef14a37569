"""The played portal: takes a file only if it is letter for letter as agreed, keeps it once, and misbehaves on demand.

- Every body in and out is held to the JSON Schemas of ``docs/portal``; a header that is missing, an unknown address, a wrong token are turned away.
- A file is kept under its id: the same bytes give the same receipt, other bytes are refused (409).
- ``next_faults`` is what happens to the next requests: kept and not answered, not kept and not answered, an answer that is nonsense.

Example: ``with playing(Office()) as (office, address): ...``
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator, FormatChecker

TOKEN = "portal-token-of-a-test"
Fault = Literal["keep, no answer", "no answer", "nonsense", "another's receipt", "503", "slow down"]
SCHEMAS = Path(__file__).parents[3] / "docs" / "portal"


def check(name: str, body: Any) -> list[str]:
    """Return what is wrong with a body by one of the schemas."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return [error.json_path for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(body)]


class Office:
    """What the portal knows. ``kept``: file id -> digest, number and state; ``puts``: how often each was kept anew."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.bodies: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.next_faults: list[Fault] = []
        self.refuse: str | None = None
        self.lock = threading.Lock()

    def put(self, file_id: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Take a file, or say what is wrong with it."""
        try:
            said = json.loads(body)
        except ValueError:
            return 422, refusal(file_id, "not-json")
        wrong = check("submission", said)
        if wrong or said["file_id"] != file_id:
            return 422, refusal(file_id, "shape", ", ".join(wrong) or "$.file_id")
        if self.refuse:
            return 422, refusal(file_id, self.refuse, "$.fields", "the form does not fit this commune")
        digest = hashlib.sha256(body).hexdigest()
        known = self.kept.get(file_id)
        if known is not None and known["digest"] != digest:
            return 409, refusal(file_id, "other-content")
        if known is None:
            number = f"H29.{len(self.kept) + 1:06d}"
            self.kept[file_id] = {
                "digest": digest,
                "receipt_number": number,
                "state": "received",
                "at": "2026-07-10T08:00:00+07:00",
            }
            self.bodies[file_id] = body
            self.puts.append(file_id)
        return 200 if known else 201, self.receipt(file_id)

    def receipt(self, file_id: str) -> dict[str, Any]:
        """Return a kept file's receipt."""
        known = self.kept[file_id]
        head = {"format": "luutru-portal-receipt/1", "file_id": file_id, "received_at": "2026-07-10T08:00:00+07:00"}
        return head | {"receipt_number": known["receipt_number"], "digest": known["digest"]}

    def status(self, file_id: str) -> tuple[int, dict[str, Any]]:
        """Say how far a file is."""
        if file_id not in self.kept:
            return 404, {}
        return 200, {"format": "luutru-portal-status/1", "file_id": file_id} | self.kept[file_id]


def refusal(file_id: str, code: str, pointer: str = "", message: str = "") -> dict[str, Any]:
    """Return a refusal."""
    return {"format": "luutru-portal-refusal/1", "file_id": file_id, "code": code, "pointer": pointer, "message": message}


def handler_of(office: Office) -> type[BaseHTTPRequestHandler]:
    """Return what answers for an office."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            if self.headers.get("content-type") != "application/json":
                self.say(415, {})
                return
            self.do(lambda file_id: office.put(file_id, body))

        def do_GET(self) -> None:
            self.do(office.status)

        def do(self, work: Any) -> None:
            file_id = self.path.removeprefix("/files/")
            if self.headers.get("authorization") != f"Bearer {TOKEN}":
                self.say(401, {})
            elif self.path == file_id or "/" in file_id or "?" in file_id:
                self.say(404, {})
            else:
                with office.lock:
                    self.fare(work, file_id)

        def fare(self, work: Any, file_id: str) -> None:
            office.asked.append((self.command, file_id))
            fault = office.next_faults.pop(0) if office.next_faults else None
            if fault in {"no answer", "503", "slow down"}:
                self.drop() if fault == "no answer" else self.say(503 if fault == "503" else 429, {}, wait=fault == "slow down")
                return
            status, said = work(file_id)
            if fault == "keep, no answer":
                self.drop()
            elif fault == "nonsense":
                self.say(status, {"ok": True})
            elif fault == "another's receipt":
                self.say(status, said | {"file_id": "somebody-elses"})
            else:
                name = {200: "receipt" if self.command == "PUT" else "status", 201: "receipt"}.get(status, "refusal")
                assert not said or check(name, said) == []
                self.say(status, said)

        def drop(self) -> None:
            self.close_connection = True
            self.connection.close()

        def say(self, status: int, body: dict[str, Any], *, wait: bool = False) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            if wait:
                self.send_header("retry-after", "120")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

        def finish(self) -> None:
            if not self.wfile.closed and not self.close_connection:
                super().finish()

    return Handler


@contextmanager
def playing(office: Office) -> Iterator[str]:
    """Play a portal on a free port while the block lasts; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(office))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
