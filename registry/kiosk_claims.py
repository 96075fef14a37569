"""Claims: an operator says that a machine is to become a kiosk, the machine asks once, the operator compares and approves.

- A claim is for one machine (its serial number), one kiosk id, one site, and ends by itself. The first to ask with the claim's proof fills it; others
  with other keys are refused, the same machine asking again is answered alike.
- Approving enrols the kiosk with its signing key and puts its certificate in the line of those to be made (``kiosk_certificates.py``).
- A claim may replace a kiosk of before: a machine that moves. It is approved only while the old one says that its outbox is empty, and retires it.

Example: ``make_claim(connection, NewClaim(kiosk_id="kiosk-lobby-2", ...), claim_id=claim_id, now=now)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry import tables
from registry.kiosk_certificates import ask_certificate
from registry.kiosks import Enrolment, enrol_kiosk, retire_kiosk
from residence.clock import rfc3339
from residence.errors import Conflict, Malformed, Refused
from residence.wire.claims import ClaimAsk, is_kiosk_name, signing_key_id
from residence.wire.keyring import KeyEntry

MOST_LISTED: Final = 100
_CLAIMS: Final = tables.kiosk_claims
_COLUMNS: Final = _CLAIMS.c


class NewClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says of the machine to come."""

    kiosk_id: str
    premises_id: str
    commune_code: str
    profile: str
    machine: str
    replaces: str | None
    made_by: str


class KioskClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim as it stands."""

    claim_id: str
    commune_code: str
    kiosk_id: str
    premises_id: str
    profile: str
    machine: str
    replaces: str | None
    made_at: datetime
    expires_at: datetime
    request: bytes | None
    signing_key: bytes | None
    asked_at: datetime | None
    approved_at: datetime | None
    refused_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Tell whether a machine may still ask, or an operator decide."""
        return self.approved_at is None and self.refused_at is None and now < self.expires_at

    @property
    def key_id(self) -> str:
        """Return the id its signing key gets."""
        return signing_key_id(self.kiosk_id, self.claim_id)


def make_claim(connection: Connection, new: NewClaim, *, claim_id: str, now: datetime, lifetime: timedelta) -> None:
    """Write a claim down. ``Conflict("claim.kiosk_exists")``, ``Refused("claim.premises_unknown" | "kiosk.unknown")``, ``Malformed("claim.id_unusable")``."""
    if not is_kiosk_name(new.kiosk_id):
        raise Malformed("claim.id_unusable", "/kiosk_id")
    if _known(connection, tables.kiosks.c.kiosk_id, new.kiosk_id) is not None:
        raise Conflict("claim.kiosk_exists", "/kiosk_id")
    if _known(connection, tables.premises.c.premises_id, new.premises_id) != new.commune_code:
        raise Refused("claim.premises_unknown", "/premises_id")
    if new.replaces is not None and _known(connection, tables.kiosks.c.kiosk_id, new.replaces) != new.commune_code:
        raise Refused("kiosk.unknown", "/replaces")
    row = msgspec.structs.asdict(new) | {"claim_id": claim_id, "made_at": now, "expires_at": now + lifetime}
    connection.execute(insert(_CLAIMS), [row])


def claim_by_id(connection: Connection, claim_id: str, *, commune_code: str | None = None, held: bool = True) -> KioskClaim:
    """Return a claim, of one commune when that is said, or raise ``Refused("claim.unknown")``. ``held``: nobody else changes it meanwhile."""
    here = connection.scalar(select(_COLUMNS.commune_code).where(_COLUMNS.claim_id == claim_id).limit(1))
    if here is None or commune_code not in {None, here}:
        raise Refused("claim.unknown")
    query = select(_CLAIMS).where(_COLUMNS.claim_id == claim_id, _COLUMNS.commune_code == here)
    row = connection.execute(query.with_for_update() if held else query).first()
    if row is None:
        raise Refused("claim.unknown")
    return _claim(row)


