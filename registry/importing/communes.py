"""Codes of communes as a source gives them: of another day, or of another system, brought to the units of today before a row is taken.

- Only when the mapping says of which day (``commune_codes_of``) or system (``commune_code_system``) the codes are; else they stand as given.
- One successor is certain. Of a split unit, premises follow what a person decided about their street or settlement; undecided, the row is set
  aside and the question asked. Households and residents follow the premises they name, if it lies in a candidate.
- A code no table has is set aside: nothing is guessed from its digits.
- The address stays verbatim; what code the source gave for a premises is kept beside it (``premises_origins``).

Example: ``translate(connection, {1: row}, kind="premises", mapping=mapping, means=means).rows[1]["commune_code"]``
"""

from __future__ import annotations

from collections.abc import Mapping as Lookup
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection

from registry import tables
from registry.importing.fields import Kind
from registry.importing.mapping import Mapping
from registry.importing.places import premises_known
from registry.importing.taking import Means, Rejected, Row, Taken
from registry.standing import settled
from registry.unit_questions import Question, question_id_of, question_row, questions_by_id
from registry.units import load_codes, load_table
from residence.places.address_parsing import parse_address
from residence.places.locating import place_of
from residence.places.units import Unit


@dataclass(kw_only=True, slots=True)
class Translated:
    """Rows with codes of today, reasons for rows set aside, and questions to ask."""

    rows: dict[int, Row] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    questions: Taken = field(default_factory=Taken)


class _Stated(NamedTuple):
    """What a row's code meant, and the place it is asked by (premises only)."""

    unit: Unit
    place: tuple[str, str]


def translate(connection: Connection, rows: Lookup[int, Row], *, kind: Kind, mapping: Mapping, means: Means) -> Translated:
    """Bring the rows' codes to today's units, where the mapping says that they are others."""
    done = Translated()
    if mapping.commune_codes_of is None and mapping.commune_code_system is None:
        done.rows.update(rows)
        return done
    today, table, codes = means.today.isoformat(), load_table(connection), load_codes(connection)
    day, system = mapping.commune_codes_of or today, mapping.commune_code_system
    stated: dict[int, _Stated] = {}
    for number, row in rows.items():
        given = row.get("commune_code")
        ours = codes.ours(system, given, day=day) if system and given else given
        unit = table.at(ours, day) if ours else None
        if given is None:
            done.rows[number] = row
        elif unit is None or unit.level != "commune" or not table.candidates(unit.code, at=day, on=today):
            done.rejected.append(Rejected(number, "commune_code", "import.commune_unknown"))
        else:
            stated[number] = _Stated(unit, place_of(parse_address(row["address_text"] or "")) if kind == "premises" else ("", ""))
    questions = _questions(connection, stated) if kind == "premises" else {}
    homes = premises_known(connection, (ref for number in stated if (ref := rows[number].get("premises_ref"))))
    for number, (unit, place) in stated.items():
        row = rows[number]
        candidates = settled(unit, place[0], table, day=today, questions=questions)
        possible = {each.code for each in candidates}
        home = homes.get(row.get("premises_ref") or "") if kind != "premises" else None
        chosen = home if home in possible else possible.pop() if len(possible) == 1 else None
        if chosen is None:
            done.rejected.append(Rejected(number, "commune_code", "import.commune_split"))
            if kind == "premises":
                done.questions.add(tables.unit_questions, question_row(unit, place, candidates, now=means.now))
        else:
            done.rows[number] = row | {"commune_code": chosen}
            if kind == "premises":
                done.rows[number]["origin"] = _origin(row, unit, place, mapping=mapping, day=day, questions=questions)
    return done


def _questions(connection: Connection, stated: Lookup[int, _Stated]) -> dict[str, Question]:
    return questions_by_id(connection, (question_id_of(unit, place[0]) for unit, place in stated.values()))


def _origin(
    row: Row, unit: Unit, place: tuple[str, str], *, mapping: Mapping, day: str, questions: Lookup[str, Question]
) -> dict[str, str | None]:
    """Return what the source said of where a premises lies, and by which decision it lies where it does."""
    question = questions.get(question_id_of(unit, place[0]))
    return {
        "stated_code": row["commune_code"],
        "stated_system": mapping.commune_code_system,
        "stated_on": day,
        "question_id": question.question_id if question is not None and question.choice is not None else None,
    }
