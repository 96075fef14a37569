"""One step at a time: a file that is due goes to the portal, one in doubt is asked about first, one that is there is asked how far it is.

- Claimed and committed before the first byte leaves; what is sent is put on the person's record in the same transaction.
- Killed anywhere, the claim runs out, and the portal is asked: it knows the file (then that is the receipt), or it does not (then it is sent). The same
  bytes under the same id: nothing is lost, nothing is there twice.
- A refusal is an answer and is shown to the person; it is not sent again. A file its person took back before it was sent is not sent.

Example: ``PortalSender(registry, portal, settings=settings, means=means).step()`` is False when nothing is due
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Row

from gateway.authorities.lines import Line, pause_after
from gateway.authorities.portal import Portal, Said
from gateway.authorities.sending import Means
from gateway.authorities.settings import PortalAddress
from registry.authority_lines import LineState, write_line
from registry.database import Registry
from registry.portal_records import PORTAL, claim, record_sending, sealed_words, settle, take_next
from registry.procedure_documents import as_filed
from registry.procedures import file_of
from residence.cases.portal import ENDED
from residence.cases.procedures import OPEN
from residence.clock import parse_instant

log = structlog.get_logger("luutru.authority")


class PortalSender:
    """One process's sending to the portal; several may work on one registry."""

    def __init__(self, registry: Registry, portal: Portal, *, settings: PortalAddress, means: Means) -> None:
        self._registry, self._portal, self._settings, self._means = registry, portal, settings, means
        self._line: Line = Line()
        self._ask_every: Final = timedelta(minutes=settings.ask_minutes)
        self._write_line(means.clock.now())  # from now on pages offer the portal

    def step(self) -> bool:
        """Do one thing that is due; False when nothing is."""
        now = self._means.clock.now()
        if self._line.is_shut(now):
            return False
        with self._registry.writing() as connection:
            row = take_next(connection, now=now)
            claimed = self._claimed(connection, row, now) if row is not None else None
        if row is not None and claimed is not None:
            body, attempt = claimed
            self._settle(row, attempt, self._tell(row, body))
        return row is not None

    def _claimed(self, connection: Connection, row: Row[Any], now: datetime) -> tuple[bytes, int] | None:
        file = file_of(connection, row.file_id)
        body = as_filed(connection, file, vault=self._registry.vault) if file is not None else None
        if file is None or body is None or (row.attempts == 0 and file.state not in OPEN):
            settle(connection, row, attempt=None, now=now, state="nothing")
            return None
        if row.state != "received":
            record_sending(connection, row, now=now, random_bytes=self._means.random_bytes)
        return body, claim(connection, row, now=now, until=now + self._means.lease)

    def _tell(self, row: Row[Any], body: bytes) -> Said:
        """Ask first where somebody may have sent it; send it where the portal does not know it."""
        if row.attempts:
            said = self._portal.ask(row.file_id, body)
            if said.fate != "unknown" or row.receipt_number is not None:
                return Said("silent", code="portal.lost") if said.fate == "unknown" else said
        return self._portal.put(row.file_id, body)

    def _settle(self, row: Row[Any], attempt: int, said: Said) -> None:
        now, means = self._means.clock.now(), self._means
        failed = said.fate in {"not-sent", "silent"}
        self._line = self._line.after(failed=failed, now=now, code=said.code, terms=self._settings.patience)
        failures = row.failures + 1 if failed else 0
        values: dict[str, Any] = {"failures": failures, "code": said.code}
        if failed:
            pause = pause_after(failures, terms=self._settings.patience, fraction=means.fraction())
            values |= {"state": "silent", "next_at": now + max(pause, said.wait or timedelta())}
        elif said.fate == "refused":
            values |= {"state": "refused"}
        else:
            values |= self._received(row, said, now)
        with self._registry.writing() as connection:
            if said.words:
                values["words_sealed"] = sealed_words(connection, row, said.words, vault=self._registry.vault)
            ours = settle(connection, row, attempt=attempt, now=now, **values)
        self._write_line(now)
        log.info("portal", file=row.file_id, fate=said.fate, code=said.code, ours=ours)

    def _received(self, row: Row[Any], said: Said, now: datetime) -> dict[str, Any]:
        status = said.status
        values: dict[str, Any] = {
            "state": "ended" if status is not None and status.state in ENDED else "received",
            "receipt_number": said.receipt_number,
            "next_at": now + self._ask_every,
            "portal_state": status.state if status is not None else row.portal_state or "received",
        }
        return values | ({"said_at": parse_instant(status.at)} if status is not None else {})

    def _write_line(self, now: datetime) -> None:
        line = self._line
        state = LineState(
            authority=PORTAL,
            facility="",
            state="shut" if line.is_shut(now) else "open",
            code=line.code,
            failures=line.failures,
            shut_until=line.shut_until,
            changed_at=now,
        )
        with self._registry.writing() as connection:
            write_line(connection, state)
