"""Guided paths: begun, taken by an officer, settled or ended, each step a row; found by a slip's code and telling whoever holds it how far it is.

- Begun at a kiosk's slip by phone, at a desk, or at the office. With a declaration the code is the one its slip shows; one declaration, one path.
- What somebody is called, says and who helps them is sealed under the path's own key. A helper stands there as helper: no person is made of one.
- An officer sees it once they took the path, for the purpose ``guided-path``, on the record. Lists show situations and dates.
- A due date is worked out anew at each step; one that passes is written down once as the step ``late`` (``note_late``), whoever looks or not.
- Nothing of a path is read by what finds undeclared people, lapses or items of cleaning.

Example: ``begin_path(connection, Beginning(situation=Situation.NO_PAPERS, way="desk", ...), means=means)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from registry import tables
from registry.changing import is_keepable
from registry.locking import locked_row
from registry.numbering import Means
from registry.vault import Cell, Vault
from residence.errors import Conflict, Refused
from residence.paths.clocks import PathClock, due, load_law
from residence.paths.steps import ENDS, NEEDS_REASON, HelperKind, PathState, PathStep, Situation, after
from residence.wire.receipts import receipt_code

Way = Literal["phone", "desk", "office"]
REST_AFTER: Final = timedelta(days=30)  # ours: so long somebody who was asked to come is waited for before the path rests
LONGEST_NAME: Final = 200
_PATHS: Final = tables.paths.c
_STEPS: Final = tables.path_steps.c


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says at the beginning. All but the situation and the place may be left out."""

    situation: Situation
    way: Way
    commune_code: str
    by: str | None = None  # account; none: the person themselves, with a slip
    form_id: str = ""  # of the form it was said with, a UUID: an account that sends it again gets the same slip
    premises_id: str | None = None
    declaration_id: str | None = None
    called: str = ""
    words: str = ""
    helper_kind: HelperKind | None = None
    helper: str = ""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What a slip says of a path that began. ``due_on``: the last day in time, YYYY-MM-DD."""

    path_id: str
    code: str
    due_on: str


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One step somebody takes. ``in_database``: what a look into the population database showed, where somebody looked."""

    step: PathStep
    by: str | None = None
    reason: str = ""
    legal_basis: str = ""
    in_database: bool | None = None
    seen_with: str | None = None  # whose it was when whoever takes it looked; taken by another meanwhile, it is theirs


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed on a path, opened."""

    called: str | None
    words: str | None
    helper: str | None


def begin_path(connection: Connection, beginning: Beginning, *, means: Means) -> Begun:
    """Begin a path; returns what its slip says. ``Conflict("path.begun")`` where the declaration has one, ``Refused("path.words")``."""
    texts = {"called": beginning.called.strip(), "words": beginning.words.strip(), "helper": beginning.helper.strip()}
    if any(len(each) > LONGEST_NAME for name, each in texts.items() if name != "words") or not all(
        map(is_keepable, texts.values())
    ):
        raise Refused("path.words", "/words")
    if texts["helper"] and beginning.helper_kind is None:
        raise Refused("path.helper", "/helper_kind")
    again = path_of(connection, beginning.form_id) if beginning.form_id else None
    if again is not None:
        if again.begun_by is None or again.begun_by != beginning.by:
            raise Conflict("path.step", "/form")
        return Begun(path_id=again.path_id, code=again.code, due_on=clock_of(again).on)
    person_id = _person_of(connection, beginning.declaration_id) if beginning.declaration_id else None
    path_id, clock = beginning.form_id or means.new_id(), due(means.now, in_database=None, extended=False, law=load_law())
    key, key_row = means.vault.new_key(path_id, "path", commune_code=beginning.commune_code, now=means.now)
    sealed = {f"{name}_sealed": means.vault.seal(key, Cell("paths", name, path_id), each or None) for name, each in texts.items()}
    code = receipt_code(beginning.declaration_id or path_id)
    row = sealed | {
        "commune_code": beginning.commune_code,
        "path_id": path_id,
        "code": code,
        "situation": beginning.situation.value,
        "state": "begun",
        "person_id": person_id,
        "declaration_id": beginning.declaration_id,
        "premises_id": beginning.premises_id,
        "began_by_way": beginning.way,
        "begun_by": beginning.by,
        "begun_at": means.now,
        "clock_from": means.now,
        "in_database": None,
        "due": clock.before,
        "law": clock.law,
        "taken_by": None,
        "helper_kind": beginning.helper_kind.value if beginning.helper_kind else None,
        "changed_at": means.now,
        "ended_at": None,
    }
    connection.execute(insert(tables.subject_keys), [key_row])
    connection.execute(insert(tables.paths), [row])
    _write_step(connection, row, Taken(step="begin", by=beginning.by), state="begun", means=means)
    return Begun(path_id=path_id, code=code, due_on=clock.on)


def step_path(connection: Connection, path_id: str, taken: Taken, *, means: Means) -> PathState:
    """Take one step; returns the state after it. ``Conflict("path.step")``, ``Refused("path.reason" | "path.legal_basis" | "path.too_early")``."""
    row = locked_row(connection, tables.paths, path_id)
    if row is None:
        raise Refused("path.unknown")
    state = after(row.state, taken.step)
    _check(connection, row, taken, now=means.now)
    values = _values(connection, row, taken, state=state, means=means)
    connection.execute(
        update(tables.paths).where(_PATHS.path_id == path_id, _PATHS.commune_code == row.commune_code).values(values)
    )
    _write_step(connection, {**row._mapping, **values}, taken, state=state, means=means)  # noqa: SLF001 - SQLAlchemy's public name
    return state


def note_late(connection: Connection, commune_code: str, *, means: Means, limit: int = 500) -> int:
    """Write down each due date that passed since somebody last did; returns how many. Whoever asks again finds nothing new."""
    written = (
        select(_STEPS.path_id)
        .where(
            _STEPS.commune_code == _PATHS.commune_code,
            _STEPS.path_id == _PATHS.path_id,
            _STEPS.step == "late",
            _STEPS.due == _PATHS.due,
        )
        .exists()
    )
    passed = (_PATHS.commune_code == commune_code, _PATHS.ended_at.is_(None), _PATHS.due <= means.now, ~written)
    fresh = connection.execute(select(tables.paths).where(*passed).order_by(_PATHS.due, _PATHS.path_id).limit(limit)).all()
    for each in fresh:
        _write_step(connection, each._mapping, Taken(step="late"), state=each.state, means=means)  # noqa: SLF001 - SQLAlchemy's public name
    return len(fresh)


def path_by_code(connection: Connection, code: str) -> Row[Any] | None:
    """Return the path a slip's code is of; ``code`` as ``parse_receipt_code`` returns it."""
    return connection.execute(select(tables.paths).where(_PATHS.code == code).limit(1)).first()


