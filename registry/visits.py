"""Visits recorded on officers' phones: the keys they are sealed to, the browsers that sign them, and their rows.

- The authority's key is one a month, derived in the vault; a phone is given the public half with its list and can seal, not open.
- A browser is enrolled by a signed-in officer; what it signs counts for that account alone.
- A visit is kept once by its own id: sent again it is answered as before. The same id with other content is a conflict.
- A phone's clock is believed where it can be true: not later than now, and not earlier than its browser was enrolled.

Example: ``keep_visit(connection, opened, sent, device=device, now=now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, Row, insert, select

from registry import tables
from registry.vault import Vault
from residence.clock import VIETNAM, parse_instant, uuid7
from residence.errors import Conflict, LuutruError, Refused
from residence.wire.visits import OpenedVisit, SentVisit, verify_visit

KEY_BYTES: Final = 32
DEVICES_AT_MOST: Final = 200  # of one account, over the years


def sealing_period(now: datetime) -> str:
    """Name the key in force: one per month in Vietnam.

    >>> sealing_period(datetime(2026, 7, 31, 18, tzinfo=VIETNAM))
    '2026-07'
    """
    return f"{now.astimezone(VIETNAM):%Y-%m}"


def sealing_key(vault: Vault, period: str) -> X25519PrivateKey:
    """Return the key of a period."""
    return X25519PrivateKey.from_private_bytes(vault.visit_key(period))


def enrol_device(
    connection: Connection, whose: tuple[str, str], public_key: bytes, *, now: datetime, random_bytes: Callable[[int], bytes]
) -> str:
    """Enrol a browser's key; returns the device's id. ``whose``: commune and account. The same key again is the same device."""
    commune_code, account_id = whose
    if len(public_key) != KEY_BYTES:
        raise Refused("visit.device_key", "/public_key")
    columns = tables.visit_devices.c
    known = connection.execute(
        select(columns.device_id, columns.public_key)
        .where(columns.commune_code == commune_code, columns.account_id == account_id)
        .order_by(columns.device_id)
        .limit(DEVICES_AT_MOST)
    ).all()
    same = next((row.device_id for row in known if bytes(row.public_key) == public_key), None)
    if same is not None:
        return str(same)
    if len(known) >= DEVICES_AT_MOST:
        raise Refused("visit.device_key", "/public_key")
    row = {
        "commune_code": commune_code,
        "device_id": str(uuid7(now, random_bytes(10))),
        "account_id": account_id,
        "public_key": public_key,
        "enrolled_at": now,
    }
    connection.execute(insert(tables.visit_devices), [row])
    return str(row["device_id"])


def device_of(connection: Connection, account_id: str, device_id: str) -> Row[Any]:
    """Return an account's own device, or raise ``Refused("visit.device_unknown")``."""
    columns = tables.visit_devices.c
    found = connection.execute(select(tables.visit_devices).where(columns.device_id == device_id).limit(1)).first()
    if found is None or found.account_id != account_id:
        raise Refused("visit.device_unknown", "/header/device_id")
    return found


def kept_visit(connection: Connection, visit_id: str, sent: SentVisit) -> bool:
    """Tell whether this visit is kept; raise ``Conflict("visit.other_content")`` when the id belongs to another."""
    columns = tables.visits.c
    known = connection.execute(select(columns.header, columns.signature).where(columns.visit_id == visit_id).limit(1)).first()
    if known is not None and (bytes(known.header), bytes(known.signature)) != (sent.header, sent.signature):
        raise Conflict("visit.other_content", "/header/visit_id")
    return known is not None


def keep_visit(connection: Connection, opened: OpenedVisit, sent: SentVisit, *, device: Row[Any], now: datetime) -> None:
    """Write one visit."""
    header, visit = opened.header, opened.visit
    kept_at = parse_instant(header.kept_at, "/header/kept_at")
    row = {
        "commune_code": device.commune_code,
        "visit_id": header.visit_id,
        "case_id": visit.case_id,
        "account_id": device.account_id,
        "device_id": device.device_id,
        "outcome": visit.outcome.value,
        "people": visit.people,
        "kept_at": min(max(kept_at, device.enrolled_at), now),
        "received_at": now,
        "header": sent.header,
        "signature": sent.signature,
        "body": opened.body,
    }
    connection.execute(insert(tables.visits), [row])


def visits_of(connection: Connection, case_id: str) -> list[tuple[Row[Any], str]]:
    """Return a case's visits, each with whether the phone's signature holds today (``held`` or ``failed``)."""
    visits, devices = tables.visits, tables.visit_devices
    same = (devices.c.device_id == visits.c.device_id) & (devices.c.commune_code == visits.c.commune_code)
    query = select(visits, devices.c.public_key).join(devices, same).where(visits.c.case_id == case_id)
    return [(row, _signature(row)) for row in connection.execute(query.order_by(visits.c.visit_id)).all()]


def _signature(row: Row[Any]) -> str:
    try:
        said = verify_visit(bytes(row.header), bytes(row.signature), bytes(row.body), public_key=bytes(row.public_key))
    except LuutruError:
        return "failed"
    return "held" if (said.case_id, said.outcome, said.people) == (row.case_id, row.outcome, row.people) else "failed"
