"""A person's permanent residence after it was taken over: recorded, corrected, moved, ended, and each of these taken back.

- What may be done is pure (``residence/stays/permanent.py``). Each step is a correction (``correcting.py``); a row is changed through ``changing.py``, so
  that what the register said of the person at an instant is told with its reason.
- *Moved* ends one home on the day before and records the next; *corrected* says that the row was wrong. A row keeps its commune, so a home that
  was recorded in the wrong commune is taken back or ended there and recorded in the other.
- A move is taken back as a whole: the home that was left stands again.
- A home recorded by mistake is taken back by ending it before it begins: its row stays.
- The person is written to by nobody here: whoever comes with the paper is the person or their household.

Example: ``move(connection, residence_id, NewHome(premises_id="blk-1", first=day), hand=hand).problems`` is empty when it was done
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Row, select, update

from registry import tables
from registry.changing import Cause, change_row
from registry.correcting import (
    Change,
    Corrected,
    Hand,
    check_reason,
    correction_to_take_back,
    keep_correction,
    require_latest,
)
from registry.households import Registration, add_residences
from registry.locking import locked_row
from registry.premises import load_places
from residence.clock import VIETNAM
from residence.errors import Problem, Refused, problem
from residence.stays.permanent import check_end, check_home, on_no_day
from residence.stays.spans import normal_unit
from residence.stays.temporary import Home
from residence.wire.correction import CorrectionEvent

_HOMES: Final = tables.residences.c
_TOLD: Final = ("premises_id", "unit", "household_id", "relation", "valid_from", "valid_to")


class NewHome(msgspec.Struct, frozen=True, kw_only=True):
    """A home to be recorded: where, from which day on, in which household as what."""

    premises_id: str
    first: date
    unit: str | None = None
    household_id: str | None = None
    relation: str | None = None


class HomeCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """What of a home's row was wrong; the rest is left."""

    premises_id: str | UnsetType = UNSET
    unit: str | UnsetType | None = UNSET
    household_id: str | UnsetType | None = UNSET
    relation: str | UnsetType | None = UNSET
    first: date | UnsetType = UNSET
    last: date | UnsetType | None = UNSET


def record(connection: Connection, person_id: str, asked: NewHome, *, hand: Hand) -> Corrected:
    """Record a permanent home, or say all that speaks against it; ``Refused("registry.*_unknown")``."""
    check_reason(hand)
    person = locked_row(connection, tables.persons, person_id)  # one step of a person at a time
    if person is None or person.merged_into is not None or person.status == "erased":
        raise Refused("registry.person_unknown", "/person_id")
    commune, problems = _checked(connection, asked, _homes(connection, person_id), hand)
    if problems:
        return Corrected(problems=problems)
    return _record(connection, person_id, asked, commune, hand=hand)


def move(connection: Connection, residence_id: str, asked: NewHome, *, hand: Hand) -> Corrected:
    """End a permanent home on the day before and record the next, or say all that speaks against it."""
    check_reason(hand)
    row = _permanent(connection, residence_id)
    last = asked.first - timedelta(days=1)
    problems = check_end(_home(row), last, today=_today(hand))
    others = [each for each in _homes(connection, row.person_id) if each.residence_id != residence_id]
    commune, against = _checked(connection, asked, others, hand)
    if problems or against:
        return Corrected(row_id=residence_id, problems=(*problems, *against))
    ended = _change(connection, row, {"valid_to": last.isoformat()}, "moved_out", hand=hand)
    return _record(connection, row.person_id, asked, commune, hand=hand, ended_by=ended.correction_id)


def correct(connection: Connection, residence_id: str, asked: HomeCorrection, *, hand: Hand) -> Corrected:
    """Correct a row that was wrong, or say all that speaks against it."""
    check_reason(hand)
    row = _permanent(connection, residence_id)
    values = {name: value for name in _TOLD[:4] if (value := getattr(asked, name)) is not UNSET}
    for name, day in (("valid_from", asked.first), ("valid_to", asked.last)):
        if day is not UNSET:
            values[name] = day.isoformat() if day else None
    said = {name: getattr(row, name) for name in _TOLD} | values
    home = NewHome(
        premises_id=said["premises_id"],
        first=date.fromisoformat(said["valid_from"]),
        unit=said["unit"],
        household_id=said["household_id"],
    )
    last = date.fromisoformat(said["valid_to"]) if said["valid_to"] else None
    # what overlapped before is no fault of this correction: only the days it sets are judged
    commune, problems = _checked(connection, home, [], hand, last=last)
    if commune and commune != row.commune_code:
        problems = (*problems, problem("permanent.other_commune", "/premises_id"))
    if problems:
        return Corrected(row_id=residence_id, problems=problems)
    if "unit" in values:
        values["unit"] = _written(connection, home)
    return _change(connection, row, values, "corrected", hand=hand)


def end(connection: Connection, residence_id: str, last: date, *, hand: Hand) -> Corrected:
    """Say on which day a permanent home ended, or say all that speaks against it."""
    check_reason(hand)
    row = _permanent(connection, residence_id)
    problems = check_end(_home(row), last, today=_today(hand))
    if problems:
        return Corrected(row_id=residence_id, problems=problems)
    return _change(connection, row, {"valid_to": last.isoformat()}, "ended", hand=hand)


