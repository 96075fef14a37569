"""The machine-readable zone of cards and passports (ICAO Doc 9303): TD1 3 x 30, TD2 2 x 36, TD3 2 x 44.

- Every check digit is verified (weights 7-3-1), the composite too; a wrong one is an error, nothing is corrected.
- Valid check digits show that the text was read without error, not that the document is genuine.
- Vietnamese cards: document number = the last 9 digits of the personal number, and all 12 digits with a check digit of their own at
  position 30 of line 1 (identity-documents section 4). Passports of Vietnam may carry the number in the optional field.
- Two century rules: a birth date is never in the future, an expiry never more than 30 years ago. Where the 12-digit number gives the
  same two-digit year, its century decides, so a person of 100 is not a newborn.
- Birth dates may be known to the month or year only (``<<`` or ``00``). ``991231`` and an empty expiry mean "none" on Vietnamese cards
  (by hearsay, so with a warning).
- The name line has no check digit: on passports a person confirms it. One-word names have no given names.

>>> from datetime import date
>>> lines = ["IDVNM0951234567079095123456<<7", "9512254M3512252VNM<<<<<<<<<<<2", "NGUYEN<<HOANG<MINH<KHOI<<<<<<<"]
>>> parse_mrz(lines, today=date(2026, 7, 10)).fields.personal_number
'079095123456'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from residence.credentials.country_codes import is_country_code
from residence.credentials.mrz_layout import ISSUER, LAYOUTS, SHAPES, Layout, MrzFormat, Place, check_digit
from residence.errors import Problem, problem
from residence.people.partial_dates import earliest, partial_date
from residence.people.person import PartialDate, Sex
from residence.people.personal_number import check_personal_number, is_personal_number, parse_personal_number

NO_EXPIRY_VALUES: Final = ("991231", "<<<<<<")  # by hearsay (open question Q10); a site says otherwise in its choices
_ALLOWED: Final = re.compile(r"[A-Z0-9<]*\Z")
_LETTERS: Final = re.compile(r"[A-Z]{1,3}<{0,2}\Z")
_SEX: Final[dict[str, Sex | None]] = {"M": "male", "F": "female", "<": None, "X": None}
_EXPIRED_AT_MOST_YEARS: Final = 30
# A clock before this was never set (a kiosk without network wakes in 1970); it must not move births a century back.
_CLOCKS_ARE_PAST: Final = date(2026, 1, 1)


class MrzFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a machine-readable zone as read; letters are capitals without accents."""

    document_type: str
    issuer: str
    document_number: str
    personal_number: str | None
    surname: str
    given_names: str
    nationality: str
    birth: PartialDate | None
    sex: Sex | None
    expiry: str | None  # YYYY-MM-DD; None when the document has none or it cannot be read


class ParsedMrz(msgspec.Struct, frozen=True, kw_only=True):
    """A zone taken apart; ``fields`` is None when it has no known layout."""

    format: MrzFormat | None
    fields: MrzFields | None
    problems: tuple[Problem, ...]


class _Zone:
    """One zone being read: its lines, its layout and the problems found so far."""

    def __init__(self, lines: Sequence[str], layout: Layout, no_expiry: Sequence[str]) -> None:
        self.lines = lines
        self.layout = layout
        self.no_expiry = no_expiry
        self.problems: list[Problem] = []

    def at(self, place: Place) -> str:
        """Return the raw text of one field."""
        line, first, end = place
        return self.lines[line][first:end]

    def add(self, code: str, place: Place, **params: object) -> None:
        """Report a problem at a field."""
        self.problems.append(problem(code, f"/lines/{place[0]}", **params))

    def check(self, place: Place, *, name_vi: str, name_en: str, optional: bool = False) -> None:
        """Verify the check digit that follows a field; an empty optional field may have a filler instead."""
        value, found = self.at(place), self.at((place[0], place[2], place[2] + 1))
        if found == check_digit(value) or (optional and found == "<" and not value.strip("<")):
            return
        self.add("mrz.check_digit", place, name_vi=name_vi, name_en=name_en)


