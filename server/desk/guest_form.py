"""A guest's form: from the fields of a page to a stay declaration with every problem beside its field, and back.

- Pure: the form is a mapping of texts; now, premises and rules are passed in. What is wrong with the *writing* (an unreadable date) is
  found here; what is wrong with the *stay* is found by ``residence.stays.check``, the same function the gateway and kiosk use.
- The evidence level is worked out again from the card's text, never taken from the form: fields that differ from the card are typed.
- A person without papers is declared like anybody else: no number and the document "none".
- ``FIELDS`` maps a problem's JSON pointer to the field it stands beside.

Example: ``read_form({"full_name": "Trần Văn An", ...}, ...)`` -> ``FormResult(declaration=..., problems=())``
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, get_args

import msgspec

from residence.clock import VIETNAM, rfc3339
from residence.credentials.card_qr import DEFAULT_POLICY, CardPolicy
from residence.credentials.chip.claims import said_again
from residence.credentials.evidence import Evidence, EvidenceLevel, Reading
from residence.errors import Problem, problem
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.stays.declaration import Declarant, DeclarationKind, LateCause, Reason, StayDeclaration
from server.desk.card_text import read_card_text

# JSON pointer of a problem -> field of the form; the longest fitting pointer wins.
FIELDS: Final = {
    "/person/full_name": "full_name",
    "/person/birth": "birth",
    "/person/sex": "sex",
    "/person/nationality": "nationality",
    "/person/personal_number": "personal_number",
    "/person/old_number": "personal_number",
    "/person/document/kind": "document_kind",
    "/person/document/number": "document_number",
    "/person/document": "document_kind",
    "/person/residence_text": "residence_text",
    "/person": "full_name",
    "/premises_id": "premises_id",
    "/unit": "unit",
    "/arrival": "arrival",
    "/planned_departure": "planned_departure",
    "/permitted_stay_until": "permitted_stay_until",
    "/late_cause": "late_cause",
    "/number": "number",
    "/party": "full_name",
    "/accompanied_by": "accompanied_by",
    "/reason_text": "reason_text",
    "/reason": "reason",
    "/note": "note",
}
_DATE_PATTERNS: Final = (
    (re.compile(r"(?P<d>\d{1,2})[/.\- ](?P<m>\d{1,2})[/.\- ](?P<y>\d{4})"), "day"),
    (re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"), "day"),
    (re.compile(r"(?P<m>\d{1,2})[/.\- ](?P<y>\d{4})"), "month"),
    (re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})"), "month"),
    (re.compile(r"(?P<y>\d{4})"), "year"),
)


class FormContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the form is read in: who fills it in, when, and what the statement is about."""

    now: datetime
    account_id: str
    account_name: str
    card_policy: CardPolicy = DEFAULT_POLICY
    kind: DeclarationKind = "arrival"
    about: str | None = None
    declarant: Literal["host", "self", "officer", "household"] = "host"
    shown: Reading | None = None  # what a kiosk of the desk read
    before: StayDeclaration | None = None  # what is being corrected: its evidence stands while its fields do


class FormResult(msgspec.Struct, frozen=True, kw_only=True):
    """The declaration as far as it could be read, and what could not be."""

    declaration: StayDeclaration
    problems: tuple[Problem, ...]


def field_of(pointer: str) -> str:
    """Return the form field a problem belongs to; what fits nowhere stands at the name.

    >>> field_of("/person/birth/value")
    'birth'
    """
    fitting = [known for known in FIELDS if pointer == known or pointer.startswith(known + "/")]
    return FIELDS[max(fitting, key=len)] if fitting else "full_name"


def read_form(form: Mapping[str, str], *, context: FormContext) -> FormResult:
    """Read a submitted form."""
    problems: list[Problem] = []
    texts = {name: value.strip() for name, value in form.items()}
    reading = card_reading(texts.get("card_text", ""), now=context.now, policy=context.card_policy) or context.shown
    if reading is None and context.before is not None:
        reading = Reading(person=context.before.person, evidence=said_again(context.before.evidence))
    person = _person(texts, reading, problems)
    declaration = StayDeclaration(
        declaration_id=texts.get("declaration_id", ""),
        declared_at=rfc3339(context.now),
        kind=context.kind,
        about=context.about,
        person=person,
        evidence=_evidence(person, reading, attested_by=context.account_id if texts.get("attested") == "yes" else None),
        declarant=_declarant(context),
        premises_id=texts.get("premises_id", ""),
        unit=texts.get("unit") or None,
        arrival=_moment(texts, "arrival", problems, required=True) or "",
        planned_departure=_moment(texts, "planned_departure", problems, required=False),
        reason=_reason(texts, problems),
        reason_text=texts.get("reason_text") or None,
        permitted_stay_until=_day(texts, "permitted_stay_until", problems),
        note=texts.get("note") or None,
        late_cause=_late_cause(texts, problems),
        party=texts.get("party") or None,
        accompanied_by=texts.get("accompanied_by") or None,
    )
    return FormResult(declaration=declaration, problems=tuple(problems))


def _declarant(context: FormContext) -> Declarant:
    if context.declarant == "self":
        return Declarant(role="self")
    return Declarant(role=context.declarant, name=context.account_name or None, account=context.account_id)