def path_of(connection: Connection, path_id: str) -> Row[Any] | None:
    """Return one path."""
    return connection.execute(select(tables.paths).where(_PATHS.path_id == path_id).limit(1)).first()


def open_paths(connection: Connection, commune_code: str, *, limit: int = 200) -> list[Row[Any]]:
    """Return a commune's paths that have not ended, those due first first."""
    query = select(tables.paths).where(_PATHS.commune_code == commune_code, _PATHS.ended_at.is_(None))
    return list(connection.execute(query.order_by(_PATHS.due, _PATHS.path_id).limit(limit)).all())


def count_late(connection: Connection, commune_code: str, *, now: datetime) -> int:
    """Return how many of a commune's paths are past their due date."""
    late = (_PATHS.commune_code == commune_code, _PATHS.ended_at.is_(None), _PATHS.due <= now)
    return connection.scalar(select(func.count()).select_from(tables.paths).where(*late)) or 0


def steps_of(connection: Connection, path_id: str) -> list[Row[Any]]:
    """Return what was done on a path, oldest first."""
    query = select(tables.path_steps).where(_STEPS.path_id == path_id)
    return list(connection.execute(query.order_by(_STEPS.at, _STEPS.step_id)).all())


def said_on(connection: Connection, row: Row[Any], *, vault: Vault) -> Said:
    """Open what is sealed on a path; the caller has asked the policy and writes the look. Empty where the key is gone."""
    key = vault.load_keys(connection, [row.path_id]).get(row.path_id)
    if key is None:
        return Said(called=None, words=None, helper=None)
    opened = {
        name: vault.open_text(key, Cell("paths", name, row.path_id), getattr(row, f"{name}_sealed"))
        for name in ("called", "words", "helper")
    }
    return Said(**opened)