def parse_mrz(lines: Sequence[str], *, today: date, no_expiry: Sequence[str] = NO_EXPIRY_VALUES) -> ParsedMrz:
    """Take the lines of a zone apart and name every problem. Never raises on any text; ``today`` sets both century windows."""
    rows = [line.strip() for line in lines]
    form = SHAPES.get((len(rows), len(rows[0]) if rows else 0))
    if form is None or len({len(row) for row in rows}) != 1:
        found = ", ".join(str(len(row)) for row in rows[:5]) or "0"
        return ParsedMrz(format=None, fields=None, problems=(problem("mrz.layout", "/lines", found=found),))
    strange = [index for index, row in enumerate(rows) if not _ALLOWED.match(row)]
    if strange:
        problems = tuple(problem("mrz.characters", f"/lines/{index}") for index in strange)
        return ParsedMrz(format=form, fields=None, problems=problems)
    zone = _Zone(rows, LAYOUTS[form], no_expiry)
    fields = _read(zone, form, today=today)
    return ParsedMrz(format=form, fields=fields, problems=tuple(zone.problems))


def _read(zone: _Zone, form: MrzFormat, *, today: date) -> MrzFields:
    layout = zone.layout
    kind, issuer = zone.lines[0][:2].rstrip("<"), zone.lines[0][2:5].rstrip("<")
    _check_kind(zone, form, kind)
    number, optional = _document_number(zone, form)
    zone.check(layout.birth, name_vi="ngày sinh", name_en="date of birth")
    zone.check(layout.expiry, name_vi="ngày hết hạn", name_en="date of expiry")
    if form == "TD3":
        zone.check(layout.optional, name_vi="số cá nhân", name_en="personal number", optional=True)
    personal = _personal_number(zone, form, number=number, optional=optional) if issuer == "VNM" else None
    _check_composite(zone)
    birth, sex = _birth(zone, personal, today=today), _sex(zone)
    if personal is not None:
        zone.problems += check_personal_number(personal, sex=sex, birth=birth, pointer="/fields/personal_number")
    surname, given = _names(zone, form)
    return MrzFields(
        document_type=kind,
        issuer=issuer,
        document_number=number,
        personal_number=personal,
        surname=surname,
        given_names=given,
        nationality=zone.at(layout.nationality).rstrip("<"),
        birth=birth,
        sex=sex,
        expiry=_expiry(zone, issuer, today=today),
    )


def _check_kind(zone: _Zone, form: MrzFormat, kind: str) -> None:
    """Check that the first line names a document of this format and its issuer, and the nationality is letters."""
    known = {"TD1": "IAC", "TD2": "IACP", "TD3": "P"}[form]
    if not kind or kind[0] not in known:
        zone.add("mrz.document_type", (0, 0, 2), found=kind or "<")
    for place in (ISSUER, zone.layout.nationality):
        if not _LETTERS.match(zone.at(place)):
            zone.add("mrz.letters_expected", place, found=zone.at(place))
        elif not is_country_code(zone.at(place)):
            zone.add("mrz.country_unknown", place, found=zone.at(place).rstrip("<"))


def _document_number(zone: _Zone, form: MrzFormat) -> tuple[str, str]:
    """Return the document number and what else the optional field holds; a number over 9 signs goes on in the optional field."""
    layout = zone.layout
    line, first, end = layout.number
    head, digit, optional = zone.at(layout.number), zone.lines[line][end], zone.at(layout.optional)
    rest = optional.split("<", 1)[0]
    if digit == "<" and form != "TD3" and len(rest) > 1:
        number = head + rest[:-1]
        if check_digit(number) != rest[-1]:
            zone.add("mrz.check_digit", layout.number, name_vi="số giấy tờ", name_en="document number")
        return number, optional[len(rest) :]
    zone.check((line, first, end), name_vi="số giấy tờ", name_en="document number")
    number = head.rstrip("<")
    if not number or "<" in number:
        zone.add("mrz.number_gap", layout.number)
    return number, optional


