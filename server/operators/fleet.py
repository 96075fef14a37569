"""The kiosks of a commune with everything that is known of each, for the operators' page and for the metrics; and sites that are dark.

- Kiosks are grouped by the signed settings they work by, so that a rollout is seen as it goes; the newest name is not known here, only who has which.
- A site is dark when every kiosk in service there is lost: a power cut or a line, which is one alarm and not one for each kiosk. Muted kiosks are
  not counted, and one that is muted and alive shows that the site is not dark.

Example: ``dark_sites(fleet_of(connection, "demo-01", now=now, patience=Patience()))``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection

from registry.chip_judgements import Doubts, doubts_by_kiosk
from registry.kiosk_counts import Withheld, withheld_of
from registry.kiosk_lost_numbers import Closing, closings_of, without_lost
from registry.kiosk_mutes import Mute, mutes_of, standing
from registry.kiosk_signs import KioskSigns, quiet_kiosks, signs_of
from registry.kiosks import KioskOnList, kiosks_of
from residence.wire.state import CONFIGURATION
from server.operators.kiosk_health import About, Health, health_of

LOOK_BACK: Final = timedelta(days=30)  # how long a doubted claim is shown
MOST_KIOSKS: Final = 5000  # of one commune


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long what may pass by itself is no alarm."""

    silent_after: timedelta = timedelta(minutes=10)
    withheld_after: timedelta = timedelta(hours=1)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One kiosk with everything that is known of it."""

    kiosk: KioskOnList
    signs: KioskSigns
    doubts: Doubts
    health: Health
    mute: Mute | None = None  # the kiosk's own, or its site's
    withheld: tuple[Withheld, ...] = ()  # numbers of its count that never came although later ones did, and nobody called lost
    lost: tuple[Closing, ...] = ()  # what somebody called lost

    @property
    def in_service(self) -> bool:
        """Tell whether it is meant to work."""
        return self.kiosk.retired_at is None

    @property
    def alarms(self) -> bool:
        """Tell whether what is wrong with it is an alarm: not out of service, not muted."""
        return self.in_service and self.mute is None

    @property
    def withholds(self) -> bool:
        """Tell whether it raises the alarm of one that withholds numbers of its count."""
        return self.alarms and bool(self.withheld)

    @property
    def deaf(self) -> bool:
        """Tell whether it raises the alarm of one that hears no card."""
        return self.alarms and self.health.deaf


def fleet_of(
    connection: Connection, commune_code: str, *, now: datetime, patience: Patience, limit: int = MOST_KIOSKS
) -> list[Seen]:
    """Return a commune's kiosks by id."""
    signs, quiet = signs_of(connection, commune_code, limit=limit), quiet_kiosks(connection, commune_code, now=now)
    doubts = doubts_by_kiosk(connection, commune_code, since=now - LOOK_BACK)
    missing = withheld_of(connection, commune_code, before=now)
    closings = closings_of(connection, commune_code, missing=missing)
    old = {name: [gap for gap in gaps if gap.since <= now - patience.withheld_after] for name, gaps in missing.items()}
    withheld = without_lost(old, closings)
    muted = standing(mutes_of(connection, commune_code, since=now), now=now)
    seen = []
    for kiosk in kiosks_of(connection, commune_code, limit=limit):
        doubted, said = doubts.get(kiosk.kiosk_id, Doubts()), signs.get(kiosk.kiosk_id, KioskSigns())
        about = About(doubts=doubted.not_shown, signs=said, quiet=kiosk.kiosk_id in quiet)
        health = health_of(kiosk, now=now, silent_after=patience.silent_after, about=about)
        mute = muted.get(("kiosk", kiosk.kiosk_id)) or muted.get(("site", kiosk.premises_id))
        seen.append(
            Seen(
                kiosk=kiosk,
                signs=said,
                doubts=doubted,
                health=health,
                mute=mute,
                withheld=withheld.get(kiosk.kiosk_id, ()),
                lost=tuple(each for each in closings if each.kiosk_id == kiosk.kiosk_id),
            )
        )
    return seen


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One release of signed settings. ``name`` is empty for kiosks that work by their image's own."""

    name: str
    kiosks: int = 0
    lost: int = 0


class Rollout(msgspec.Struct, frozen=True, kw_only=True):
    """Who works by which settings, most first; ``troubles`` says by code how many did not take what they were sent."""

    settings: tuple[Settings, ...] = ()
    troubles: dict[str, int] = {}


def rollout_of(fleet: Iterable[Seen]) -> Rollout:
    """Return how far settings have come in a fleet; kiosks that nobody sends any are not counted."""
    kiosks, lost, troubles = Counter[str](), Counter[str](), Counter[str]()
    for each in fleet:
        told = (each.kiosk.readers or {}).get(CONFIGURATION)
        if told is None or not each.in_service:
            continue
        state, _, said = told.partition(":")
        if state == "ok":
            release = said.rpartition("-")[0]  # what follows is the hash of this one kiosk's document
            kiosks[release] += 1
            lost[release] += each.health.state == "lost"
        else:
            troubles[said] += 1
    found = (Settings(name=name, kiosks=count, lost=lost[name]) for name, count in kiosks.most_common())
    return Rollout(settings=tuple(found), troubles=dict(troubles.most_common()))


def dark_sites(fleet: Iterable[Seen]) -> dict[str, int]:
    """Return the sites all of whose kiosks are lost, with how many of these are not muted; not those nobody ever heard of, which are not open yet."""
    sites: dict[str, list[Seen]] = {}
    for each in fleet:
        if each.in_service:
            sites.setdefault(each.kiosk.premises_id, []).append(each)
    return {
        site: sum(each.alarms for each in found)
        for site, found in sorted(sites.items())
        if all(each.health.state == "lost" for each in found) and any(each.kiosk.seen_at and each.alarms for each in found)
    }
