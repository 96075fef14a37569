"""A procedure's file as a page to print, from the same value as its JSON (``registry/procedure_documents.py``).

- It is written for an office that reads Vietnamese; to whoever reads another language than that or English, each word is said in theirs beside it.
  What stands in a field is not translated, but for codes: it is what was filed.

Example: ``procedure_paper(made, language="vi")`` is what ``/me/procedures/<id>/pdf`` gives
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from registry.procedure_documents import Exported, ExportedField
from residence.cases.procedures import last_day
from residence.clock import parse_instant
from server.languages import Language
from server.pages import day, field_value, wall
from server.paper import Paper
from server.wording import word


def procedure_paper(made: Exported, *, language: Language) -> bytes:
    """Return the file as PDF: the form's fields, the papers to bring, what was done, and the newest slip as a code."""
    written: Language = "en" if language == "en" else "vi"
    said = partial(_both, written=written, beside=language)
    paper = Paper(
        title=word("procedure", made.procedure, language=written), language=written, made_at=parse_instant(made.steps[-1].at)
    )
    if language != written:
        paper.text(word("procedure_paper", "beside", language=language), size=9)
    paper.text(said("procedure_paper", "draft"), size=9)
    paper.heading(f"{said('procedure', made.procedure)} ({made.form})", size=17)
    paper.facts([(said("procedure_paper", name), value) for name, value in _heads(made, said, written) if value])
    paper.line()
    paper.facts([(_label(each, said), _value(each, said)) for each in made.fields])
    for each in made.papers:
        paper.text("☐ " + said("procedure_document", each), bold=True)
    paper.line()
    for step in made.steps:
        slip = f" ({step.slip})" if step.slip else ""
        reason = f": {step.reason}" if step.reason else ""
        paper.text(f"{wall(step.at, language=written)}  {said('procedure_step', step.step)}{slip}{reason}", size=9)
    paper.code(made.steps[-1].signed, said("procedure_paper", "slip"))
    paper.text(f"{said('procedure_paper', 'signature')} ____________________", size=11)
    return paper.content()


def _both(kind: str, value: str, *, written: Language, beside: Language) -> str:
    """Return a word as the office reads it, and as the person does where that is another language."""
    own = word(kind, value, language=beside)
    first = word(kind, value, language=written)
    return first if own == first else f"{first} · {own}"


def _heads(made: Exported, said: Callable[[str, str], str], written: Language) -> list[tuple[str, str]]:
    return [
        ("code", made.portal_code or ""),
        ("article", made.article),
        ("file", made.file_id),
        ("state", said("procedure_state", made.state)),
        ("filed", wall(made.filed_at, language=written)),
        ("due", day(last_day(parse_instant(made.due))) if made.due else ""),
    ]


def _label(field: ExportedField, said: Callable[[str, str], str]) -> str:
    name = said("procedure_field", field.name)
    return f"{field.number}. {name}" if field.number else name


def _value(field: ExportedField, said: Callable[[str, str], str]) -> str:
    return said("sex", field.value) if field.name == "sex" else field.value


def shown_value(field: ExportedField, language: Language) -> str:
    """Return a field's value in words: sex is kept as a code."""
    return field_value("sex", field.value, language=language) if field.name == "sex" else field.value