def _personal_number(zone: _Zone, form: MrzFormat, *, number: str, optional: str) -> str | None:
    """Return the 12 digits of a Vietnamese document when it carries them, checked against their own digit and the short form."""
    candidate = optional[:12]
    if not is_personal_number(candidate) or optional[12:14].strip("<"):
        return None
    if form == "TD1":
        place = zone.layout.optional
        if optional[14] != check_digit(candidate):
            zone.add("mrz.check_digit", place, name_vi="số định danh", name_en="personal number")
        if number != candidate[3:]:
            zone.add("mrz.numbers_disagree", place)
    return candidate


def _check_composite(zone: _Zone) -> None:
    covered = "".join(map(zone.at, zone.layout.composite))
    if zone.at(zone.layout.composite_digit) != check_digit(covered):
        zone.add("mrz.check_digit", zone.layout.composite_digit, name_vi="toàn bộ", name_en="whole document")


def _two_digits(text: str) -> int | None:
    """Read two digits; fillers are 0 (not known); None for anything else."""
    return 0 if text == "<<" else int(text) if text.isdigit() else None


def _birth(zone: _Zone, personal: str | None, *, today: date) -> PartialDate | None:
    """Return the birth date, in the past; the personal number's century decides where it has the same two digits."""
    raw = zone.at(zone.layout.birth)
    month, day = _two_digits(raw[2:4]), _two_digits(raw[4:6])
    if raw == "<<<<<<":
        zone.add("mrz.birth_unknown", zone.layout.birth)
        return None
    if not raw[:2].isdigit() or month is None or day is None:
        zone.add("mrz.date_impossible", zone.layout.birth, found=raw)
        return None
    today = max(today, _CLOCKS_ARE_PAST)
    century = today.year // 100 * 100
    candidates = [partial_date(start + int(raw[:2]), month, day) for start in (century, century - 100)]
    possible = [each for each in candidates if each is not None and earliest(each) <= today]
    if not possible:
        zone.add("mrz.date_impossible", zone.layout.birth, found=raw)
        return None
    if personal is not None:
        year = str(parse_personal_number(personal).birth_year)
        possible.sort(key=lambda each: each.value[:4] != year)
    if possible[0].precision != "day":
        zone.add("mrz.birth_partial", zone.layout.birth)
    return possible[0]


def _sex(zone: _Zone) -> Sex | None:
    raw = zone.at(zone.layout.sex)
    if raw not in _SEX:
        zone.add("mrz.sex_unreadable", zone.layout.sex, found=raw)
    return _SEX.get(raw)


def _expiry(zone: _Zone, issuer: str, *, today: date) -> str | None:
    """Return the expiry date; warn when it has passed or when the document seems to have none."""
    raw = zone.at(zone.layout.expiry)
    if raw in zone.no_expiry and issuer == "VNM":
        zone.add("mrz.no_expiry", zone.layout.expiry)
        return None
    window = max(today, _CLOCKS_ARE_PAST).year
    century = window // 100 * 100
    years = [start + int(raw[:2]) for start in (century - 100, century, century + 100)] if raw.isdigit() else []
    year = next((each for each in years if each >= window - _EXPIRED_AT_MOST_YEARS), None)
    read = partial_date(year, int(raw[2:4]), int(raw[4:])) if year is not None else None
    if read is None or read.precision != "day":
        zone.add("mrz.date_impossible", zone.layout.expiry, found=raw)
        return None
    if read.value < today.isoformat():
        zone.add("mrz.expired", zone.layout.expiry, expiry=read.value)
    return read.value


def _names(zone: _Zone, form: MrzFormat) -> tuple[str, str]:
    """Return surname and given names with fillers as spaces; warn where a person must look at them."""
    place = zone.layout.name
    raw = zone.at(place)
    surname, _, given = raw.rstrip("<").partition("<<")
    names = tuple(" ".join(part.split("<")).strip() for part in (surname, given))
    if not names[0] or any(each.isdigit() for each in raw):
        zone.add("mrz.name_unreadable", place)
    if not raw.endswith("<"):
        zone.add("mrz.name_may_be_cut", place)
    if form != "TD1":
        zone.add("mrz.name_unconfirmed", place)
    return names[0], names[1]