def _person(texts: Mapping[str, str], read: Reading | None, problems: list[Problem]) -> Person:
    name = texts.get("full_name", "")
    if not name:
        problems.append(problem("server.form_field_missing", "/person/full_name"))
    number = texts.get("personal_number", "").replace(" ", "").replace(".", "")
    return Person(
        full_name=name,
        birth=_birth(texts, problems),
        sex="male" if texts.get("sex") == "male" else "female" if texts.get("sex") == "female" else None,
        nationality=texts.get("nationality", "VNM").upper() or "VNM",
        personal_number=number or None,
        old_number=read.person.old_number if read else None,
        document=_document(texts, problems),
        residence_text=texts.get("residence_text") or None,
        name_quality=read.person.name_quality if read and read.person.full_name == name else "full",
    )


def _document(texts: Mapping[str, str], problems: list[Problem]) -> Document | None:
    kind = texts.get("document_kind", "")
    if not kind:
        if texts.get("document_number", "") not in {"", texts.get("personal_number", "")}:
            problems.append(problem("server.form_document_kind", "/person/document/kind"))
        return None
    if kind not in set(DocumentKind):
        problems.append(problem("server.form_choice", "/person/document/kind"))
        return None
    issuer = texts.get("nationality", "VNM").upper() if kind == DocumentKind.PASSPORT else "VNM"
    return Document(kind=DocumentKind(kind), number=texts.get("document_number") or None, issuer=issuer or "VNM")


def _birth(texts: Mapping[str, str], problems: list[Problem]) -> PartialDate | None:
    text = texts.get("birth", "")
    if not text:
        return None
    read = partial_date_of(text)
    if read is None:
        problems.append(problem("server.form_date", "/person/birth"))
    return read


def partial_date_of(text: str) -> PartialDate | None:
    """Read a date written day first, or a month, or a year; whether it exists is for the check to say.

    >>> partial_date_of("1/2/1995").value, partial_date_of("1995").precision
    ('1995-02-01', 'year')
    """
    for pattern, precision in _DATE_PATTERNS:
        match = pattern.fullmatch(text)
        if match:
            parts = match.groupdict()
            value = "-".join(parts[key].zfill(2) for key in ("y", "m", "d") if key in parts)
            return msgspec.convert({"value": value, "precision": precision}, PartialDate)
    return None


def _moment(texts: Mapping[str, str], name: str, problems: list[Problem], *, required: bool) -> str | None:
    """Read ``datetime-local`` text as Vietnam's time."""
    text = texts.get(name, "")
    if not text:
        if required:
            problems.append(problem("server.form_field_missing", f"/{name}"))
        return None
    try:
        return rfc3339(datetime.fromisoformat(text).replace(tzinfo=VIETNAM))
    except ValueError:
        problems.append(problem("server.form_date", f"/{name}"))
        return None


def _day(texts: Mapping[str, str], name: str, problems: list[Problem]) -> str | None:
    text = texts.get(name, "")
    if not text:
        return None
    read = partial_date_of(text)
    if read is None or read.precision != "day":
        problems.append(problem("server.form_date", f"/{name}"))
        return None
    return read.value


def _reason(texts: Mapping[str, str], problems: list[Problem]) -> Reason | None:
    text = texts.get("reason", "")
    if text and text not in set(Reason):
        problems.append(problem("server.form_choice", "/reason"))
        return None
    return Reason(text) if text else None


def _late_cause(texts: Mapping[str, str], problems: list[Problem]) -> LateCause | None:
    text = texts.get("late_cause", "")
    found = next((each for each in get_args(LateCause) if each == text), None)
    if text and found is None:
        problems.append(problem("server.form_choice", "/late_cause"))
    return found


def card_reading(text: str, *, now: datetime, policy: CardPolicy = DEFAULT_POLICY) -> Reading | None:
    """Return the reading of the card text that came with the form, if it is a card or a zone."""
    return read_card_text(text, now=now, policy=policy).reading if text else None


def _evidence(person: Person, reading: Reading | None, *, attested_by: str | None) -> Evidence:
    same = ("full_name", "birth", "personal_number")
    if reading is not None and all(getattr(reading.person, name) == getattr(person, name) for name in same):
        shown = reading.evidence
    else:
        shown = Evidence(level=EvidenceLevel.STATED, source="typed", reader="desk:typed")
    if attested_by:
        return msgspec.structs.replace(shown, level=EvidenceLevel.ATTESTED, attested_by=attested_by)
    return shown


def form_of(person: Person) -> dict[str, str]:
    """Return the form fields of a person, to fill a page in from a card or an earlier declaration."""
    document = person.document
    return {
        "full_name": person.full_name,
        "birth": "/".join(reversed(person.birth.value.split("-"))) if person.birth else "",
        "sex": person.sex or "",
        "nationality": person.nationality,
        "personal_number": person.personal_number or "",
        "document_kind": document.kind.value if document else "",
        "document_number": (document.number or "") if document else "",
        "residence_text": person.residence_text or "",
    }


def form_of_declaration(declaration: StayDeclaration) -> dict[str, str]:
    """Return the form fields of a declaration, to correct it."""
    return form_of(declaration.person) | {
        "premises_id": declaration.premises_id,
        "unit": declaration.unit or "",
        "arrival": _local(declaration.arrival),
        "planned_departure": _local(declaration.planned_departure),
        "reason": declaration.reason.value if declaration.reason else "",
        "reason_text": declaration.reason_text or "",
        "permitted_stay_until": "/".join(reversed((declaration.permitted_stay_until or "").split("-"))).strip("/"),
        "note": declaration.note or "",
    }


def _local(instant: str | None) -> str:
    if not instant:
        return ""
    return datetime.fromisoformat(instant).astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M")
