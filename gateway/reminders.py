"""Reminders that only time brings: a stay about to last as long as temporary residence, a temporary residence about to end.

- What is due is pure (``residence.cases.notices``); this reads whom it may concern, in pages by id, and sends each notice once.
- Commune by commune. A stay is looked at from ``AHEAD`` before its longest length until ``LATEST`` after its start, a residence within its renewal window, each by an index
  made for it.
- A guided path whose due date passed is written down as late once, whoever looks at it or not (``registry/paths.py``).
- Nothing follows from a reminder by itself: a stay beyond its longest length explains no sighting any more (``covering.py``).

Example: ``remind(registry, rules=rules, now=now, random_bytes=random_bytes)`` returns how many notices went out
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from registry.communes import communes
from registry.database import Registry
from registry.households import ending_between
from registry.notices import Notice, send_notice
from registry.numbering import Means
from registry.paths import note_late
from registry.premises import load_places
from registry.stays import open_since
from residence.cases.notices import DueNotice, NoticeKind, addressee, ending_residences, long_stays
from residence.clock import VIETNAM
from residence.stays.rules import RuleBook

AHEAD: Final = timedelta(days=3)
LATEST: Final = timedelta(days=90)  # whoever was not reminded of a stay by then was not there to be
PAGE: Final = 500
Due = tuple[str, DueNotice]  # person id and what they or their host are told
log = structlog.get_logger("luutru.gateway")


def remind(registry: Registry, *, rules: RuleBook, now: datetime, random_bytes: Callable[[int], bytes]) -> int:
    """Send every reminder that is due and was not sent before."""
    sent = late = 0
    means = Means(vault=registry.vault, now=now, random_bytes=random_bytes)
    for commune_code in communes(registry):
        with registry.writing() as connection:
            late += note_late(connection, commune_code, means=means)
        for page in (_long_stays, _ending_residences):
            after: str | None = ""
            while after is not None:
                with registry.writing() as connection:
                    due, after = page(connection, commune_code, after, rules=rules, now=now)
                    sent += _send(connection, due, now=now, random_bytes=random_bytes)
    if sent or late:
        log.info("reminded", notices=sent, paths_late=late)
    return sent


def _long_stays(
    connection: Connection, commune_code: str, after: str, *, rules: RuleBook, now: datetime
) -> tuple[list[Due], str | None]:
    longest = timedelta(days=rules.rule_set_for(now).max_days)
    earliest, latest = now - LATEST, now - longest + AHEAD
    stays = open_since(connection, commune_code, earliest=earliest, latest=latest, after=after, limit=PAGE)
    due = [(stay.person_id, each) for stay in stays for each in long_stays((stay,), rules=rules, now=now + AHEAD)]
    return due, stays[-1].stay_id if len(stays) == PAGE else None


def _ending_residences(
    connection: Connection, commune_code: str, after: str, *, rules: RuleBook, now: datetime
) -> tuple[list[Due], str | None]:
    today = now.astimezone(VIETNAM).date()
    last = today + timedelta(days=rules.temporary_for(today).renewal_window_days)
    rows = ending_between(connection, commune_code, first=today, last=last, after=after, limit=PAGE)
    due = [(home.person_id, each) for _, home in rows for each in ending_residences((home,), rules=rules, now=now)]
    return due, rows[-1][0] if len(rows) == PAGE else None


def _send(connection: Connection, due: Sequence[Due], *, now: datetime, random_bytes: Callable[[int], bytes]) -> int:
    places = load_places(connection, [(each.premises_id, None) for _, each in due])
    sent = 0
    for person_id, each in due:
        premises = places.place(each.premises_id, None)
        if premises is None:
            continue
        notice = Notice(
            kind=each.kind,
            # one person may have several temporary residences one after the other: each end is reminded of
            about=each.about if each.kind is NoticeKind.THIRTY_DAYS else f"{each.about}:{each.due.isoformat()}",
            who=person_id,
            premises_id=each.premises_id,
            commune_code=premises.commune_code,
            addressee=addressee(each.kind, premises.kind),
            unit=each.unit,
            due=datetime.combine(each.due, datetime.min.time(), VIETNAM),
            rule=each.kind.value,
            rule_set=each.rule_set,
        )
        sent += send_notice(connection, notice, now=now, random_bytes=random_bytes) is not None
    return sent
