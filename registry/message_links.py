"""The link of a message: whoever follows it was sent it, and may do the one thing it is for, while there is something to do.

- It proves itself by a keyed digest of the message's id, which stands nowhere but in the message; it is good for ``GOOD_FOR``.
- What was declared through it is declared under the message's own id, so it is recorded once, whatever is sent twice.
- Opening it changes nothing: mail is opened by machines before people.

Example: ``follow(connection, message_id, proof, vault=vault, now=now).notice.premises_id``
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row

from registry.messages import message, notice_of
from registry.vault import Vault
from residence.errors import Refused

GOOD_FOR: Final = timedelta(days=14)


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """What a link is about. One of ``notice``, ``contact_id`` (to be confirmed), ``recovery_id`` and ``way_in_id`` (may be stopped) is set."""

    message_id: str
    to_house: bool
    commune_code: str
    contact_id: str | None = None
    recovery_id: str | None = None
    way_in_id: str | None = None
    notice: Row[Any] | None = None


def follow(connection: Connection, message_id: str, proof: str, *, vault: Vault, now: datetime) -> Linked:
    """Return what a link is about, or raise ``Refused("contact.link_unknown")``."""
    row = message(connection, message_id) if proof.isascii() else None
    if row is None or not hmac.compare_digest(proof, vault.link_proof(message_id)) or now > row.created_at + GOOD_FOR:
        raise Refused("contact.link_unknown")
    notice = notice_of(connection, row.commune_code, row.about) if row.kind == "notice" else None
    if row.kind == "notice" and notice is None:
        raise Refused("contact.link_unknown")
    return Linked(
        message_id=message_id,
        to_house=row.recipient == "premises",
        commune_code=row.commune_code,
        contact_id=row.subject_id if row.kind == "confirm" else None,
        recovery_id=row.about if row.kind == "recovery" else None,
        way_in_id=row.about if row.kind == "way-in" else None,
        notice=notice,
    )
