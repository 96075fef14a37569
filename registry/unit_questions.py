"""What a split unit leaves open, asked of people by street or settlement: a work list, decisions with who and why, and undoing.

- A question is asked once; its id follows from the old unit and the place. Nothing decides it but a person.
- *Decided*: everything of that street lies in one successor. *Divided*: the street itself lies in several, so rows must say themselves.
- An operator of a candidate's commune, and nobody else, sees and settles a question: ``communes`` is what they answer for.
- ``undo`` opens it again; what was done stays in ``unit_decisions``. What was recorded meanwhile stays where it was put, is named by ``undo``, and
  becomes a follow-up of cleaning (``registry/placed_by_decisions.py``).

Example: ``decide(connection, question_id, choice="90001", by=Decider(account_id="acc-1", reason="the plan of the split", communes=("90001",)), now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, Literal
from uuid import NAMESPACE_OID, uuid5

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry.asking import among
from registry.locking import locked_row
from registry.placed_by_decisions import Placed, look_anew
from registry.tables_places import unit_decisions, unit_questions
from residence.clock import uuid7
from residence.errors import Conflict, Refused
from residence.places.units import Unit

State = Literal["open", "decided", "divided"]
LONGEST_REASON: Final = 500
LONGEST_PLACE: Final = 190
MOST_LISTED: Final = 200
RandomBytes = Callable[[int], bytes]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question: the old unit by code and first day, the place, and the codes it may lie in today."""

    question_id: str
    commune_code: str
    valid_from: str
    place_key: str
    place_text: str
    candidates: tuple[str, ...]
    state: State
    asked_at: datetime
    choice: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None


class Decider(msgspec.Struct, frozen=True, kw_only=True):
    """Who decides, why, and for which communes they may. None: for all (at the command line)."""

    account_id: str
    reason: str
    communes: tuple[str, ...] | None = None


_SHOWN: Final = [unit_questions.c[name] for name in Question.__struct_fields__]


def question_id_of(unit: Unit, place_key: str) -> str:
    """Return the id of the question about a place of a unit."""
    return str(uuid5(NAMESPACE_OID, f"luutru/unit-question\n{unit.code}\n{unit.valid_from}\n{place_key}"))


def question_row(unit: Unit, place: tuple[str, str], candidates: Iterable[Unit], *, now: datetime) -> dict[str, Any]:
    """Return the row of a question not asked before. ``place``: key and text of a street or settlement."""
    key, text = (each[:LONGEST_PLACE] for each in place)
    return {
        "commune_code": unit.code,
        "question_id": question_id_of(unit, key),
        "valid_from": unit.valid_from,
        "place_key": key,
        "place_text": text,
        "candidates": [each.code for each in candidates],
        "state": "open",
        "choice": None,
        "decided_by": None,
        "decided_at": None,
        "reason": None,
        "asked_at": now,
    }


def questions_by_id(connection: Connection, question_ids: Iterable[str]) -> dict[str, Question]:
    """Return those of these questions that were asked."""
    wanted = sorted(set(question_ids))
    if not wanted:
        return {}
    rows = connection.execute(select(*_SHOWN).where(among(unit_questions.c.question_id, wanted, connection)))
    return {each.question_id: each for each in map(_question, rows)}


def list_questions(
    connection: Connection, units: Iterable[str] | None, *, states: tuple[State, ...] = ("open",), limit: int = MOST_LISTED
) -> list[Question]:
    """Return questions about these old units (None: all), ordered by unit and place."""
    columns = unit_questions.c
    query = select(*_SHOWN).where(columns.state.in_(states))
    if units is not None:
        query = query.where(among(columns.commune_code, sorted(set(units)), connection))
    rows = connection.execute(query.order_by(columns.commune_code, columns.place_key).limit(limit))
    return [_question(row) for row in rows]


def decide(
    connection: Connection, question_id: str, *, choice: str | None, by: Decider, now: datetime, random_bytes: RandomBytes
) -> Question:
    """Decide an open question. ``choice``: a candidate's code; None: the place itself is divided."""
    question = _for_change(connection, question_id, by)
    if choice is not None and choice not in question.candidates:
        raise Refused("units.not_a_candidate", "/choice")
    if question.state != "open":
        raise Conflict("units.question_decided", "/question_id")
    state: State = "divided" if choice is None else "decided"
    settled = {"state": state, "choice": choice, "decided_by": by.account_id, "decided_at": now, "reason": by.reason.strip()}
    look_anew(connection, question_id, now=now)
    return _settle(connection, question, settled, action=state, by=by, now=now, random_bytes=random_bytes)


def undo(
    connection: Connection, question_id: str, *, by: Decider, now: datetime, random_bytes: RandomBytes
) -> tuple[Question, list[Placed]]:
    """Open a decided question again; returns it, and the premises its decision had placed, which need a person now."""
    question = _for_change(connection, question_id, by)
    if question.state == "open":
        raise Conflict("units.question_open", "/question_id")
    settled = dict.fromkeys(("choice", "decided_by", "decided_at", "reason")) | {"state": "open"}
    opened = _settle(connection, question, settled, action="undone", by=by, now=now, random_bytes=random_bytes)
    return opened, look_anew(connection, question_id, now=now)


def may_settle(question: Question, communes: tuple[str, ...] | None) -> bool:
    """Tell whether somebody who answers for these communes may see and settle a question."""
    return communes is None or bool(set(communes) & set(question.candidates))


def decisions_of(connection: Connection, question_id: str) -> list[dict[str, Any]]:
    """Return what was done with a question, oldest first."""
    columns = unit_decisions.c
    shown = (columns.action, columns.choice, columns.account_id, columns.reason, columns.at)
    rows = connection.execute(select(*shown).where(columns.question_id == question_id).order_by(columns.at, columns.decision_id))
    return [dict(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def _for_change(connection: Connection, question_id: str, by: Decider) -> Question:
    if not by.reason.strip() or len(by.reason) > LONGEST_REASON:
        raise Refused("units.reason", "/reason")
    row = locked_row(connection, unit_questions, question_id)
    question = _question(row) if row is not None else None
    if question is None or not may_settle(question, by.communes):
        raise Refused("units.question_unknown", "/question_id")
    return question


def _settle(
    connection: Connection,
    question: Question,
    settled: dict[str, Any],
    *,
    action: str,
    by: Decider,
    now: datetime,
    random_bytes: RandomBytes,
) -> Question:
    connection.execute(update(unit_questions).where(unit_questions.c.question_id == question.question_id).values(**settled))
    event = {
        "commune_code": question.commune_code,
        "decision_id": str(uuid7(now, random_bytes(10))),
        "question_id": question.question_id,
        "action": action,
        "choice": settled["choice"],
        "account_id": by.account_id,
        "reason": by.reason.strip(),
        "at": now,
    }
    connection.execute(insert(unit_decisions), [event])
    return msgspec.structs.replace(question, **settled)


def _question(row: Row[Any]) -> Question:
    said = {name: getattr(row, name) for name in Question.__struct_fields__}
    return Question(**said | {"candidates": tuple(row.candidates)})
