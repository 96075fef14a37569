"""A witness as a process: it remembers one checkpoint of each log it was told of, and cosigns what continues that.

- Its folder holds its key and what it has seen; two processes on one folder would be two witnesses, so the second is refused.
- Remembered and on the disk before the answer; a checkpoint that convicts a log is kept under ``evidence``.
- ``GET /checkpoint/<key id of the log>`` gives what it last cosigned: another view for whoever monitors the log.
- It knows nothing of what the entries say, and needs nothing of ours but the log's public key.

Example: ``WitnessService(Path("witness"), logs=[key], clock=clock, signer=signer).serve("127.0.0.1", 8311)``
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Sequence
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from registry.durable_files import replace_whole
from residence.clock import Clock
from residence.errors import Conflict, Malformed
from residence.transparency.checkpoints import Checkpoint, claimed, open_checkpoint
from residence.transparency.notes import Key, Signer
from residence.transparency.witnessing import Refusal, Request, decide, read_request

LARGEST: Final = 65_536
_PREFIX: Final = "/checkpoint/"


class WitnessService:
    """Decides, remembers and signs; one at a time."""

    def __init__(self, folder: Path, *, logs: Sequence[Key], clock: Clock, signer: Signer) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._logs: Final = {each.name: each for each in logs}
        self._clock = clock
        self._signer = signer
        self._one: Final = threading.Lock()
        self._alone: Final = os.open(folder / ".witnessing", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._alone)
            raise Conflict("log.running") from error

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._alone)

    def known(self, log: Key) -> Checkpoint | None:
        """Return the last checkpoint cosigned."""
        note = self.last(log)
        return open_checkpoint(note, log=log).checkpoint if note else None

    def last(self, log: Key) -> str | None:
        """Return the note last cosigned."""
        path = self._folder / log.key_id.hex()
        return path.read_text("utf-8") if path.exists() else None

    def add(self, request: Request) -> str:
        """Return the cosignature's line, or raise ``Refusal``."""
        try:
            log = self._logs.get(claimed(request.note).origin)
        except Malformed:
            raise Refusal(400) from None
        if log is None:
            raise Refusal(404)
        with self._one:
            try:
                opened = decide(request, known=self.known(log), log=log)
            except Refusal as refusal:
                if refusal.evidence:
                    self._keep_evidence(log, request.note)
                raise
            line = self._signer.cosign(opened.checkpoint.text, seconds=int(self._clock.now().timestamp()))
            replace_whole(self._folder / log.key_id.hex(), f"{opened.note}{line}".encode())
            return line

    def by_key_id(self, key_id: str) -> str | None:
        """Return what was last cosigned of the log with this key."""
        return next((self.last(each) for each in self._logs.values() if each.key_id.hex() == key_id), None)

    def serve(self, host: str, port: int) -> ThreadingHTTPServer:
        """Return a server that answers for this witness once it is run."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_POST(self) -> None:
                """Take a checkpoint."""
                self._answer(*_added(service, self))

            def do_GET(self) -> None:
                """Give the last checkpoint."""
                note = service.by_key_id(self.path.removeprefix(_PREFIX)) if self.path.startswith(_PREFIX) else None
                self._answer(200, note) if note else self._answer(404, "")

            def log_message(self, *_arguments: object) -> None:
                """Say nothing: who asks is nobody's business."""

            def _answer(self, status: int, body: str) -> None:
                kind = "text/x.tlog.size" if status == 409 and body else "text/plain; charset=utf-8"  # noqa: PLR2004
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return ThreadingHTTPServer((host, port), Handler)

    def _keep_evidence(self, log: Key, note: str) -> None:
        evidence = f"{self.last(log) or ''}\n{note}".encode()
        (self._folder / "evidence").mkdir(exist_ok=True)
        replace_whole(self._folder / "evidence" / sha256(evidence).hexdigest()[:16], evidence)


def _added(service: WitnessService, handler: BaseHTTPRequestHandler) -> tuple[int, str]:
    length = handler.headers.get("Content-Length", "")
    if handler.path != "/add-checkpoint":
        return 404, ""
    if not length.isdigit() or int(length) > LARGEST:
        return 400, ""
    try:
        return 200, service.add(read_request(handler.rfile.read(int(length)).decode()))
    except (Malformed, UnicodeDecodeError):
        return 400, ""
    except Refusal as refusal:
        return refusal.status, "" if refusal.size is None else f"{refusal.size}\n"
