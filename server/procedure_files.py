"""A procedure's file as a page to print, from the same value as its JSON (``registry/procedure_documents.py``).

Example: ``procedure_paper(made, language="vi")`` is what ``/me/procedures/<id>/pdf`` gives
"""

from __future__ import annotations

from registry.procedure_documents import Exported, ExportedField
from residence.cases.procedures import last_day
from residence.clock import parse_instant
from server.languages import Language
from server.pages import day, field_value, wall
from server.paper import Paper
from server.wording import word


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
