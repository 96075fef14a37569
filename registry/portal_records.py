"""Files of procedures on their way to the portal as rows: asked for by the person, settled by what the portal said (``registry/outgoing.py``).

- A file is sent only because its person said so, once: ``Conflict("portal.sent")``. One taken back before it was sent is not sent.
- Received by the portal it is asked about again and again, until the portal says that it is done or refused.
- Each sending is on the record of the person (purpose ``tell-authority``).

Example: ``send_to_portal(connection, file_row, by=account_id, now=now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal, get_args

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select

from registry import access_records, tables
from registry.authority_lines import is_spoken_to
from registry.locking import locked_row
from registry.vault import Cell, Vault
from residence.access.purposes import Field
from residence.cases.procedures import OPEN
from residence.errors import Conflict, Refused

PortalState = Literal["due", "sending", "silent", "received", "refused", "ended", "nothing"]
STATES: Final[tuple[PortalState, ...]] = get_args(PortalState)
PORTAL: Final = "portal"
WAITING: Final[tuple[PortalState, ...]] = ("due", "silent", "received")
FIELDS: Final = frozenset(
    {
        Field.FULL_NAME,
        Field.BIRTH_DATE,
        Field.SEX,
        Field.PERSONAL_NUMBER,
        Field.CONTACT,
        Field.PREMISES,
        Field.INTERVAL,
        Field.REASON,
    }
)
_TABLE: Final = tables.portal_records
_COLUMNS: Final = _TABLE.c


def send_to_portal(connection: Connection, file: Row[Any], *, by: str, now: datetime) -> None:
    """Let a file be sent, or raise ``Conflict("portal.sent")`` / ``Refused("portal.closed")`` for one that is over."""
    locked = locked_row(connection, tables.procedure_files, file.file_id)  # two taps in the same moment: one of them is told
    if locked is None or locked.state not in OPEN:
        raise Refused("portal.closed")
    if portal_record(connection, file.file_id) is not None:
        raise Conflict("portal.sent")
    row = {
        "commune_code": file.commune_code,
        "file_id": file.file_id,
        "person_id": file.person_id,
        "subject_id": file.subject_id,
        "state": "due",
        "attempts": 0,
        "failures": 0,
        "next_at": now,
        "asked_by": by,
        "recorded_at": now,
        "changed_at": now,
    }
    connection.execute(insert(_TABLE), [row])


def portal_record(connection: Connection, file_id: str) -> Row[Any] | None:
    """Return how a file fares at the portal, or None when it was never sent there."""
    return connection.execute(select(_TABLE).where(_COLUMNS.file_id == file_id).limit(1)).first()


class PortalView(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says of a file at the portal. ``words``: the portal's own."""

    state: PortalState
    receipt_number: str | None
    portal_state: str | None
    said_at: datetime | None
    code: str | None
    words: str


def portal_view(connection: Connection, file_id: str, *, vault: Vault) -> PortalView | None:
    """Return how a file fares, for whoever may see the file; None when it was never sent."""
    row = portal_record(connection, file_id)
    if row is None:
        return None
    return PortalView(
        state=row.state,
        receipt_number=row.receipt_number,
        portal_state=row.portal_state,
        said_at=row.said_at,
        code=row.code,
        words=portal_words(connection, row, vault=vault),
    )


def portal_is_there(connection: Connection) -> bool:
    """Tell whether a process that sends to the portal ever ran here."""
    return is_spoken_to(connection, PORTAL)


def record_sending(connection: Connection, row: Row[Any], *, now: datetime, random_bytes: Callable[[int], bytes]) -> None:
    """Put on the record that the portal is told of this person now."""
    told = (f"authority:{PORTAL}", row.file_id, FIELDS)
    access_records.add_telling(
        connection, row.person_id, commune_code=row.commune_code, told=told, now=now, random_bytes=random_bytes
    )


def sealed_words(connection: Connection, row: Row[Any], words: str, *, vault: Vault) -> bytes | None:
    """Seal what the portal said; None when it said nothing or the person was erased."""
    key = vault.load_keys(connection, [row.subject_id]).get(row.subject_id)
    return vault.seal(key, _cell(row.file_id), words) if key and words else None


def portal_words(connection: Connection, row: Row[Any], *, vault: Vault) -> str:
    """Open what the portal said, for whoever may see the file."""
    key = vault.load_keys(connection, [row.subject_id]).get(row.subject_id)
    return (vault.open_text(key, _cell(row.file_id), row.words_sealed) if key else None) or ""


def forget_records(connection: Connection, person_ids: list[str]) -> None:
    """Delete how files of erased people fared."""
    connection.execute(delete(_TABLE).where(_COLUMNS.person_id.in_(person_ids)))


def _cell(file_id: str) -> Cell:
    return Cell("portal_records", "words", file_id)
