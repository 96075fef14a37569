"""Do the card's QR, the chip's machine-readable zone and its Vietnamese details speak of the same person? Every difference is a finding.

- Number, birth, sex and issue date are compared exactly where both sides have them; names without accents, for the zone has none.
- A different number, birth or name is an error: the code belongs to another chip. A different sex, issue date or expiry is a warning.
- A different residence is a finding for whoever cleans the register, never a sign of fraud: people move, and the card stays.
- Nothing to compare with is "not performed".

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

_SEX = {"nam": "male", "nu": "female", "nữ": "female"}


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
    birth: str = ""
    full_name: str = ""
    sex: str = ""
    issued: str = ""
    expiry: str = ""
    residence: str = ""


def _plain(name: str) -> str:
    return " ".join("".join(char if char.isalnum() else " " for char in without_accents(name)).upper().split())


def _of_card(card: CardFields) -> _Side:
    return _Side(
        name="QR",
        number=card.personal_number or "",
        birth=card.birth.value if card.birth else "",
        full_name=_plain(card.full_name or ""),
        sex=card.sex or "",
        issued=card.issued or "",
        residence=_plain(card.residence_text or ""),
    )


def _of_zone(zone: MrzFields) -> _Side:
    return _Side(
        name="DG1",
        number=zone.personal_number or "",
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
        if first and second and first != second:
            yield problem(code, f"/{one.name}/{field}", one=one.name, other=other.name)


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
    return CrossCheck(check="failed" if has_errors(findings) else "passed", findings=findings)
