"""What kiosks last said of their parts, and which of them are quieter than they ever are at this time of the week.

- Only a living kiosk's word is kept: a will was written when the connection began.
- *Quiet*: in each of the last ``WEEKS`` weeks at least ``LEAST`` people declared with a card at this kiosk in the same hours of the same
  weekday, and in these hours nobody. So a kiosk nobody uses at night raises nothing at night, and a new one nothing for a month.

Example: ``signs_of(connection, "demo-01")["kiosk-lobby-1"].unread``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from registry.tables_kiosk_signs import kiosk_signs
from registry.tables_oversight import kiosks
from registry.tables_stays import declarations
from residence.wire.state import KioskState

WEEKS: Final = 4
HOURS: Final = timedelta(hours=6)
LEAST: Final = 2
MOST_LISTED: Final = 1000


class KioskSigns(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one kiosk says of itself besides its outbox, clock and readers."""

    doors: dict[str, str] = {}
    disk: str = ""
    disk_free_mib: int = 0
    profile: str = ""
    read_at: str | None = None
    unread: int = 0
    boot_id: str = ""
    keyring_serial: int = 0
    trust_version: int = 0


def keep_signs(connection: Connection, state: KioskState, *, commune_code: str, now: datetime) -> None:
    """Keep what a living kiosk said, in place of what it said before."""
    signs = KioskSigns(**{name: getattr(state, name) for name in KioskSigns.__struct_fields__})
    values = {"said": msgspec.to_builtins(signs), "changed_at": now}
    columns = kiosk_signs.c
    which = (columns.kiosk_id == state.kiosk_id, columns.commune_code == commune_code)
    if connection.execute(update(kiosk_signs).where(*which).values(**values)).rowcount == 0:
        connection.execute(insert(kiosk_signs), [values | {"kiosk_id": state.kiosk_id, "commune_code": commune_code}])


def signs_of(connection: Connection, commune_code: str, *, limit: int = MOST_LISTED) -> dict[str, KioskSigns]:
    """Return what a commune's kiosks said last."""
    columns = kiosk_signs.c
    query = select(columns.kiosk_id, columns.said).where(columns.commune_code == commune_code)
    rows = connection.execute(query.order_by(columns.kiosk_id).limit(limit))
    return {row.kiosk_id: msgspec.convert(row.said, KioskSigns) for row in rows}


def quiet_kiosks(connection: Connection, commune_code: str, *, now: datetime) -> frozenset[str]:
    """Return the kiosks at which nobody declared with a card in hours in which people always do."""
    columns = kiosks.c
    query = select(columns.premises_id).where(columns.commune_code == commune_code, columns.retired_at.is_(None)).distinct()
    places = sorted(connection.scalars(query.limit(MOST_LISTED)))
    before = list(_windows(now))[1:]
    usual = _used(connection, places, *before[0])
    for window in before[1:]:
        if usual:
            usual = usual & _used(connection, places, *window)
    return usual - _used(connection, places, now - HOURS, now, least=1) if usual else frozenset()


def _windows(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    for week in range(WEEKS + 1):
        end = now - timedelta(weeks=week)
        yield end - HOURS, end


def _used(connection: Connection, places: list[str], since: datetime, until: datetime, *, least: int = LEAST) -> frozenset[str]:
    """Return at which kiosks of these premises cards were read in some hours."""
    columns = declarations.c
    asked = (columns.premises_id.in_(places), columns.recorded_at >= since, columns.recorded_at <= until)
    found = Counter(
        connection.scalars(select(columns.kiosk_id).where(*asked, columns.kiosk_id.is_not(None), columns.evidence_level > 0))
    )
    return frozenset(kiosk_id for kiosk_id, times in found.items() if kiosk_id and times >= least)