def clock_of(row: Row[Any]) -> PathClock:
    """Return by when a path is settled, as its row says."""
    found = next(each for each in load_law() if each.id == row.law)
    return PathClock(before=row.due, law=found.id, article=found.article)


def is_extended(connection: Connection, row: Row[Any]) -> bool:
    """Tell whether the longer time was taken since the clock began."""
    taken = (_STEPS.path_id == row.path_id, _STEPS.step == "extend", _STEPS.at >= row.clock_from)
    return connection.scalar(select(_STEPS.step_id).where(*taken).limit(1)) is not None


def _person_of(connection: Connection, declaration_id: str) -> str | None:
    declaration = locked_row(connection, tables.declarations, declaration_id)
    if declaration is None:
        raise Refused("path.slip", "/code")
    if connection.scalar(select(_PATHS.path_id).where(_PATHS.code == receipt_code(declaration_id)).limit(1)) is not None:
        raise Conflict("path.begun", "/code")
    found: str | None = declaration.person_id
    return found


def _check(connection: Connection, row: Row[Any], taken: Taken, *, now: datetime) -> None:
    if not (is_keepable(taken.reason) and is_keepable(taken.legal_basis)) or (
        taken.step in NEEDS_REASON and not taken.reason.strip()
    ):
        raise Refused("path.reason", "/reason")
    if taken.step == "refuse" and not taken.legal_basis.strip():
        raise Refused("path.legal_basis", "/legal_basis")
    if taken.step == "take" and row.taken_by != taken.seen_with:
        raise Conflict("path.step", "/step")
    if taken.step == "rest" and now < row.changed_at + REST_AFTER:
        raise Refused("path.too_early", "/step")
    if taken.step == "extend" and (row.in_database != "no" or is_extended(connection, row)):
        raise Refused("path.no_longer_time", "/step")
    if taken.step == "looked" and taken.in_database is None:
        raise Refused("path.looked", "/in_database")


def _values(connection: Connection, row: Row[Any], taken: Taken, *, state: PathState, means: Means) -> dict[str, Any]:
    values: dict[str, Any] = {"state": state, "changed_at": means.now, "ended_at": means.now if state in ENDS else None}
    if taken.step == "take":
        values["taken_by"] = taken.by
    if taken.step == "resume":
        values |= {"clock_from": means.now, "in_database": None, "taken_by": None}
    if taken.in_database is not None:
        values["in_database"] = "yes" if taken.in_database else "no"
    looked = values.get("in_database", row.in_database)
    extended = taken.step == "extend" or (taken.step != "resume" and is_extended(connection, row))
    clock = due(
        values.get("clock_from", row.clock_from),
        in_database=None if looked is None else looked == "yes",
        extended=extended,
        law=load_law(),
    )
    return values | {"due": clock.before, "law": clock.law}


def _write_step(connection: Connection, path: Any, taken: Taken, *, state: str, means: Means) -> None:
    row = {
        "commune_code": path["commune_code"],
        "step_id": means.new_id(),
        "path_id": path["path_id"],
        "step": taken.step,
        "state": state,
        "by": taken.by,
        "reason": taken.reason.strip() or None,
        "legal_basis": taken.legal_basis.strip() or None,
        "due": path["due"],
        "at": means.now,
    }
    connection.execute(insert(tables.path_steps), [row])
