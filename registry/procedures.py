"""Files of procedures: filed by the person, worked on by an officer, each step answered with a signed slip.

- The form's values are sealed under the person's key, each with where it came from; nothing of them stands in clear.
- One file of a kind for a place is open at a time: ``Conflict("procedure.open")``.
- A step is done once: whoever was slower is told (``Conflict("procedure.changed")``).
- A slip is an answer as the authority signs it (``residence/wire/answers.py``): it names nobody and is checked without us.

Example: ``file_procedure(connection, Filing(...), means=means)`` returns the file's id
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from registry import tables
from registry.changing import is_keepable
from registry.locking import locked_row
from registry.vault import Cell, Vault
from residence.cases.procedures import (
    NEEDS_REASON,
    OPEN,
    FormField,
    KnownValue,
    Procedure,
    Step,
    due_before,
    procedure_on,
    state_after,
)
from residence.clock import VIETNAM, rfc3339, uuid7
from residence.errors import Conflict, Refused
from residence.wire.answers import Answer, sign_answer
from residence.wire.signing import SigningKey

_FILES: Final = tables.procedure_files
_STEPS: Final = tables.procedure_steps
Form = dict[FormField, KnownValue]


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a step works with."""

    vault: Vault
    signer: SigningKey
    now: datetime
    random_bytes: Callable[[int], bytes]


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """What a person files. ``papers``: those still to be brought."""

    person_id: str
    procedure: Procedure
    form: Mapping[FormField, KnownValue]
    papers: tuple[str, ...]
    premises_id: str | None
    by: str


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """One step somebody takes; a reason names nobody."""

    step: Step
    by: str
    reason: str = ""
    legal_basis: str = ""


def file_procedure(connection: Connection, given: Filing, *, means: Means) -> str:
    """Keep a file; returns its id."""
    person = locked_row(connection, tables.persons, given.person_id)
    key = means.vault.load_keys(connection, [given.person_id]).get(given.person_id)
    if person is None or key is None:
        raise Refused("registry.person_unknown")
    same = (
        (_FILES.c.person_id == given.person_id)
        & (_FILES.c.kind == given.procedure.id)
        & _FILES.c.premises_id.is_not_distinct_from(given.premises_id)
        & _FILES.c.state.in_(OPEN)
    )
    if connection.scalar(select(_FILES.c.file_id).where(same).limit(1)) is not None:
        raise Conflict("procedure.open")
    file_id = str(uuid7(means.now, means.random_bytes(10)))
    row = {
        "commune_code": person.commune_code,
        "file_id": file_id,
        "person_id": given.person_id,
        "subject_id": given.person_id,
        "kind": given.procedure.id,
        "premises_id": given.premises_id,
        "form_sealed": means.vault.seal(key, _cell(file_id), msgspec.json.encode(dict(given.form))),
        "papers": " ".join(given.papers),
        "state": "filed",
        "filed_at": means.now,
        "due": due_before(given.procedure, means.now),
        "changed_at": means.now,
    }
    connection.execute(insert(_FILES), [row])
    _add_step(connection, row, Done(step="file", by=given.by), means)
    return file_id


def take_step(connection: Connection, file_id: str, done: Done, *, means: Means) -> None:
    """Take one step with a file, or raise ``Refused("procedure.step" | "procedure.reason")`` / ``Conflict("procedure.changed")``."""
    row = file_of(connection, file_id)
    if row is None:
        raise Refused("procedure.unknown")
    state = state_after(row.state, done.step)
    if (
        (done.step in NEEDS_REASON and not done.reason.strip())
        or not is_keepable(done.reason)
        or not is_keepable(done.legal_basis)
    ):
        raise Refused("procedure.reason", "/reason")
    if done.step == "refuse" and not done.legal_basis.strip():
        raise Refused("rights.basis", "/legal_basis")
    values: dict[str, Any] = {"state": state, "changed_at": means.now}
    if done.step == "supplement":
        values["due"] = None
    elif done.step == "supply":
        values["due"] = due_before(procedure_of(row), means.now)
    same = (_FILES.c.file_id == file_id) & (_FILES.c.state == row.state) & (_FILES.c.changed_at == row.changed_at)
    if connection.execute(update(_FILES).where(same).values(**values)).rowcount != 1:
        raise Conflict("procedure.changed")
    _add_step(connection, row._asdict() | values, done, means)


def _add_step(connection: Connection, row: Mapping[str, Any], done: Done, means: Means) -> None:
    slip = Answer(
        answer_id=row["file_id"],
        answers="procedure",
        subject=row["kind"],
        asked_at=rfc3339(row["filed_at"]),
        due=rfc3339(row["due"]) if row["due"] else "",
        outcome=done.step,
        reason=done.reason.strip(),
        answered_at=rfc3339(means.now),
        legal_basis=done.legal_basis.strip() or None,
    )
    step = {
        "commune_code": row["commune_code"],
        "step_id": str(uuid7(means.now, means.random_bytes(10))),
        "file_id": row["file_id"],
        "place": connection.scalar(select(func.count()).select_from(_STEPS).where(_STEPS.c.file_id == row["file_id"])) or 0,
        "step": done.step,
        "at": means.now,
        "by": done.by,
        "reason": done.reason.strip() or None,
        "legal_basis": done.legal_basis.strip() or None,
        "slip": sign_answer(slip, means.signer),
    }
    connection.execute(insert(_STEPS), [step])


def file_of(connection: Connection, file_id: str) -> Row[Any] | None:
    """Return one file."""
    return connection.execute(select(_FILES).where(_FILES.c.file_id == file_id).limit(1)).first()


def files_of(connection: Connection, person_id: str) -> list[Row[Any]]:
    """Return a person's files, the youngest first."""
    query = select(_FILES).where(_FILES.c.person_id == person_id)
    return list(connection.execute(query.order_by(_FILES.c.filed_at.desc(), _FILES.c.file_id.desc())).all())


def open_files(connection: Connection, commune_code: str, *, limit: int = 200) -> list[Row[Any]]:
    """Return a commune's files that wait for somebody, those with the nearest deadline first."""
    query = select(_FILES).where(_FILES.c.commune_code == commune_code, _FILES.c.state.in_(OPEN))
    rows = connection.execute(query.order_by(_FILES.c.filed_at, _FILES.c.file_id).limit(limit)).all()
    return sorted(rows, key=lambda row: (row.due is None, row.due or row.filed_at, row.file_id))


def steps_of(connection: Connection, file_id: str) -> list[Row[Any]]:
    """Return what was done with a file, oldest first."""
    query = select(_STEPS).where(_STEPS.c.file_id == file_id)
    return list(connection.execute(query.order_by(_STEPS.c.place)).all())


def form_of(connection: Connection, row: Row[Any], *, vault: Vault) -> Form:
    """Return what stands in a file's form; the caller writes the access record. Empty when the person was erased."""
    key = vault.load_keys(connection, [row.subject_id]).get(row.subject_id)
    if key is None:
        return {}
    return msgspec.json.decode(vault.open(key, _cell(row.file_id), row.form_sealed), type=Form)


def procedure_of(row: Row[Any]) -> Procedure:
    """Return the rules a file was filed under."""
    return procedure_on(row.kind, row.filed_at.astimezone(VIETNAM).date())


def _cell(file_id: str) -> Cell:
    return Cell("procedure_files", "form", file_id)
