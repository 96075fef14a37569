"""A pass taken to a phone by its holder alone, without the desk: by the account that is bound to them, or by the receipt just given.

- Signed in, somebody takes the pass of an own stay whenever they like; a phone that held it before holds it no more.
- By a receipt's code only the first phone gets it, within ``CLAIM_LASTS`` of the pass's making, and never once a link was made: whoever finds
  the slip later finds nothing (ADR 71).
- Whatever is not so is one answer, ``Refused("door.not_claimable")``, and says nothing of why.

Example: ``claim_by_receipt(connection, receipt, phone=phone, now=now)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, and_, select, update

from registry import tables
from residence.errors import Refused
from residence.wire.messages import Receipt

CLAIM_LASTS: Final = timedelta(hours=2)
_PASSES: Final = tables.door_passes


def stays_with_pass(connection: Connection, person_id: str) -> set[str]:
    """Return which stays of a person have a live pass."""
    mine = and_(_PASSES.c.person_id == person_id, _PASSES.c.revoked_at.is_(None))
    return set(connection.scalars(select(_PASSES.c.stay_id).where(mine)))


def claim_own(connection: Connection, person_id: str, stay_id: str, *, phone: str) -> None:
    """Give the pass of a person's own stay to a phone."""
    _give(connection, and_(_PASSES.c.person_id == person_id, _PASSES.c.stay_id == stay_id), phone)


def claimable(connection: Connection, receipt: Receipt, *, now: datetime) -> bool:
    """Tell whether this receipt still takes a pass to a phone."""
    return connection.execute(select(_PASSES.c.pass_id).where(_first_phone(receipt, now)).limit(1)).first() is not None


def claim_by_receipt(connection: Connection, receipt: Receipt, *, phone: str, now: datetime) -> None:
    """Give the pass of the stay that this receipt is about to the first phone that asks."""
    _give(connection, _first_phone(receipt, now), phone)


def _first_phone(receipt: Receipt, now: datetime) -> Any:
    stays = tables.stays.c
    theirs = select(stays.stay_id).where(
        stays.premises_id == (receipt.premises_id or ""), stays.status == "open", stays.declaration_id == receipt.declaration_id
    )
    return and_(
        _PASSES.c.stay_id.in_(theirs),
        _PASSES.c.revoked_at.is_(None),
        _PASSES.c.phone_hash.is_(None),
        _PASSES.c.link_hash.is_(None),
        _PASSES.c.issued_at > now - CLAIM_LASTS,
    )


def _give(connection: Connection, which: Any, phone: str) -> None:
    values = {"phone_hash": sha256(phone.encode()).digest(), "link_hash": None, "link_ends_at": None}
    given = connection.execute(update(_PASSES).where(which, _PASSES.c.revoked_at.is_(None)).values(**values))
    if given.rowcount != 1:
        raise Refused("door.not_claimable")
