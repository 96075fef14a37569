"""Do what was shown, the chip's machine-readable zone and its Vietnamese details speak of the same person? Every difference is a finding.

- Numbers, birth, sex and issue date are compared exactly where both sides have them; names without accents, for the zone has none.
- A name that fills its field in the zone may be cut: its words then only have to begin like those it is compared with.
- Whoever types the name of a foreign document may put the surname last, leave a name out, or write Ü where the zone has UE: none is a difference.
  A name in letters the zone does not have is not compared.
- A different number, birth or name is an error: the code belongs to another chip. A different sex, nationality, issue date or expiry is a warning.
- A different residence is a finding for whoever cleans the register, never a sign of fraud: people move, and the card stays.
- Nothing to compare with is "not performed". So is a person of whom neither the personal number nor the document's is known to both sides: a name and
  a birth date are many people's, and a name in other letters is nobody's in particular.

Example: ``cross_check(card=fields, zone=mrz, details=dg13).check``
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from residence.credentials.card_qr import CardFields
from residence.credentials.chip.dg13 import Dg13, day_of
from residence.credentials.evidence import CheckOutcome
from residence.credentials.mrz import MrzFields
from residence.errors import Problem, has_errors, problem
from residence.people.letters import without_accents

_NAME_FIELD = {"P": 39}  # signs, by the document's kind
_SHORTEST_NAME_FIELD = 30
_NAMES_AT_LEAST = 2
_LONG_CODES = {"D": "DEU"}  # ICAO gives Germany one letter
# Doc 9303-3 section 6: how zones write letters that are more than one with a mark.
_SPELT_OUT = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "Å": "AA", "Æ": "AE", "Ø": "OE", "Œ": "OE", "ß": "SS", "Þ": "TH"})
_SEX = {"nam": "male", "nu": "female", "nữ": "female"}


class Stated(CardFields, frozen=True, kw_only=True):
    """A person as stated or read; what only a passport has stands here and not in a card's code."""

    document_number: str | None = None
    nationality: str | None = None
    expiry: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CrossCheck:
    """The outcome and all differences."""

    check: CheckOutcome
    findings: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """One source's fields, in one form; empty where it has none."""

    name: str
    number: str = ""
    document: str = ""
    nationality: str = ""
    birth: str = ""
    full_name: str = ""
    sex: str = ""
    issued: str = ""
    expiry: str = ""
    residence: str = ""
    spelt_out: str = ""  # the name as zones write it
    is_cut: bool = False  # the name may go on
    is_foreign: bool = False


def _plain(name: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in without_accents(name)).upper().split())


def _of_card(card: CardFields) -> _Side:
    passport = card if isinstance(card, Stated) and card.document_number else Stated()
    return _Side(
        name="MRZ" if passport.document_number else "QR",
        document=passport.document_number or "",
        nationality=passport.nationality or "",
        expiry=passport.expiry or "",
        number=card.personal_number or "",
        birth=card.birth.value if card.birth else "",
        full_name=_plain(card.full_name or ""),
        spelt_out=_plain((card.full_name or "").upper().translate(_SPELT_OUT)),
        sex=card.sex or "",
        issued=card.issued or "",
        residence=_plain(card.residence_text or ""),
    )


def _of_zone(zone: MrzFields) -> _Side:
    return _Side(
        name="DG1",
        number=zone.personal_number or "",
        document=zone.document_number,
        nationality=_LONG_CODES.get(zone.nationality, zone.nationality),
        is_cut=len(zone.surname) + 2 + len(zone.given_names) >= _NAME_FIELD.get(zone.document_type[:1], _SHORTEST_NAME_FIELD),
        is_foreign=zone.issuer != "VNM",
        birth=zone.birth.value if zone.birth else "",
        full_name=_plain(f"{zone.surname} {zone.given_names}"),
        sex=zone.sex or "",
        expiry=zone.expiry or "",
    )


def _iso(text: str) -> str:
    day = day_of(text)
    return day.isoformat() if day else ""


def _of_details(details: Dg13) -> _Side:
    texts = details.texts
    return _Side(
        name="DG13",
        number=texts.get("personal_number", ""),
        birth=_iso(texts.get("birth", "")),
        full_name=_plain(texts.get("full_name", "")),
        sex=_SEX.get(texts.get("sex", "").lower(), ""),
        issued=_iso(texts.get("issued", "")),
        expiry=_iso(texts.get("expiry", "")),
        residence=_plain(texts.get("residence", "")),
    )


_CODES = {
    "number": "chip.differs_number",
    "document": "chip.differs_document",
    "nationality": "chip.differs_nationality",
    "birth": "chip.differs_birth",
    "full_name": "chip.differs_name",
    "sex": "chip.differs_sex",
    "issued": "chip.differs_issued",
    "expiry": "chip.differs_expiry",
    "residence": "chip.differs_residence",
}


def _differences(one: _Side, other: _Side) -> Iterator[Problem]:
    for field, code in _CODES.items():
        first, second = getattr(one, field), getattr(other, field)
        if first and second and first != second and not (field == "full_name" and _same_name(one, other)):
            yield problem(code, f"/{one.name}/{field}", one=one.name, other=other.name)


def _same_name(one: _Side, other: _Side) -> bool:
    """Tell whether names that are spelt differently may be the same, by the rules above."""
    stated, zone = (other, one) if one.name == "DG1" else (one, other)
    words, read = stated.full_name.split(), zone.full_name.split()
    if zone.name != "DG1":
        return False
    if zone.is_cut and len(read) <= len(words) and all(map(str.startswith, words, read)):
        return True
    spellings = [words, stated.spelt_out.split()]
    other_letters = not stated.full_name.isascii()
    fits = any(len(each) >= _NAMES_AT_LEAST and set(each) <= set(read) for each in spellings)
    return zone.is_foreign and (other_letters or fits)


def cross_check(*, card: CardFields | None, zone: MrzFields | None, details: Dg13 | None) -> CrossCheck:
    """Compare every pair of sources that is there."""
    sides = [
        *([_of_card(card)] if card else []),
        *([_of_zone(zone)] if zone else []),
        *([_of_details(details)] if details else []),
    ]
    if len(sides) < 2:
        return CrossCheck(check="not_performed", findings=())
    pairs = [(one, other) for index, one in enumerate(sides) for other in sides[index + 1 :]]
    findings = tuple(each for one, other in pairs for each in _differences(one, other))
    if has_errors(findings):
        return CrossCheck(check="failed", findings=findings)
    if card and not any(_tied(sides[0], other) for other in sides[1:]):
        return CrossCheck(check="not_performed", findings=(*findings, problem("chip.not_compared", "/cross_check")))
    return CrossCheck(check="passed", findings=findings)


def _tied(one: _Side, other: _Side) -> bool:
    return bool((one.number and other.number) or (one.document and other.document))
