"""From the bytes or lines a reader saw to a person with an evidence level: the one door into this package.

- A card's QR text and an MRZ are level 1 however clean they were read: both can be copied (identity-documents section 7).
- Nothing here raises on input: whatever the bytes are, the answer is an outcome with problems and, only when no error stands, a reading.
- Bytes must be UTF-8 as they are. Text (``str``) comes from a decoder that may have guessed the character set; the guess is undone where
  that gives a card, with a warning, and refused otherwise (``mojibake.py``).
- ``incomplete`` says that the bytes are the beginning of a card: a serial reader waits for more, then reports.

>>> from datetime import date
>>> read_payload(b"https://example.org/", reader="camera:zxing", today=date(2026, 7, 10)).kind
'unknown'
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from residence.credentials.card_qr import DEFAULT_POLICY, CardFields, CardPolicy, ParsedCard, parse_card
from residence.credentials.evidence import CheckOutcome, Evidence, EvidenceLevel, Reading, Source
from residence.credentials.mojibake import bytes_behind
from residence.credentials.mrz import NO_EXPIRY_VALUES, MrzFields, ParsedMrz, parse_mrz
from residence.credentials.mrz_layout import MrzFormat
from residence.credentials.payload_kind import KIND_CODES, PayloadKind, classify
from residence.errors import Problem, has_errors, problem
from residence.people.person import Document, DocumentKind, Person
from residence.people.personal_number import is_personal_number

# ISO/IEC 18004: no QR code holds more bytes.
LONGEST_PAYLOAD: Final = 2953
_WHOLE_CARDS: Final = frozenset({7, 11})


class PayloadOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one code's payload turned out to be. ``fields`` are as read; ``reading`` is None while an error stands."""

    ok: bool
    kind: PayloadKind
    card: DocumentKind | None
    fields: CardFields
    reading: Reading | None
    incomplete: bool
    problems: tuple[Problem, ...]


class MrzOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of a machine-readable zone turned out to say."""

    ok: bool
    format: MrzFormat | None
    fields: MrzFields | None
    reading: Reading | None
    problems: tuple[Problem, ...]


def _refused(kind: PayloadKind, *problems: Problem) -> PayloadOutcome:
    return PayloadOutcome(ok=False, kind=kind, card=None, fields=CardFields(), reading=None, incomplete=False, problems=problems)


def refuse_payload(code: str) -> PayloadOutcome:
    """Return the outcome of a payload that never got as far as being read, for callers that undo an encoding of their own."""
    return _refused("unknown", problem(code, "/payload"))


def _text_of(payload: bytes | str) -> tuple[str, tuple[Problem, ...]]:
    """Return the payload's text with a warning when a decoder's guess had to be undone; UnicodeError when it is not UTF-8."""
    if isinstance(payload, bytes):
        return payload.decode("utf-8"), ()
    behind = bytes_behind(payload)
    if behind is None or behind == payload.encode("utf-8", "surrogatepass"):
        return payload, ()
    return behind.decode("utf-8"), (problem("payload.character_set_recovered", "/payload"),)


def read_payload(payload: bytes | str, *, reader: str, today: date, policy: CardPolicy = DEFAULT_POLICY) -> PayloadOutcome:
    """Read the payload of one code. ``reader`` names who saw it ("camera:zxing"); ``today`` is the date in Vietnam."""
    if len(payload) > LONGEST_PAYLOAD:
        head = payload[:LONGEST_PAYLOAD]
        kind = classify(head.decode("utf-8", "replace") if isinstance(head, bytes) else head)
        return _refused(kind, problem("payload.too_long", "/payload", found=len(payload)))
    if not payload.strip():
        return _refused("unknown", problem("payload.empty", "/payload"))
    try:
        text, warnings = _text_of(payload)
    except UnicodeError:
        kind = classify(payload.decode("latin-1") if isinstance(payload, bytes) else payload)
        return _refused(kind, problem("payload.not_utf8" if kind == "card-qr" else KIND_CODES[kind], "/payload"))
    kind = classify(text)
    if kind != "card-qr":
        return _refused(kind, *warnings, problem(KIND_CODES[kind], "/payload"))
    parsed = parse_card(text, today=today, policy=policy)
    outcome = _card_outcome(parsed, warnings)
    return msgspec.structs.replace(outcome, reading=_card_reading(parsed, reader, policy) if outcome.ok else None)


def _card_outcome(parsed: ParsedCard, warnings: tuple[Problem, ...]) -> PayloadOutcome:
    problems = (*warnings, *parsed.problems)
    return PayloadOutcome(
        ok=not has_errors(problems),
        kind="card-qr",
        card=parsed.card,
        fields=parsed.fields,
        reading=None,
        incomplete=parsed.incomplete,
        problems=problems,
    )


def _evidence(source: Source, reader: str, **checks: CheckOutcome) -> Evidence:
    return Evidence(level=EvidenceLevel.CARD_TEXT, source=source, reader=reader, checks=dict(checks))


def _number_check(problems: Sequence[Problem]) -> CheckOutcome:
    return "failed" if any(each.code.endswith("_disagrees") for each in problems) else "passed"


def _cancelled_numbers(extra: tuple[str, ...], policy: CardPolicy) -> tuple[str, ...]:
    """Return the cancelled number of the card where the site has confirmed its place; by default none is taken for one."""
    place = policy.cancelled_number_in
    return tuple(each for index, each in enumerate(extra) if index == place and is_personal_number(each))


def _card_reading(parsed: ParsedCard, reader: str, policy: CardPolicy) -> Reading:
    fields = parsed.fields
    document = Document(kind=parsed.card or DocumentKind.OTHER, number=fields.personal_number, issued=fields.issued)
    person = Person(
        full_name=fields.full_name or "",
        birth=fields.birth,
        sex=fields.sex,
        personal_number=fields.personal_number,
        old_number=fields.old_number,
        cancelled_numbers=_cancelled_numbers(fields.extra, policy),
        document=document,
        residence_text=fields.residence_text,
        name_quality=parsed.name_quality,
    )
    return Reading(person=person, evidence=_evidence("card-qr", reader, number_agrees=_number_check(parsed.problems)))


def read_mrz(lines: Sequence[str], *, reader: str, today: date, no_expiry: Sequence[str] = NO_EXPIRY_VALUES) -> MrzOutcome:
    """Read the lines of a machine-readable zone: two or three, top first. ``no_expiry``: what stands for "never" as an expiry."""
    parsed = parse_mrz(lines, today=today, no_expiry=no_expiry)
    ok = parsed.fields is not None and not has_errors(parsed.problems)
    reading = _mrz_reading(parsed, parsed.fields, reader=reader) if ok and parsed.fields is not None else None
    return MrzOutcome(ok=ok, format=parsed.format, fields=parsed.fields, reading=reading, problems=parsed.problems)


def _mrz_reading(parsed: ParsedMrz, fields: MrzFields, *, reader: str) -> Reading:
    # An MRZ says "identity card", not which of the two cards; OTHER until a person says so.
    kind = DocumentKind.PASSPORT if fields.document_type.startswith("P") else DocumentKind.OTHER
    document = Document(
        kind=kind,
        number=fields.document_number if kind is DocumentKind.PASSPORT else fields.personal_number or fields.document_number,
        issuer=fields.issuer,
        expiry=fields.expiry,
    )
    person = Person(
        full_name=f"{fields.surname} {fields.given_names}".strip(),
        birth=fields.birth,
        sex=fields.sex,
        nationality=fields.nationality,
        personal_number=fields.personal_number,
        document=document,
        name_quality="mrz",
    )
    return Reading(
        person=person, evidence=_evidence("mrz", reader, check_digits="passed", number_agrees=_number_check(parsed.problems))
    )


def is_complete(payload: bytes) -> bool:
    """Tell whether bytes seen so far have the structure of a whole card, for readers that send no line end.

    Seven fields are whole only if nothing follows: wait for the idle gap, four empty fields may still come.
    """
    fields = payload.strip(b"\r\n\t").split(b"|")
    return len(fields) in _WHOLE_CARDS and len(fields[6]) == 8 and fields[6].isdigit()  # noqa: PLR2004 - ddmmyyyy
