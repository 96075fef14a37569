"""Premises of a page whose ward is in doubt: it is no more, or a person's decision that put them there was taken back.

- No more is a ward recorded under a code that meant, when the premises were recorded, a unit that has ended since.

- The table of units decides (``registry/units.py``); of a code it does not have nothing is known, and nothing is found.
- A ward that ended and goes on under the same code alone (renamed, or joined by others) is no finding: the code is right.
- The item stands with each ward the premises may lie in today, for its officers are there; with its own where the table knows no successor.
  Which of several it is, a person says (``registry/unit_questions.py``).
- A decision about a street or settlement that no longer stands leaves what was recorded by it where it is, as an item of that ward; a new
  decision that puts it there ends the item (``registry/placed_by_decisions.py``).

Example: ``judge_wards(connection, ["p-1", "p-2"], sight)``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from registry import tables
from registry.asking import among
from registry.cleaning.found import Found, Sight
from registry.unit_questions import questions_by_id
from registry.units import load_around
from residence.clock import VIETNAM
from residence.places.units import UnitTable


def judge_wards(connection: Connection, ids: Sequence[str], sight: Sight) -> list[Found]:
    """Return the premises of a page that stand under a ward that is no more."""
    columns = tables.premises.c
    places = connection.execute(
        select(columns.commune_code, columns.premises_id, columns.created_at).where(among(columns.premises_id, ids, connection))
    ).all()
    table = load_around(connection, {each.commune_code for each in places})
    found = []
    for place in places:
        today = wards_of_today(table, place.commune_code, recorded_at=place.created_at, sight=sight)
        if today is not None:
            shown = (("premises", place.premises_id), ("unit", place.commune_code), *(("unit_today", each) for each in today))
            found += [
                Found(rule="ward_abolished", commune_code=code, about=(place.premises_id,), evidence=shown)
                for code in today or (place.commune_code,)
            ]
    return found


def judge_placed(connection: Connection, ids: Sequence[str], _sight: Sight) -> list[Found]:
    """Return the premises of a page that stand where a decision put them that no longer does, each with the question and what is decided of it now."""
    origins = tables.premises_origins.c
    asked = select(origins.commune_code, origins.premises_id, origins.stated_code, origins.question_id)
    placed = connection.execute(asked.where(among(origins.premises_id, ids, connection), origins.question_id.is_not(None))).all()
    questions = questions_by_id(connection, {each.question_id for each in placed})
    found = []
    for place in placed:
        question = questions.get(place.question_id)
        choice = question.choice if question is not None else None
        if choice != place.commune_code:
            shown = (("premises", place.premises_id), ("unit", place.stated_code), ("unit_question", place.question_id))
            now_said = () if choice is None else (("unit_today", choice),)
            found.append(
                Found(
                    rule="ward_decision_withdrawn",
                    commune_code=place.commune_code,
                    about=(place.premises_id,),
                    evidence=(*shown, *now_said),
                )
            )
    return found


def wards_of_today(table: UnitTable, code: str, *, recorded_at: datetime, sight: Sight) -> tuple[str, ...] | None:
    """Return the codes under which a place may be today if its own is none of today's; None: its own is right, or not known."""
    recorded, today = recorded_at.astimezone(VIETNAM).date().isoformat(), sight.today.isoformat()
    unit = table.meant(code, recorded)
    if unit is None or unit.level != "commune" or unit.holds_on(today):
        return None
    after = tuple(each.code for each in table.candidates(code, at=recorded, on=today))
    return None if after == (code,) else after
