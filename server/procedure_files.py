"""A procedure's file as it leaves this system: one JSON document (``luutru-procedure/1``) and one printable page, from the same value.

- The form's known fields stand in its order, each with where its value comes from; a field of the real form that we do not know is not there.
- Every step has its signed slip, which the portal or anybody else checks without us.

Example: ``exported(connection, row, vault=vault)`` is what ``/me/procedures/<id>/file.json`` gives
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row

from registry.procedures import form_of, procedure_of, steps_of
from registry.vault import Vault
from residence.cases.procedures import SLIP, Procedure, State, last_day
from residence.clock import parse_instant, rfc3339
from residence.wire.answers import answer_text
from server.languages import Language
from server.pages import day, field_value, wall
from server.paper import Paper
from server.wording import word

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


def procedure_paper(made: Exported, *, language: Language) -> bytes:
    """Return the file as PDF: the form's fields, the papers to bring, what was done, and the newest slip as a code."""
    title = word("procedure", made.procedure, language=language)
    paper = Paper(title=title, language=language, made_at=parse_instant(made.steps[-1].at))
    paper.text(word("procedure_paper", "draft", language=language), size=9)
    paper.heading(f"{title} ({made.form})", size=17)
    paper.facts([(word("procedure_paper", name, language=language), value) for name, value in _heads(made, language) if value])
    paper.line()
    paper.facts([(_label(each, language), shown_value(each, language)) for each in made.fields])
    for each in made.papers:
        paper.text("☐ " + word("procedure_document", each, language=language), bold=True)
    paper.line()
    for step in made.steps:
        said = f" ({step.slip})" if step.slip else ""
        reason = f": {step.reason}" if step.reason else ""
        paper.text(
            f"{wall(step.at, language=language)}  {word('procedure_step', step.step, language=language)}{said}{reason}", size=9
        )
    paper.code(made.steps[-1].signed, word("procedure_paper", "slip", language=language))
    paper.text(f"{word('procedure_paper', 'signature', language=language)} ____________________", size=11)
    return paper.content()


def _heads(made: Exported, language: Language) -> list[tuple[str, str]]:
    return [
        ("code", made.portal_code or ""),
        ("article", made.article),
        ("file", made.file_id),
        ("state", word("procedure_state", made.state, language=language)),
        ("filed", wall(made.filed_at, language=language)),
        ("due", day(last_day(parse_instant(made.due))) if made.due else ""),
    ]


def _label(field: ExportedField, language: Language) -> str:
    name = word("procedure_field", field.name, language=language)
    return f"{field.number}. {name}" if field.number else name


def shown_value(field: ExportedField, language: Language) -> str:
    """Return a field's value in words: sex is kept as a code."""
    return field_value("sex", field.value, language=language) if field.name == "sex" else field.value
