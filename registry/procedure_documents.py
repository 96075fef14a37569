"""A procedure's file as it leaves this system: one JSON document (``luutru-procedure/1``), as it stands or as it was filed.

- The form's known fields stand in its order, each with where its value comes from; a field of the real form that we do not know is not there.
- Every step has its signed slip, which the portal or anybody else checks without us.
- As it was filed it is the same bytes for ever (``as_filed``): form, papers and slip of the first step do not change.

Example: ``exported(connection, row, vault=vault)`` is what ``/me/procedures/<id>/file.json`` gives
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row

from registry.procedures import form_of, procedure_of, steps_of
from registry.vault import Vault
from residence.cases.procedures import SLIP, Procedure, State, due_before
from residence.clock import rfc3339
from residence.wire.answers import answer_text

FORMAT: Final = "luutru-procedure/1"


class ExportedField(msgspec.Struct, frozen=True, kw_only=True):
    """One field. ``number``: the form's own, where it is known; ``source``: register, chip, account, card, declared or typed."""

    name: str
    number: int | None
    value: str
    source: str


class ExportedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``slip``: what its answer is called among the authority's forms; ``signed``: that answer (``LA1:``)."""

    step: str
    slip: str | None
    at: str
    reason: str | None
    legal_basis: str | None
    signed: str


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The document. Times RFC 3339; ``due``: the first moment that is too late, None where no period is known or it stands still."""

    format: str
    file_id: str
    commune_code: str
    procedure: str
    portal_code: str | None
    form: str
    result: str
    article: str
    state: State
    filed_at: str
    due: str | None
    fields: tuple[ExportedField, ...]
    papers: tuple[str, ...]
    steps: tuple[ExportedStep, ...]


def exported(connection: Connection, row: Row[Any], *, vault: Vault) -> Exported:
    """Return a file as a value; the caller has written the access record."""
    rules, form = procedure_of(row), form_of(connection, row, vault=vault)
    return Exported(
        format=FORMAT,
        file_id=row.file_id,
        commune_code=row.commune_code,
        procedure=row.kind,
        portal_code=rules.code or None,
        form=rules.form,
        result=rules.result,
        article=rules.article,
        state=row.state,
        filed_at=rfc3339(row.filed_at),
        due=rfc3339(row.due) if row.due else None,
        fields=tuple(
            ExportedField(name=name, number=_number(rules, place), value=form[name].value, source=form[name].source)
            for place, name in enumerate(rules.fields, 1)
            if name in form
        ),
        papers=tuple(row.papers.split()),
        steps=tuple(_step(each, rules) for each in steps_of(connection, row.file_id)),
    )


def _number(rules: Procedure, place: int) -> int | None:
    """Return the form's own number of a field: in CT01 the addressed authority stands above the first."""
    shift = rules.fields[0] == "authority"
    number = place - shift
    return number if 0 < number <= rules.numbered else None


def _step(row: Row[Any], rules: Procedure) -> ExportedStep:
    slip = rules.result if row.step == "done" else SLIP.get(row.step)
    return ExportedStep(
        step=row.step,
        slip=slip,
        at=rfc3339(row.at),
        reason=row.reason,
        legal_basis=row.legal_basis,
        signed=answer_text(row.slip),
    )


def as_filed(connection: Connection, row: Row[Any], *, vault: Vault) -> bytes | None:
    """Return the document as it was when it was filed, as bytes; None when the person was erased."""
    made = exported(connection, row, vault=vault)
    if not made.fields:
        return None
    due = due_before(procedure_of(row), row.filed_at)
    first = msgspec.structs.replace(made, state="filed", due=rfc3339(due) if due else None, steps=made.steps[:1])
    return msgspec.json.encode(first)
