"""The typed questions for somebody without a card: which come, in which order, and what a typed answer means.

- One question after the other; only the name and "Vietnamese or another country" must be answered. What nobody said is not asserted:
  the nationality decides by which law the stay is declared, so it is asked and never taken for granted.
- Who is Vietnamese is asked for the personal number; who is not for country, passport and the end of the permitted stay. Where a passport can
  be laid on a reader its date of expiry is asked, too, for the chip is opened with it.
- A short list of countries and, for any other, the code in the passport. Not known, or none, is ``XXX`` (ICAO Doc 9303: unspecified).
- Who has no papers at all is not asked for numbers, and is asked for anything they want to say in their own words.
- An answer that changes which questions come forgets the answers to those that no longer do.
- Typed answers are level 0 (*stated*) and say so.

Example: ``next_question("sex", typed) == "nationality"``
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Final, get_args

from edge_agent.kiosk.draft import TypedPerson
from edge_agent.kiosk.states import Moment, TypedField
from firmware_config.profiles import KioskProfile
from residence.clock import VIETNAM
from residence.credentials.evidence import Evidence, EvidenceLevel, Reading
from residence.errors import Problem, problem
from residence.people.documents import check_document, is_country_code
from residence.people.letters import stored_form
from residence.people.names import check_name, check_text
from residence.people.partial_dates import earliest, partial_date
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.people.personal_number import is_personal_number
from residence.stays.check import LONGEST

QUESTIONS: Final[tuple[TypedField, ...]] = get_args(TypedField)
FIRST: Final[TypedField] = QUESTIONS[0]
VIETNAMESE: Final = "VNM"
UNSPECIFIED: Final = "XXX"
ELSEWHERE: Final = "other"  # a country that is not on the buttons
# The short list, in the order of the buttons; every other country is typed as its code.
COUNTRIES: Final = ("CHN", "KOR", "JPN", "KHM", "LAO", "THA", "USA", "RUS", "FRA", "GBR", "AUS")
_SIGNS: Final = re.compile(r"[\s/.-]")


def comes(asked: TypedField, typed: TypedPerson) -> bool:
    """Tell whether a question is asked of this person."""
    foreign = typed.nationality is not None and typed.nationality != VIETNAMESE
    if typed.paperless and asked in {"passport", "expires", "permitted", "number"}:
        return False
    match asked:
        case "words":
            return typed.paperless
        case "country" | "passport" | "permitted":
            return foreign
        case "code":
            return foreign and typed.elsewhere
        case "expires":
            return foreign and typed.has_reader and typed.passport is not None
        case "number":
            return not foreign
        case _:
            return True


def next_question(asked: TypedField, typed: TypedPerson) -> TypedField | None:
    """Return the question after this one, None after the last."""
    return next((each for each in QUESTIONS[QUESTIONS.index(asked) + 1 :] if comes(each, typed)), None)


def question_before(asked: TypedField, typed: TypedPerson) -> TypedField | None:
    """Return the question before this one, None before the first."""
    return next((each for each in reversed(QUESTIONS[: QUESTIONS.index(asked)]) if comes(each, typed)), None)


def stated(typed: TypedPerson, profile: KioskProfile) -> Reading:
    """Return what was typed as a reading of level 0."""
    nationality = typed.nationality or UNSPECIFIED
    passport = (
        Document(kind=DocumentKind.PASSPORT, number=typed.passport, issuer=nationality, expiry=typed.expires)
        if typed.passport
        else None
    )
    person = Person(
        full_name=typed.full_name,
        birth=typed.birth,
        sex=typed.sex,
        nationality=nationality,
        personal_number=typed.number,
        document=passport or Document(kind=DocumentKind.NONE),
    )
    reader = "kiosk:typed" if profile.role == "self" else "desk:typed"
    return Reading(person=person, evidence=Evidence(level=EvidenceLevel.STATED, source="typed", reader=reader))


def answered(typed: TypedPerson, asked: TypedField, text: str, now: Moment) -> TypedPerson | Problem:
    """Return the person with one more answer, or what is wrong with the answer."""
    text = stored_form(" ".join(text.split()))
    match asked:
        case "name":
            return _wrong(check_name(text, "/person/full_name")) or replace(typed, full_name=text)
        case "birth":
            birth = _birth(text, now.wall.astimezone(VIETNAM).date())
            return replace(typed, birth=birth) if birth or not text else problem("kiosk.birth_unreadable", "/person/birth")
        case "sex":
            return replace(typed, sex="male" if text == "male" else "female" if text == "female" else None)
        case "number":
            digits = text.replace(" ", "").replace(".", "")
            if digits and not is_personal_number(digits):
                return problem("kiosk.number_unreadable", "/person/personal_number")
            return replace(typed, number=digits or None)
        case "words":
            wrong = _wrong(check_text(text, "/note", longest=LONGEST["note"])) if text else None
            return wrong or replace(typed, words=text or None)
        case "helper":
            wrong = _wrong(check_name(text, "/declarant/helper")) if text else None
            return wrong or replace(typed, helper=text or None)
        case _:
            return _about_origin(typed, asked, text)


def _about_origin(typed: TypedPerson, asked: TypedField, text: str) -> TypedPerson | Problem:
    """Take an answer about nationality, passport or permitted stay."""
    match asked:
        case "nationality" if text == ELSEWHERE:
            known = typed.nationality if typed.nationality != VIETNAMESE else None
            return replace(typed, nationality=known or UNSPECIFIED, number=None)
        case "nationality":
            return _vietnamese(typed) if text == VIETNAMESE else problem("kiosk.nationality_missing", "/person/nationality")
        case "country" if text == ELSEWHERE:
            return replace(typed, elsewhere=True)
        case "country" if text in {"", *COUNTRIES}:
            return replace(typed, nationality=text or UNSPECIFIED, elsewhere=False)
        case "country" | "code":
            return _from_code(typed, text.upper())
        case "passport":
            return _with_passport(typed, _SIGNS.sub("", text).upper())
        case "expires":
            last = whole_day(text, "/person/document/expiry")
            return last if isinstance(last, Problem) else replace(typed, expires=last)
        case _:
            last = whole_day(text, "/permitted_stay_until")
            return last if isinstance(last, Problem) else replace(typed, permitted_until=last)


def whole_day(text: str, pointer: str) -> str | Problem | None:
    """Return the day a typed answer names, None when it was skipped."""
    day = _whole_date(text)
    return problem("kiosk.date_unreadable", pointer) if text and day is None else day


def _vietnamese(typed: TypedPerson) -> TypedPerson:
    return replace(typed, nationality=VIETNAMESE, elsewhere=False, passport=None, expires=None, permitted_until=None)


def _from_code(typed: TypedPerson, code: str) -> TypedPerson | Problem:
    if code == VIETNAMESE:
        return _vietnamese(typed)
    if code and not is_country_code(code):
        return problem("person.country_malformed", "/person/nationality")
    return replace(typed, nationality=code or UNSPECIFIED)


def _with_passport(typed: TypedPerson, number: str) -> TypedPerson | Problem:
    document = Document(kind=DocumentKind.PASSPORT, number=number or None)
    return _wrong(check_document(document, "/person/document")) or replace(
        typed, passport=number or None, expires=typed.expires if number else None
    )


def _wrong(problems: tuple[Problem, ...]) -> Problem | None:
    return next((each for each in problems if each.severity == "error"), None)


def _birth(text: str, today: date) -> PartialDate | None:
    """Read a past date, month or year; None when it is none."""
    birth = _date(text)
    return birth if birth and earliest(birth) <= today else None


def _whole_date(text: str) -> str | None:
    read = _date(text)
    return read.value if read and read.precision == "day" else None


def _date(text: str) -> PartialDate | None:
    """Read ``ddmmyyyy``, ``mmyyyy`` or ``yyyy``, with or without signs between."""
    digits = _SIGNS.sub("", text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in {4, 6, 8}:
        return None
    day, month = int(digits[:-6] or 0), int(digits[:-4][-2:] or 0)
    return partial_date(int(digits[-4:]), month, day)
