"""Questions to the population database as rows: asked by an officer for one file, answered under the person's key, known from then on.

- Asked is what the file lacks and nothing else; a file that lacks nothing asks nothing (``Refused("population.nothing")``), one that was asked for is not asked
  for again while an answer is awaited or there (``Conflict("population.asked")``).
- Asking is a look at those fields by the officer, and telling the number to the authority is on the record besides; the person sees both.
- What was answered is known (source ``population``): the person's next form does not ask for it.

Example: ``ask_population(connection, file_row, form, asker=look, means=...)`` returns the question's id
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Literal, get_args

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select

from registry import access_records, tables
from registry.authority_lines import is_spoken_to
from registry.locking import locked_row
from registry.release import Look
from registry.vault import Cell, Vault
from residence.access.purposes import Field
from residence.cases.population import PopulationField, missing_fields
from residence.cases.procedures import OPEN, FormField, KnownValue
from residence.clock import uuid7
from residence.errors import Conflict, Refused

QuestionState = Literal["due", "sending", "silent", "answered", "nobody", "refused", "nothing"]
QUESTION_STATES: Final[tuple[QuestionState, ...]] = get_args(QuestionState)
WAITING: Final[tuple[QuestionState, ...]] = ("due", "silent")
POPULATION: Final = "population"
LOOKED_AT: Final[Mapping[PopulationField, Field]] = {
    "full_name": Field.FULL_NAME,
    "birth_date": Field.BIRTH_DATE,
    "sex": Field.SEX,
}
_TABLE: Final = tables.population_questions
_COLUMNS: Final = _TABLE.c


class QuestionView(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says of a file's question. ``values``: field -> what the database says."""

    state: QuestionState
    wanted: tuple[str, ...]
    code: str | None
    values: dict[str, str]


def ask_population(
    connection: Connection,
    file: Row[Any],
    form: Mapping[FormField, KnownValue],
    *,
    look: Look,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Let the database be asked for what a file lacks; returns the question's id. ``look``: of the officer, for this file."""
    if not is_spoken_to(connection, POPULATION):
        raise Refused("population.away")
    locked = locked_row(connection, tables.procedure_files, file.file_id)  # two officers in the same moment: one of them is told
    wanted = missing_fields(form) if locked is not None and locked.state in OPEN else ()
    if not wanted:
        raise Refused("population.nothing")
    standing = _COLUMNS.state.in_((*WAITING, "sending", "answered", "nobody"))
    if connection.execute(select(_COLUMNS.question_id).where(_COLUMNS.file_id == file.file_id, standing).limit(1)).first():
        raise Conflict("population.asked")
    fields = frozenset(LOOKED_AT[each] for each in wanted)
    access_records.add(connection, [file.person_id], look=look, fields=fields, now=now, random_bytes=random_bytes)
    row = {
        "commune_code": file.commune_code,
        "question_id": str(uuid7(now, random_bytes(10))),
        "file_id": file.file_id,
        "person_id": file.person_id,
        "subject_id": file.subject_id,
        "fields": " ".join(wanted),
        "state": "due",
        "attempts": 0,
        "failures": 0,
        "next_at": now,
        "asked_by": look.account_id,
        "recorded_at": now,
        "changed_at": now,
    }
    connection.execute(insert(_TABLE), [row])
    return str(row["question_id"])


def question_view(connection: Connection, file_id: str, *, vault: Vault) -> QuestionView | None:
    """Return a file's newest question, for whoever may see the file."""
    query = select(_TABLE).where(_COLUMNS.file_id == file_id).order_by(_COLUMNS.recorded_at.desc(), _COLUMNS.question_id.desc())
    row = connection.execute(query.limit(1)).first()
    if row is None:
        return None
    return QuestionView(
        state=row.state, wanted=tuple(row.fields.split()), code=row.code, values=_opened(connection, row, vault=vault)
    )


def answered_values(connection: Connection, person_id: str, *, vault: Vault) -> dict[FormField, str]:
    """Return what the database said of a person, the newest answer first; the caller has written the access record."""
    query = select(_TABLE).where(_COLUMNS.person_id == person_id, _COLUMNS.state == "answered")
    found: dict[FormField, str] = {}
    for row in connection.execute(query.order_by(_COLUMNS.changed_at, _COLUMNS.question_id)).all():
        found |= _opened(connection, row, vault=vault)  # type: ignore[arg-type]
    return found


def sealed_answer(connection: Connection, row: Row[Any], values: Mapping[str, str], *, vault: Vault) -> bytes | None:
    """Seal an answer; None when the person was erased."""
    key = vault.load_keys(connection, [row.subject_id]).get(row.subject_id)
    return vault.seal(key, _cell(row.question_id), msgspec.json.encode(dict(values))) if key else None


def record_asking(connection: Connection, row: Row[Any], *, now: datetime, random_bytes: Callable[[int], bytes]) -> None:
    """Put on the record that the database is told of this person's number now."""
    told = (f"authority:{POPULATION}", row.file_id, frozenset({Field.PERSONAL_NUMBER}))
    access_records.add_telling(
        connection, row.person_id, commune_code=row.commune_code, told=told, now=now, random_bytes=random_bytes
    )


def forget_questions(connection: Connection, person_ids: list[str]) -> None:
    """Delete the questions about erased people."""
    connection.execute(delete(_TABLE).where(_COLUMNS.person_id.in_(person_ids)))


def _opened(connection: Connection, row: Row[Any], *, vault: Vault) -> dict[str, str]:
    key = vault.load_keys(connection, [row.subject_id]).get(row.subject_id)
    if key is None or row.answer_sealed is None:
        return {}
    return msgspec.json.decode(vault.open(key, _cell(row.question_id), row.answer_sealed), type=dict[str, str])


def _cell(question_id: str) -> Cell:
    return Cell("population_questions", "answer", question_id)
