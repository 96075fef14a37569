"""Files of procedures on their way to the portal: sent once, asked about first where anybody may have sent them, then asked how far they are.

- What is sent is put on the person's record in the transaction that claims it.
- Killed anywhere, the portal is asked: it knows the file (then that is the receipt), or it does not (then it is sent). The same bytes under the same
  id: nothing is lost, nothing is there twice.
- A refusal is an answer and is shown to the person; it is not sent again. A file its person took back before it was sent is not sent.

Example: ``Outgoing(registry, PortalTraffic(registry.vault, Portal(line), ...), ...).step()``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row

from gateway.authorities.portal import Portal
from gateway.authorities.token_line import Said
from registry import tables
from registry.portal_records import PORTAL, WAITING, record_sending, sealed_words
from registry.procedure_documents import as_filed
from registry.procedures import file_of
from registry.vault import Vault
from residence.cases.portal import ENDED, PortalStatus
from residence.cases.procedures import OPEN
from residence.clock import parse_instant


class PortalTraffic:
    """What goes to the portal. ``ask_every``: how often a file that is there is asked about."""

    authority: Final = PORTAL
    table: Final = tables.portal_records
    waiting: Final[tuple[str, ...]] = WAITING

    def __init__(self, vault: Vault, portal: Portal, *, ask_every: timedelta, random_bytes: Callable[[int], bytes]) -> None:
        self._vault, self._portal, self._ask_every, self._random_bytes = vault, portal, ask_every, random_bytes

    def prepare(self, connection: Connection, row: Row[Any], *, now: datetime) -> bytes | None:
        """Return the file as it was filed."""
        file = file_of(connection, row.file_id)
        if file is None or (row.attempts == 0 and file.state not in OPEN):
            return None
        body = as_filed(connection, file, vault=self._vault)
        if body is not None and row.receipt_number is None:
            record_sending(connection, row, now=now, random_bytes=self._random_bytes)
        return body

    def tell(self, row: Row[Any], body: bytes) -> Said:
        """Ask first where somebody may have sent it; send it where the portal does not know it."""
        if row.attempts:
            said = self._portal.ask(row.file_id, body)
            if said.fate != "unknown":
                return said
            if row.receipt_number is not None:
                return Said("silent", code="portal.lost")
        return self._portal.put(row.file_id, body)

    def settled(self, connection: Connection, row: Row[Any], said: Said, *, now: datetime) -> dict[str, Any]:
        """Return what the portal said, as columns."""
        values: dict[str, Any] = {"state": "refused"}
        if said.fate == "received":
            values = {"state": "received", "receipt_number": said.answer.receipt_number, "next_at": now + self._ask_every}
            values["portal_state"] = row.portal_state or "received"
            if isinstance(said.answer, PortalStatus):
                values |= {"portal_state": said.answer.state, "said_at": parse_instant(said.answer.at)}
                values["state"] = "ended" if said.answer.state in ENDED else "received"
        if said.words:
            values["words_sealed"] = sealed_words(connection, row, said.words, vault=self._vault)
        return values
