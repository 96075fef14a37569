"""Who looked at a person, as the person is shown it: when, in which unit, why, in which way, which fields; sealed looks by number.

- A unit is a house, a commune's police or another authority, never the name or account of somebody who works there.
- What a look was bound to (a case, a stay, a house) is not shown: it may be somebody else's affair. ``way`` says whether it was of one
  person, of a list, for a file or by a program, whoever else stood on it: nothing here differs by who else was there.
- A look at somebody seen and not yet known is theirs once they are known by the number that was seen (not by a name, which others may have).
- A look for a case that two officers sealed (``registry/sealed_looks.py``) is counted and not shown until its day, and then says that it was.
- A look by breaking the glass shows the reason that was given for it.

Example: ``disclosures_of(connection, person_id, span=Span(), now=now, vault=vault).items[0].unit.name``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from registry import tables
from registry.asking import among
from registry.break_glass import reasons_of
from registry.premises import load_premises
from registry.retention import number_identities
from registry.sealed_looks import sealed_now
from registry.units import load_around
from registry.vault import Vault
from residence.access.purposes import Purpose
from residence.clock import VIETNAM

MOST: Final = 10_000
_LOOKS: Final = tables.access_records.c
_LOGGED: Final = tables.looks.c
_WHOLE: Final = and_(_LOGGED.commune_code == _LOOKS.commune_code, _LOGGED.look_id == _LOOKS.look_id)


class LookedFrom(msgspec.Struct, frozen=True, kw_only=True):
    """From where it was looked: a code (premises, commune, authority), and its name where it has one."""

    code: str
    name: str


class Disclosure(msgspec.Struct, frozen=True, kw_only=True):
    """One look, as the person is shown it."""

    access_id: str
    at: datetime
    role: str
    unit: LookedFrom
    purpose: str
    way: str  # residence.access.purposes.Way
    fields: tuple[str, ...]
    reason: str  # given for a look at what another commune holds; otherwise empty
    sealed_until: datetime | None  # the day, past by now, until which it was sealed
    provable: bool  # it stands under the person's own id, so the log's proof of it is theirs (registry/look_proofs.py)


class Disclosures(msgspec.Struct, frozen=True, kw_only=True):
    """Looks, youngest first; how many there are besides ``span``'s bounds of a page, and how many are sealed until when."""

    items: tuple[Disclosure, ...]
    total: int
    sealed: int
    sealed_until: datetime | None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Which looks: since, until, in which way; and which of those: so many, older than ``before`` or after the first ``offset``."""

    since: datetime | None = None
    until: datetime | None = None
    way: str | None = None
    before: tuple[datetime, str] | None = None  # the last look of the page before
    offset: int = 0
    limit: int = 50


def disclosures_of(connection: Connection, person_id: str, *, span: Span, now: datetime, vault: Vault) -> Disclosures:
    """Return the looks at a person that may be shown, and how many may not be yet."""
    sealed = sealed_now(now)
    names = sorted(_names(connection, person_id, vault))
    mine = _bounds(names, span)
    query = select(tables.access_records, _LOGGED.sealed_until).outerjoin(tables.looks, _WHOLE)
    query = query.where(*mine, ~sealed).order_by(_LOOKS.at.desc(), _LOOKS.access_id.desc())
    if span.before is not None:
        at, access_id = span.before
        query = query.where(or_(_LOOKS.at < at, and_(_LOOKS.at == at, _LOOKS.access_id < access_id)))
    rows = connection.execute(query.offset(span.offset).limit(min(span.limit, MOST))).all()
    units = _units(connection, rows, vault=vault)
    reasons = reasons_of(connection, [row.about for row in rows if row.purpose == Purpose.BREAK_GLASS.value])
    total = connection.scalar(select(func.count()).select_from(tables.access_records).where(*mine, ~sealed)) or 0
    count, until = _sealed(connection, names, now)
    return Disclosures(
        items=tuple(_shown(row, units[row.access_id], reasons, person_id) for row in rows),
        total=total,
        sealed=count,
        sealed_until=until,
    )


def oldest_look(connection: Connection) -> datetime | None:
    """Return when the first look still kept was taken, at whomever."""
    found: datetime | None = connection.scalar(select(_LOOKS.at).order_by(_LOOKS.at).limit(1))
    return found


def _names(connection: Connection, person_id: str, vault: Vault) -> set[str]:
    """Return under what a look at this person may stand: their id, and at their houses what was seen of a number of theirs before they were known.

    Not by name and birth date: somebody else may have the same.
    """
    stays = tables.stays.c
    houses = connection.scalars(select(stays.premises_id).where(stays.person_id == person_id).distinct()).all()
    identities = number_identities(connection, [person_id], vault)
    return {person_id, *(vault.pseudonym(house, identity).hex() for house in houses for identity in identities)}


def _bounds(names: Sequence[str], span: Span) -> list[ColumnElement[bool]]:
    bounds: list[ColumnElement[bool]] = [_LOOKS.person_id.in_(names)]
    if span.since is not None:
        bounds.append(_LOOKS.at >= span.since)
    if span.until is not None:
        bounds.append(_LOOKS.at <= span.until)
    if span.way is not None:
        noted = _LOOKS.way == span.way
        bounds.append(or_(noted, _LOOKS.way.is_(None)) if span.way == "single" else noted)
    return bounds


def _sealed(connection: Connection, names: Sequence[str], now: datetime) -> tuple[int, datetime | None]:
    """Count sealed looks, and say when the last of their seals ends."""
    mine = _LOOKS.person_id.in_(names)
    query = select(func.count()).select_from(tables.access_records).where(mine, sealed_now(now))
    count = connection.scalar(query) or 0
    if not count:
        return 0, None
    end = select(func.max(_LOGGED.sealed_until)).join_from(tables.access_records, tables.looks, _WHOLE)
    return count, connection.scalar(end.where(mine, _LOGGED.sealed_until > now))


def _shown(row: Row[Any], unit: LookedFrom, reasons: Mapping[str, str], person_id: str) -> Disclosure:
    return Disclosure(
        access_id=row.access_id,
        at=row.at,
        role=row.role,
        unit=unit,
        purpose=row.purpose,
        way=row.way or "single",
        fields=tuple(row.fields),
        reason=reasons.get(row.about, ""),
        sealed_until=row.sealed_until,
        provable=row.person_id == person_id,
    )


def _units(connection: Connection, rows: Sequence[Row[Any]], *, vault: Vault) -> dict[str, LookedFrom]:
    """Return access id -> from where."""
    houses = _houses(connection, [row for row in rows if row.role == "clerk"])
    names = {each: place.name for each, place in load_premises(connection, houses.values(), vault=vault).items()}
    communes = sorted({row.commune_code for row in rows})
    table = load_around(connection, communes)
    found = {}
    for row in rows:
        house = houses.get(row.access_id)
        if row.role == "authority":
            found[row.access_id] = LookedFrom(code=row.account_id, name=row.account_id)
        elif house is not None:
            found[row.access_id] = LookedFrom(code=house, name=names.get(house, house))
        else:
            unit = table.meant(row.commune_code, row.at.astimezone(VIETNAM).date().isoformat())
            found[row.access_id] = LookedFrom(code=row.commune_code, name=unit.name if unit else row.commune_code)
    return found


def _houses(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, str]:
    """Return access id -> the house a clerk looked from: what the look was bound to is that house, or a stay in it."""
    bound = sorted({row.about for row in rows if row.about})
    if not bound:
        return {}
    stays, premises = tables.stays.c, tables.premises.c
    of_stay = connection.execute(select(stays.stay_id, stays.premises_id).where(among(stays.stay_id, bound, connection)))
    itself = connection.scalars(select(premises.premises_id).where(among(premises.premises_id, bound, connection)))
    known = {row.stay_id: row.premises_id for row in of_stay} | {own_id: own_id for own_id in itself}
    return {row.access_id: known[row.about] for row in rows if row.about in known}
