"""The part of a declaration's check that is about the person: name, birth, numbers, document, permitted stay.

- Citizens and foreigners are told apart by nationality alone.
- Since 2026-07-01 a birth date is mandatory; a year or month is enough and only warned about. Who has no papers and does not know it is
  accepted with a warning.
- The document kinds an article does not name are a warning: the statute dropped the CMND, the ministry's form still takes it.
- The end of a foreigner's permitted stay is not the passport's expiry and never lies before the planned departure.

Example: a newborn without a number gives the warning ``declaration.newborn`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from residence.clock import VIETNAM
from residence.errors import Problem, problem
from residence.people.dated_codes import check_days, country_days
from residence.people.documents import DOCUMENT_DAYS, DOCUMENT_RULES, check_document, is_country_code
from residence.people.names import check_name, check_text
from residence.people.old_number import is_old_number
from residence.people.partial_dates import earliest, is_possible
from residence.people.person import DocumentKind, PartialDate, Person
from residence.people.personal_number import check_personal_number
from residence.stays.deadlines import person_kind
from residence.stays.declaration import StayDeclaration
from residence.stays.known import numbers_of
from residence.stays.rules import RuleSet
from residence.stays.spans import instant

# Only decides which of two warnings is shown; how soon a birth must be registered is not stated here.
NEWBORN_WITHIN: Final = timedelta(days=90)
LONGEST_RESIDENCE: Final = 300
LONGEST_NUMBER: Final = 40
_CARDS: Final = frozenset({DocumentKind.CARD_2021, DocumentKind.CARD_2024})


def check_person(declaration: StayDeclaration, *, rule_set: RuleSet | None, now: datetime) -> Iterator[Problem]:
    """Return every problem of the declared person. Without a rule set nothing is mandatory."""
    person = declaration.person
    yield from check_name(person.full_name, "/person/full_name")
    if person.residence_text is not None:
        yield from check_text(person.residence_text, "/person/residence_text", longest=LONGEST_RESIDENCE)
    if person.sex is None:
        yield problem("declaration.sex_missing", "/person/sex")
    if not is_country_code(person.nationality):
        yield problem("person.country_malformed", "/person/nationality")
    birth = person.birth if person.birth is not None and is_possible(person.birth) else None
    yield from _check_birth(declaration, rule_set, birth)
    yield from _check_numbers(person, birth)
    yield from _check_papers(declaration, rule_set)
    if rule_set is not None:
        yield from _check_codes(declaration)
    if person_kind(person) == "foreigner":
        yield from _check_foreigner(declaration, now)


def _has_papers(person: Person) -> bool:
    return bool(person.personal_number or numbers_of(person)) or (
        person.document is not None and person.document.kind is not DocumentKind.NONE
    )


def _check_birth(declaration: StayDeclaration, rule_set: RuleSet | None, birth: PartialDate | None) -> Iterator[Problem]:
    """``birth`` is the stated one if such a date is possible."""
    if declaration.person.birth is None:
        if rule_set is not None and "birth_date" in rule_set.required_fields:
            yield problem(
                "declaration.birth_missing" if _has_papers(declaration.person) else "declaration.birth_unknown", "/person/birth"
            )
        return
    arrival = instant(declaration.arrival)
    if birth is None or (arrival is not None and earliest(birth) > arrival.astimezone(VIETNAM).date()):
        yield problem("declaration.birth_impossible", "/person/birth")
    elif birth.precision != "day":
        yield problem("declaration.birth_partial", "/person/birth")


def _check_numbers(person: Person, birth: PartialDate | None) -> Iterator[Problem]:
    if person.personal_number is not None:
        yield from check_personal_number(person.personal_number, sex=person.sex, birth=birth, pointer="/person/personal_number")
    if person.old_number is not None and not is_old_number(person.old_number):
        yield problem("old-number.malformed", "/person/old_number")
    for index, number in enumerate(person.cancelled_numbers):
        yield from check_personal_number(number, sex=None, birth=None, pointer=f"/person/cancelled_numbers/{index}")
    document = person.document
    if document is None:
        return
    yield from check_document(document, "/person/document")
    if document.number is not None:
        yield from check_text(document.number, "/person/document/number", longest=LONGEST_NUMBER)
    if document.kind in _CARDS and document.number and person.personal_number and document.number != person.personal_number:
        yield problem("declaration.numbers_differ", "/person/document/number")


def _check_papers(declaration: StayDeclaration, rule_set: RuleSet | None) -> Iterator[Problem]:
    """Warn about missing or unusual papers; the only error is a chosen kind whose number was left out."""
    person = declaration.person
    document = person.document
    if not _has_papers(person):
        yield problem("declaration.newborn" if _is_newborn(declaration) else "declaration.no_papers", "/person/document")
        return
    if document is None or document.kind is DocumentKind.NONE:
        return
    if document.number is None and person.personal_number is None and DOCUMENT_RULES[document.kind].number is not None:
        yield problem("declaration.number_missing", "/person/document/number")
    if rule_set is not None and document.kind.value not in rule_set.accepted_ids and person.personal_number is None:
        yield problem("declaration.id_not_in_article", "/person/document/kind")


def _check_codes(declaration: StayDeclaration) -> Iterator[Problem]:
    """Refuse a country or a kind of document that did not exist on the day the stay began."""
    began = instant(declaration.arrival)
    if began is None:
        return
    day, person = began.astimezone(VIETNAM).date().isoformat(), declaration.person
    yield from check_days(person.nationality, country_days().get(person.nationality), day=day, pointer="/person/nationality")
    if person.document is not None:
        kind = person.document.kind
        yield from check_days(kind, DOCUMENT_DAYS[kind], day=day, pointer="/person/document/kind")


def _is_newborn(declaration: StayDeclaration) -> bool:
    birth, arrival = declaration.person.birth, instant(declaration.arrival)
    if birth is None or arrival is None or birth.precision != "day" or not is_possible(birth):
        return False
    return earliest(birth) >= arrival.astimezone(VIETNAM).date() - NEWBORN_WITHIN


def _check_foreigner(declaration: StayDeclaration, now: datetime) -> Iterator[Problem]:
    document = declaration.person.document
    if document is None or document.kind is not DocumentKind.PASSPORT:
        yield problem("declaration.passport_missing", "/person/document")
    if declaration.permitted_stay_until is None:
        yield problem("declaration.permitted_stay_missing", "/permitted_stay_until")
        return
    if not is_possible(PartialDate(value=declaration.permitted_stay_until, precision="day")):
        yield problem("declaration.permitted_stay_malformed", "/permitted_stay_until")
        return
    last = date.fromisoformat(declaration.permitted_stay_until)
    if document is not None and document.expiry == last.isoformat():
        yield problem("declaration.permitted_stay_is_expiry", "/permitted_stay_until")
    departure = instant(declaration.planned_departure)
    if departure is not None and last < departure.astimezone(VIETNAM).date():
        yield problem("declaration.permitted_stay_too_short", "/permitted_stay_until")
    elif last < now.astimezone(VIETNAM).date():
        yield problem("declaration.permitted_stay_over", "/permitted_stay_until")