def claims_of(connection: Connection, commune_code: str, *, since: datetime) -> list[KioskClaim]:
    """Return a commune's claims, the newest first."""
    query = select(_CLAIMS).where(_COLUMNS.commune_code == commune_code, _COLUMNS.made_at > since)
    return [_claim(row) for row in connection.execute(query.order_by(_COLUMNS.made_at.desc()).limit(MOST_LISTED))]


def ask(connection: Connection, asked: ClaimAsk, *, now: datetime) -> KioskClaim:
    """Take down what a machine asks and return the claim. ``Refused("claim.over" | "claim.other_machine")``, ``Conflict("claim.taken")``."""
    claim = claim_by_id(connection, asked.claim_id)
    if claim.machine != asked.machine:
        raise Refused("claim.other_machine", "/machine")
    if claim.request is not None:
        if (claim.request, claim.signing_key) != (asked.request, asked.signing_key):
            raise Conflict("claim.taken")
        if claim.refused_at is not None or (claim.approved_at is None and now >= claim.expires_at):
            raise Refused("claim.over")
        return claim
    if not claim.is_open(now):
        raise Refused("claim.over")
    values = {"request": asked.request, "signing_key": asked.signing_key, "asked_at": now}
    connection.execute(update(_CLAIMS).where(*_this(claim)).values(**values))
    return msgspec.structs.replace(claim, **values)


def approve(connection: Connection, claim: KioskClaim, *, by: str, now: datetime) -> None:
    """Enrol the machine: its keys are those the operator compared. ``Conflict("claim.not_asked")``, ``Refused("claim.over" | "claim.outbox_not_empty")``."""
    if not claim.is_open(now):
        raise Refused("claim.over")
    if claim.request is None or claim.signing_key is None:
        raise Conflict("claim.not_asked")
    if _known(connection, tables.kiosks.c.kiosk_id, claim.kiosk_id) is not None:
        raise Conflict("claim.kiosk_exists", "/kiosk_id")
    if claim.replaces is not None:
        _retire_empty(connection, claim.replaces, now=now)
    enrolment = Enrolment(
        kiosk_id=claim.kiosk_id, premises_id=claim.premises_id, commune_code=claim.commune_code, profile=claim.profile
    )
    key = KeyEntry(
        key_id=claim.key_id,
        use="kiosk-sign",
        owner=claim.kiosk_id,
        public_key=claim.signing_key,
        valid_from=rfc3339(now - timedelta(days=1)),  # a new machine's clock may be behind ours
    )
    enrol_kiosk(connection, enrolment, keys=[key], now=now)
    ask_certificate(connection, claim.request, kiosk_id=claim.kiosk_id, commune_code=claim.commune_code, now=now)
    connection.execute(update(_CLAIMS).where(*_this(claim)).values(approved_at=now, settled_by=by))


def refuse(connection: Connection, claim: KioskClaim, *, by: str, now: datetime) -> None:
    """Close a claim for good. ``Refused("claim.over")`` when it is closed."""
    if not claim.is_open(now):
        raise Refused("claim.over")
    connection.execute(update(_CLAIMS).where(*_this(claim)).values(refused_at=now, settled_by=by))


def _retire_empty(connection: Connection, kiosk_id: str, *, now: datetime) -> None:
    columns = tables.kiosks.c
    row = connection.execute(select(columns.outbox_depth, columns.retired_at).where(columns.kiosk_id == kiosk_id)).first()
    if row is not None and row.retired_at is None and row.outbox_depth:
        raise Refused("claim.outbox_not_empty", "/replaces", f"{row.outbox_depth} wait")
    retire_kiosk(connection, kiosk_id, now=now)


def _known(connection: Connection, column: Any, identity: str) -> str | None:
    commune: str | None = connection.scalar(select(column.table.c.commune_code).where(column == identity).limit(1))
    return commune


def _this(claim: KioskClaim) -> tuple[Any, Any]:
    return _COLUMNS.claim_id == claim.claim_id, _COLUMNS.commune_code == claim.commune_code


def _claim(row: Row[Any]) -> KioskClaim:
    return KioskClaim(**{name: getattr(row, name) for name in KioskClaim.__struct_fields__})
