"""Kiosks' certificates: asked for, made by whoever holds the authority's key, renewed while the kiosk is not revoked, known when it is.

- A request waits until a gateway that holds the certificate authority has made the certificate (``gateway/certifying.py``). One waits per kiosk at most.
- Renewing is for a kiosk in service: from half of the certificate's life on, and up to ``AFTER_END`` past its end, so that a house that was closed
  for a season comes back. Before half life the certificate there is is given again, so asking in a loop makes nothing.
- The key in a request must be that of the kiosk's newest certificate: what was signed long ago brings no old key back.
- Every serial number still in force is put on the revocation list when its kiosk is revoked.

Example: ``renew(connection, renewal.request, kiosk_id="kiosk-lobby-1", now=now)``
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from registry import tables
from registry.kiosks import retire_kiosk
from residence.errors import Refused
from residence.wire.certificates import tls_key_of

AFTER_END: Final = timedelta(days=180)
AT_ONCE: Final = 100
_CERTIFICATES: Final = tables.kiosk_certificates
_COLUMNS: Final = _CERTIFICATES.c


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate to be made."""

    commune_code: str
    request_id: str
    kiosk_id: str
    request: bytes


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that was made, and that of who made it, both PEM."""

    kiosk_id: str
    certificate: str
    authority: str
    serial: str
    issued_at: datetime
    ends_at: datetime


def ask_certificate(connection: Connection, request: bytes, *, kiosk_id: str, commune_code: str, now: datetime) -> None:
    """Put a request in the line; what waited of this kiosk before gives way."""
    here = (_COLUMNS.kiosk_id == kiosk_id, _COLUMNS.commune_code == commune_code)
    request_id = request_id_of(request, kiosk_id)
    if connection.scalar(select(_COLUMNS.request_id).where(*here, _COLUMNS.request_id == request_id)) is not None:
        return
    connection.execute(delete(_CERTIFICATES).where(*here, _COLUMNS.waiting_since.is_not(None)))
    row = {
        "commune_code": commune_code,
        "request_id": request_id,
        "kiosk_id": kiosk_id,
        "request": request,
        "tls_key": hashlib.sha256(tls_key_of(request)).digest(),
        "waiting_since": now,
    }
    connection.execute(insert(_CERTIFICATES), [row])


def request_id_of(request: bytes, kiosk_id: str) -> str:
    """Return the name of a kiosk's request; two kiosks that ask with the same bytes are two."""
    return hashlib.sha256(f"{kiosk_id}\x00".encode() + request).hexdigest()


def waiting(connection: Connection) -> list[Waiting]:
    """Return certificates to be made, those that wait longest first; of kiosks in service only."""
    kiosks = tables.kiosks.c
    names = (_COLUMNS.commune_code, _COLUMNS.request_id, _COLUMNS.kiosk_id, _COLUMNS.request)
    query = select(*names).where(_COLUMNS.waiting_since.is_not(None)).order_by(_COLUMNS.waiting_since).limit(AT_ONCE)
    found = [Waiting(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name
    if not found:
        return []
    ids = [each.kiosk_id for each in found]
    serving = set(connection.scalars(select(kiosks.kiosk_id).where(kiosks.kiosk_id.in_(ids), kiosks.retired_at.is_(None))))
    return [each for each in found if each.kiosk_id in serving]


def keep_certificate(connection: Connection, request: Waiting, issued: Issued) -> bool:
    """Write a certificate down; False when another gateway was first, or the kiosk was revoked meanwhile."""
    kiosks = tables.kiosks.c
    this_kiosk = (kiosks.kiosk_id == request.kiosk_id, kiosks.commune_code == request.commune_code)
    serving = select(kiosks.kiosk_id).where(*this_kiosk, kiosks.retired_at.is_(None)).with_for_update()
    if (
        connection.scalar(serving) is None
    ):  # held until we are done: a revocation lists what was made before it, and nothing is made after
        return False
    this = (_COLUMNS.request_id == request.request_id, _COLUMNS.commune_code == request.commune_code)
    values = msgspec.structs.asdict(issued) | {"waiting_since": None}
    done = connection.execute(update(_CERTIFICATES).where(*this, _COLUMNS.waiting_since.is_not(None)).values(**values))
    return done.rowcount > 0


def newest(connection: Connection, kiosk_id: str) -> Issued | None:
    """Return a kiosk's newest certificate."""
    query = select(_CERTIFICATES).where(_COLUMNS.kiosk_id == kiosk_id, _COLUMNS.issued_at.is_not(None))
    row = connection.execute(query.order_by(_COLUMNS.issued_at.desc()).limit(1)).first()
    return None if row is None else _issued(row)


def renew(connection: Connection, request: bytes, *, kiosk_id: str, now: datetime) -> Issued | None:
    """Return the certificate this kiosk is to use, or None while one is being made. ``Refused("claim.certificate_over" | "claim.other_key")``."""
    columns = tables.kiosks.c
    kiosk = connection.execute(select(columns.commune_code, columns.retired_at).where(columns.kiosk_id == kiosk_id)).first()
    last = newest(connection, kiosk_id)
    if kiosk is None or kiosk.retired_at is not None or last is None or now >= last.ends_at + AFTER_END:
        raise Refused("claim.certificate_over")
    digest = hashlib.sha256(tls_key_of(request)).digest()
    same = select(_COLUMNS.tls_key).where(_COLUMNS.kiosk_id == kiosk_id, _COLUMNS.serial == last.serial)
    if connection.scalar(same) != digest:
        raise Refused("claim.other_key")
    if now < last.issued_at + (last.ends_at - last.issued_at) / 2:
        return last
    ask_certificate(connection, request, kiosk_id=kiosk_id, commune_code=kiosk.commune_code, now=now)
    return None


def serials_in_force(connection: Connection, kiosk_id: str, *, now: datetime) -> list[int]:
    """Return the serial numbers of a kiosk's certificates that have not ended."""
    query = select(_COLUMNS.serial).where(_COLUMNS.kiosk_id == kiosk_id, _COLUMNS.ends_at > now).order_by(_COLUMNS.issued_at)
    return [int(each, 16) for each in connection.scalars(query)]


def keep_wiped(connection: Connection, kiosk_id: str, statement: bytes, *, commune_code: str, now: datetime) -> None:
    """Keep a kiosk's last word, and take it out of service with its keys; the first word stands."""
    wipes = tables.kiosk_wipes
    here = (wipes.c.commune_code == commune_code, wipes.c.kiosk_id == kiosk_id)
    if connection.scalar(select(wipes.c.kiosk_id).where(*here)) is None:
        row = {"commune_code": commune_code, "kiosk_id": kiosk_id, "statement": statement, "heard_at": now}
        connection.execute(insert(wipes), [row])
    retire_kiosk(connection, kiosk_id, now=now)


def wiped_at(connection: Connection, commune_code: str) -> dict[str, datetime]:
    """Return kiosk -> when it said that it was wiped."""
    columns = tables.kiosk_wipes.c
    query = select(columns.kiosk_id, columns.heard_at).where(columns.commune_code == commune_code)
    return {row.kiosk_id: row.heard_at for row in connection.execute(query)}


def _issued(row: Row[Any]) -> Issued:
    return Issued(**{name: getattr(row, name) for name in Issued.__struct_fields__})
