"""What has run out, kept: found, said once, cleared when it no longer holds.

- Commune by commune, rules one after the other, in pages of a transaction each: what ran out within the window; then, in each again, what stands
  from before and was not met. A lapse may stand in another commune than the paper it rests on, so nothing is cleared before all were searched.
- A lapse is written once and seen again; its notice goes out once, when it is found. Cleared, its notice is answered; found again, it stands again.
- The same moment searched twice changes nothing.

Example: ``find_lapses(registry, rules=rules, now=now, choices=LapseChoices(), random_bytes=random_bytes).found``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, select, update

from registry import lapse_candidates, lapse_houses, tables
from registry.asking import among
from registry.bulk import write_rows
from registry.cases import take_turn
from registry.communes import communes
from registry.database import Registry
from registry.lapse_candidates import Paged, Window
from registry.notices import Notice, send_notice, settle_notice
from registry.premises import load_places
from residence.cases.lapses import NOTICES, Candidate, Lapse, LapseChoices, LapseRule, judge
from residence.cases.notices import addressee
from residence.stays.rules import RuleBook

PAGE: Final = 500
Page = Callable[[Connection, Window, str], Paged]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What one search did, by rule."""

    found: dict[str, int]
    cleared: int
    notices: int


def find_lapses(
    registry: Registry, *, rules: RuleBook, now: datetime, choices: LapseChoices, random_bytes: Callable[[int], bytes]
) -> Found:
    """Search every commune, as of ``now``."""
    first, cleared = now - timedelta(days=choices.look_back_days), 0
    search = _Search(rules=rules, now=now, choices=choices, random_bytes=random_bytes)
    for commune_code in communes(registry):
        for _, page in _pages(rules):
            _walk(registry, page, Window(commune_code=commune_code, first=first, now=now), search)
    for commune_code in communes(registry):
        window = Window(commune_code=commune_code, first=first, now=now)
        for rows in _standing_before(registry, window):
            for names, page in _pages(rules):
                ids = tuple(sorted({row.row_id for row in rows if row.rule in names}))
                if ids:
                    _walk(registry, page, msgspec.structs.replace(window, ids=ids), search)
        with registry.writing() as connection:
            cleared += _clear(connection, commune_code, now)
    return Found(found=dict(search.found), cleared=cleared, notices=search.notices)


def _pages(rules: RuleBook) -> Iterator[tuple[tuple[LapseRule, ...], Page]]:
    """Return each way of asking, and the rules it may find."""
    candidates = lapse_candidates
    yield ("temporary_expired",), lambda to, window, after: candidates.residences_ended(to, window, after=after, limit=PAGE)
    yield (
        ("stay_overrun", "stay_too_long"),
        lambda to, window, after: candidates.stays_over(to, window, rules=rules, after=after, limit=PAGE),
    )
    yield ("permit_ended",), lambda to, window, after: candidates.permits_ended(to, window, after=after, limit=PAGE)
    yield ("over_capacity",), lambda to, window, after: lapse_houses.full_houses(to, window, after=after, limit=PAGE)


class _Search:
    """What one search judges with, and what it has counted."""

    def __init__(self, *, rules: RuleBook, now: datetime, choices: LapseChoices, random_bytes: Callable[[int], bytes]) -> None:
        self.rules, self.now, self.choices, self.random_bytes = rules, now, choices, random_bytes
        self.found: Counter[str] = Counter()
        self.notices = 0

    def take(self, connection: Connection, candidates: Sequence[Candidate]) -> None:
        """Judge a page and keep what is found."""
        judged = (judge(each, rules=self.rules, now=self.now, choices=self.choices) for each in candidates)
        lapses = {lapse_id(each): each for each in judged if each is not None}
        columns = tables.lapses.c
        known = among(columns.lapse_id, sorted(lapses), connection)
        there = set(connection.scalars(select(columns.lapse_id).where(known))) if lapses else set[str]()
        if there:
            again = among(columns.lapse_id, sorted(there), connection)
            connection.execute(update(tables.lapses).where(again).values(seen_at=self.now, cleared_at=None))
        fresh = {each: lapse for each, lapse in lapses.items() if each not in there}
        if fresh:
            write_rows(connection, tables.lapses, [_row(each, lapse, self.now) for each, lapse in fresh.items()], keep=())
            self.found.update(lapse.rule for lapse in fresh.values())
            self._tell(connection, fresh)

    def _tell(self, connection: Connection, lapses: dict[str, Lapse]) -> None:
        places = load_places(connection, [(each.premises_id, None) for each in lapses.values()])
        for about, lapse in lapses.items():
            kind, place = NOTICES.get(lapse.rule), places.place(lapse.premises_id, None)
            if kind is None or place is None or lapse.person_id is None:
                continue
            notice = Notice(
                kind=kind,
                about=about,
                who=lapse.person_id,
                premises_id=lapse.premises_id,
                commune_code=lapse.commune_code,
                addressee=addressee(kind, place.kind),
                unit=lapse.unit,
                rule=lapse.rule,
                rule_set=lapse.rule_set,
                article=lapse.article,
            )
            self.notices += send_notice(connection, notice, now=self.now, random_bytes=self.random_bytes) is not None


