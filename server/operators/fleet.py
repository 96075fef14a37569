"""The kiosks of a commune with everything that is known of each, for the operators' page and for the metrics; and sites that are dark.

- A site is dark when every kiosk in service there is lost: a power cut or a line, which is one alarm and not one for each kiosk.

Example: ``dark_sites(fleet_of(connection, "demo-01", now=now, silent_after=timedelta(minutes=10)))``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection

from registry.chip_judgements import Doubts, doubts_by_kiosk
from registry.kiosk_signs import KioskSigns, quiet_kiosks, signs_of
from registry.kiosks import KioskOnList, kiosks_of
from server.operators.kiosk_health import About, Health, health_of

LOOK_BACK: Final = timedelta(days=30)  # how long a doubted claim is shown


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One kiosk with everything that is known of it."""

    kiosk: KioskOnList
    signs: KioskSigns
    doubts: Doubts
    health: Health

    @property
    def in_service(self) -> bool:
        """Tell whether it is meant to work."""
        return self.kiosk.retired_at is None


def fleet_of(
    connection: Connection, commune_code: str, *, now: datetime, silent_after: timedelta, limit: int = 1000
) -> list[Seen]:
    """Return a commune's kiosks by id."""
    signs, quiet = signs_of(connection, commune_code), quiet_kiosks(connection, commune_code, now=now)
    doubts = doubts_by_kiosk(connection, commune_code, since=now - LOOK_BACK)
    seen = []
    for kiosk in kiosks_of(connection, commune_code, limit=limit):
        doubted, said = doubts.get(kiosk.kiosk_id, Doubts()), signs.get(kiosk.kiosk_id, KioskSigns())
        about = About(doubts=doubted.not_shown, signs=said, quiet=kiosk.kiosk_id in quiet)
        health = health_of(kiosk, now=now, silent_after=silent_after, about=about)
        seen.append(Seen(kiosk=kiosk, signs=said, doubts=doubted, health=health))
    return seen


def dark_sites(fleet: Iterable[Seen]) -> dict[str, int]:
    """Return the sites all of whose kiosks are lost, with how many those are; not those nobody ever heard of, which are not open yet."""
    sites: dict[str, list[Seen]] = {}
    for each in fleet:
        if each.in_service:
            sites.setdefault(each.kiosk.premises_id, []).append(each)
    return {
        site: len(found)
        for site, found in sorted(sites.items())
        if all(each.health.state == "lost" for each in found) and any(each.kiosk.seen_at for each in found)
    }
