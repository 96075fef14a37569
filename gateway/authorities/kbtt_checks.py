"""What keeps a task from the ministry's form, before anybody is asked: the document's validations as far as they can be seen from here.

- All problems at once, each with a pointer into the declaration and a sentence that says who has to do what.
- Codes in ``OTHER_CHANNEL`` are not the clerk's fault: the form has no place for the truth, and another channel does.
- What nobody knows (year-only dates, the changes of foreigners) is refused here unless a setting answers it.

Example: ``problems_of(task, settings)[0].code == "authority.no_papers"``
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.authorities.kbtt_mapping import birth_kind, document_code, number_of
from gateway.authorities.port import Task
from gateway.authorities.settings import KbttSettings
from residence.clock import VIETNAM
from residence.errors import Problem, problem
from residence.people.documents import check_document
from residence.people.person import DocumentKind, PartialDate
from residence.places.premises import UNIT_MANDATORY
from residence.stays.known import numbers_of
from residence.stays.reasons import NEEDS_TEXT

OTHER_CHANNEL: Final = frozenset(
    {
        "authority.no_papers",
        "authority.document_not_taken",
        "authority.birth_inexact",
        "authority.no_address_for_change",
        "authority.nationality_unknown",
        "authority.reason_unknown",
        "authority.document_unknown",
    }
)
_FILE_ONLY: Final = 9  # a document type of the file template only


def problems_of(task: Task, settings: KbttSettings) -> tuple[Problem, ...]:
    """Return every problem of one task."""
    found = [*_document(task)]
    if task.operation != "arrival":
        path = settings.paths.change_foreigner if task.is_foreigner else settings.paths.change
        return tuple(found) if path else (*found, problem("authority.no_address_for_change", "/kind"))
    found += _person(task, settings)
    if task.unit is None and task.premises_kind in UNIT_MANDATORY:
        found.append(problem("authority.room_missing", "/unit"))
    found += _foreigner(task) if task.is_foreigner else _reason(task)
    return tuple(found)


def _person(task: Task, settings: KbttSettings) -> Iterator[Problem]:
    person = task.declaration.person
    if person.sex is None:
        yield problem("authority.sex_missing", "/person/sex")
    if person.birth is None:
        yield problem("authority.birth_missing", "/person/birth")
    elif not _birth_fits(person.birth, task, settings):
        yield problem("authority.birth_inexact", "/person/birth")


def _birth_fits(birth: PartialDate, task: Task, settings: KbttSettings) -> bool:
    if task.is_foreigner:
        return birth_kind(birth, settings) is not None
    return birth.precision == "day" or settings.partial_birth == "first-day"


def _document(task: Task) -> Iterator[Problem]:
    document = task.declaration.person.document
    if document is None and numbers_of(task.declaration.person):
        yield problem("authority.document_kind_missing", "/person/document/kind")
    elif document is None or document.kind is DocumentKind.NONE:
        yield problem("authority.no_papers", "/person/document")
    elif document_code(document) == _FILE_ONLY or (task.is_foreigner and document.kind is not DocumentKind.PASSPORT):
        yield problem("authority.document_not_taken", "/person/document/kind")
    elif not number_of(task.declaration.person):
        yield problem("authority.number_missing", "/person/document/number")
    elif any(each.pointer.endswith("/number") for each in check_document(document, "/person/document")):
        yield problem("authority.number_shape", "/person/document/number")


def _reason(task: Task) -> Iterator[Problem]:
    said = task.declaration
    if said.reason is None:
        yield problem("authority.reason_missing", "/reason")
    elif said.reason in NEEDS_TEXT and not said.reason_text:
        yield problem("authority.reason_text_missing", "/reason_text")


def _foreigner(task: Task) -> Iterator[Problem]:
    until = task.declaration.permitted_stay_until
    if until is None:
        yield problem("authority.permitted_missing", "/permitted_stay_until")
    elif until < task.arrival.astimezone(VIETNAM).date().isoformat():
        yield problem("authority.permitted_ended", "/permitted_stay_until")