def lapse_id(lapse: Lapse) -> str:
    """Return the id a lapse always has; a full house has one, whatever the day, and a permitted stay one at each place its person moves to."""
    day = "" if lapse.rule == "over_capacity" else lapse.since.isoformat()
    if lapse.rule == "permit_ended":
        day += f"\x00{lapse.premises_id}"
    return sha256(f"{lapse.rule}\x00{lapse.row_id}\x00{day}".encode()).hexdigest()[:32]


def standing_lapses(connection: Connection, commune_code: str, *, limit: int = PAGE) -> list[Row[Any]]:
    """Return a commune's lapses that stand, by rule, the longest first."""
    columns = tables.lapses.c
    query = select(tables.lapses).where(columns.commune_code == commune_code, columns.cleared_at.is_(None))
    return list(connection.execute(query.order_by(columns.rule, columns.since, columns.lapse_id).limit(limit)).all())


def _walk(registry: Registry, page: Page, window: Window, search: _Search) -> None:
    after: str | None = ""
    while after is not None:
        with registry.writing() as connection:
            take_turn(connection, f"lapses {window.commune_code}")  # two workers must not both write the same one
            paged = page(connection, window, after)
            search.take(connection, paged.candidates)
        after = paged.after


def _standing_before(registry: Registry, window: Window) -> Iterator[Sequence[Any]]:
    """Return a commune's lapses that stand and that this search has not met, in pages."""
    columns, after = tables.lapses.c, ""
    while True:
        with registry.reading() as connection:
            query = select(columns.lapse_id, columns.rule, columns.row_id)
            query = query.where(*_unmet(window.commune_code, window.now), columns.lapse_id > after)
            rows = connection.execute(query.order_by(columns.lapse_id).limit(PAGE)).all()
        if rows:
            yield rows
            after = rows[-1].lapse_id
        if len(rows) < PAGE:
            return


def _unmet(commune_code: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    columns = tables.lapses.c
    return columns.commune_code == commune_code, columns.cleared_at.is_(None), columns.seen_at < now


def _clear(connection: Connection, commune_code: str, now: datetime) -> int:
    """Clear whatever stands in a commune and was not found, and answer what was said of it."""
    columns, gone = tables.lapses.c, _unmet(commune_code, now)
    rows = connection.execute(select(columns.lapse_id, columns.rule).where(*gone)).all()
    for row in rows:
        kind = NOTICES.get(row.rule)
        if kind is not None:
            settle_notice(connection, commune_code, kind, about=row.lapse_id, answer="settled", now=now)
    if rows:
        connection.execute(update(tables.lapses).where(*gone).values(cleared_at=now))
    return len(rows)


def _row(own_id: str, lapse: Lapse, now: datetime) -> dict[str, Any]:
    return {
        "commune_code": lapse.commune_code,
        "lapse_id": own_id,
        "rule": lapse.rule,
        "row_id": lapse.row_id,
        "premises_id": lapse.premises_id,
        "unit": lapse.unit,
        "since": lapse.since.isoformat(),
        "data": dict(lapse.data),
        "rule_set": lapse.rule_set,
        "article": lapse.article,
        "explanations_tried": list(lapse.tried),
        "found_at": now,
        "seen_at": now,
        "cleared_at": None,
    }