def take_back(connection: Connection, correction_id: str, *, hand: Hand) -> Corrected:
    """Take the latest correction of a home back; of a move, of both homes. ``Refused``, ``Conflict("correction.changed_meanwhile")``."""
    check_reason(hand)
    taken, row = _latest(connection, correction_id)
    if taken.event == "moved_out":  # half of a move: the move is taken back
        raise Refused("correction.unknown", "/correction_id")
    if taken.event not in {"registered", "moved"}:
        return _change(connection, row, taken.before, "taken_back", hand=hand, answers=correction_id)
    left = _latest(connection, taken.before["ended_by"]) if taken.event == "moved" else None
    nowhere = on_no_day(date.fromisoformat(row.valid_from)).isoformat()
    done = _change(connection, row, {"valid_to": nowhere}, "taken_back", hand=hand, answers=correction_id)
    if left is not None:
        _change(connection, left[1], left[0].before, "taken_back", hand=hand, answers=left[0].correction_id)
    return done


def homes_of(connection: Connection, person_id: str) -> list[Row[Any]]:
    """Return every residence of a person, ended ones too, by first day."""
    query = select(tables.residences).where(_HOMES.person_id == person_id)
    return list(connection.execute(query.order_by(_HOMES.valid_from, _HOMES.residence_id)).all())


class _Standing(Home, frozen=True, kw_only=True):
    residence_id: str


def _latest(connection: Connection, correction_id: str) -> tuple[Row[Any], Row[Any]]:
    """Return a correction that may be taken back, and the home it is of."""
    taken = correction_to_take_back(connection, correction_id, "residence")
    row = _permanent(connection, taken.row_id)
    require_latest(connection, taken, subject_id=row.person_id)
    return taken, row


def _checked(
    connection: Connection, asked: NewHome, others: Iterable[Home], hand: Hand, *, last: date | None = None
) -> tuple[str, tuple[Problem, ...]]:
    """Return the commune of a home's premises, and all that speaks against the home."""
    place = load_places(connection, [(asked.premises_id, asked.unit)]).place(asked.premises_id, asked.unit)
    if place is None:
        return "", (problem("registry.premises_unknown", "/premises_id"),)
    home = Home(kind="permanent", premises_id=asked.premises_id, commune_code=place.commune_code, first=asked.first, last=last)
    problems = check_home(home, others, today=_today(hand))
    if asked.unit is not None and normal_unit(asked.unit) not in map(normal_unit, place.units):
        problems = (*problems, problem("correction.unit_unknown", "/unit"))
    if asked.household_id is not None and not _household_is_at(connection, asked):
        problems = (*problems, problem("permanent.household", "/household_id"))
    return place.commune_code, problems


def _household_is_at(connection: Connection, asked: NewHome) -> bool:
    columns = tables.households.c
    at = select(columns.premises_id).where(columns.household_id == asked.household_id, columns.ended_at.is_(None))
    return connection.scalar(at.limit(1)) == asked.premises_id


def _written(connection: Connection, home: NewHome) -> str | None:
    """Return a unit as the premises writes it."""
    place = load_places(connection, [(home.premises_id, home.unit)]).place(home.premises_id, home.unit)
    return place.units[0] if place is not None and place.units and home.unit is not None else None


def _record(
    connection: Connection, person_id: str, asked: NewHome, commune: str, *, hand: Hand, ended_by: str | None = None
) -> Corrected:
    registration = Registration(
        person_id=person_id,
        premises_id=asked.premises_id,
        kind="permanent",
        valid_from=asked.first.isoformat(),
        unit=_written(connection, asked),
        household_id=asked.household_id,
        relation=asked.relation,
    )
    means = hand.means
    (residence_id,) = add_residences(
        connection,
        [registration],
        commune_code=commune,
        recorded_by=hand.officer.account_id,
        now=means.now,
        random_bytes=means.random_bytes,
    )
    after = {name: value for name in _TOLD if (value := getattr(registration, name)) is not None}
    change = Change(
        what="residence",
        commune_code=commune,
        subject_id=person_id,
        row_id=residence_id,
        event="registered" if ended_by is None else "moved",
        before={} if ended_by is None else {"ended_by": ended_by},
        after=after,
    )
    return Corrected(correction_id=keep_correction(connection, change, hand), row_id=residence_id)


def _change(
    connection: Connection,
    row: Row[Any],
    values: Mapping[str, Any],
    event: CorrectionEvent,
    *,
    hand: Hand,
    answers: str | None = None,
) -> Corrected:
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    means, officer = hand.means, hand.officer
    cause = Cause(kind="account", cause_id=officer.account_id, reason=officer.reason.strip())
    if not change_row(
        connection, tables.residences, row.residence_id, changed, cause=cause, now=means.now, random_bytes=means.random_bytes
    ):
        return Corrected(row_id=row.residence_id)
    persons = tables.persons.c
    connection.execute(
        update(tables.persons).where(persons.person_id == row.person_id).values(changed_at=means.now)
    )  # cleaning looks again
    change = Change(
        what="residence",
        commune_code=row.commune_code,
        subject_id=row.person_id,
        row_id=row.residence_id,
        event=event,
        before={name: getattr(row, name) for name in changed},
        after=changed,
        answers=answers,
    )
    return Corrected(correction_id=keep_correction(connection, change, hand), row_id=row.residence_id)


def _permanent(connection: Connection, residence_id: str) -> Row[Any]:
    row = locked_row(connection, tables.residences, residence_id)
    if row is None:
        raise Refused("residence.unknown", "/residence_id")
    if row.kind != "permanent":
        raise Refused("permanent.not_permanent", "/residence_id")
    return row


def _homes(connection: Connection, person_id: str) -> list[_Standing]:
    return [_home(row) for row in homes_of(connection, person_id)]


def _home(row: Row[Any]) -> _Standing:
    return _Standing(
        residence_id=row.residence_id,
        kind=row.kind,
        premises_id=row.premises_id,
        commune_code=row.commune_code,
        first=date.fromisoformat(row.valid_from),
        last=date.fromisoformat(row.valid_to) if row.valid_to else None,
    )


def _today(hand: Hand) -> date:
    return hand.means.now.astimezone(VIETNAM).date()
