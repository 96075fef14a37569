"""The played database: answers a question that is letter for letter as agreed with what was asked for, notes every question, misbehaves on demand.

- A question is held to ``docs/population/question.schema.json``; so are its answers, unless it is told to misbehave.
- It notes who was asked about, for what, and which fields: a test can see that nothing more was asked.

Example: ``with playing(Office({"001095000117": {...}})) as address: ...``
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator, FormatChecker

TOKEN = "population-token-of-a-test"
Fault = Literal["no answer", "nonsense", "more than was asked", "another's answer", "403", "a date that is none"]
SCHEMAS = Path(__file__).parents[3] / "docs" / "population"


def check(name: str, body: Any) -> list[str]:
    """Return what is wrong with a body by one of the schemas."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return [error.json_path for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(body)]


class Office:
    """Who is in it: number -> fields. ``heard``: the questions, as they came."""

    def __init__(self, people: dict[str, dict[str, str]]) -> None:
        self.people = people
        self.heard: list[dict[str, Any]] = []
        self.next_faults: list[Fault] = []

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one question as agreed."""
        person = self.people.get(asked["personal_number"])
        head = {"format": "luutru-population-answer/1", "question_id": asked["question_id"], "found": person is not None}
        return head if person is None else head | {"values": {name: person[name] for name in asked["wanted"] if name in person}}


@contextmanager
def playing(office: Office) -> Iterator[str]:
    """Play a database on a free port while the block lasts; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            if self.path != "/questions" or self.headers.get("authorization") != f"Bearer {TOKEN}":
                self.say(401 if self.path == "/questions" else 404, {})
                return
            asked = json.loads(body)
            if check("question", asked):
                self.say(400, {})
                return
            office.heard.append(asked)
            self.fare(asked, office.next_faults.pop(0) if office.next_faults else None)

        def fare(self, asked: dict[str, Any], fault: Fault | None) -> None:
            answer = office.answer(asked)
            match fault:
                case "no answer":
                    self.close_connection = True
                    self.connection.close()
                case "nonsense":
                    self.say(200, {"ok": True})
                case "more than was asked":
                    self.say(200, answer | {"values": office.people[asked["personal_number"]]})
                case "another's answer":
                    self.say(200, answer | {"question_id": "somebody-elses"})
                case "a date that is none":
                    self.say(200, answer | {"values": {"birth_date": "1995-02-30"}})
                case "403":
                    self.say(403, {})
                case None:
                    assert check("answer", answer) == []
                    self.say(200, answer)

        def say(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

        def finish(self) -> None:
            if not self.close_connection:
                super().finish()

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
