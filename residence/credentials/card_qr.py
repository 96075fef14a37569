"""The text in a Vietnamese identity card's QR: 7 fields on the 2021 card, 11 on the card issued since 2024-07-01.

- ``number|old number|name|birth|sex|residence|issued``, then four fields whose order nobody has published; those are kept raw in
  ``extra`` and called unconfirmed. No expiry, nationality or face is in the code, so none is reported.
- 6 fields are either a cut text (second field is an old number or empty) or a claimed older layout without the old number: read, but
  a person confirms it by hand.
- Separators ``;`` and line ends (scanners replace ``|``), capitals, lost accents: read as they are, with a warning each. Nothing is repaired.
- Errors: wrong field count, a number that is not 12 ASCII digits, an impossible date, no sex, and for any text control characters, mark-up,
  traces of a wrong character set, or more letters than any real value. A field with an error is reported as None.
- Number against sex and birth year, issue before birth or in the future: warnings (``people/personal_number.py``).
- The residence text is kept verbatim, districts abolished since included.

Source: identity-documents sections 2.1 to 2.7. Example: ``parse_card("001095000117||Trần Văn An|...", today=date(2026, 7, 10))``
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import msgspec

from residence.credentials.mojibake import is_garbled
from residence.errors import Problem, problem
from residence.people.documents import kind_of_card
from residence.people.letters import carries_accents, stored_form, without_accents
from residence.people.names import LONGEST_NAME, check_name, check_text, is_address_character, is_name_character
from residence.people.old_number import is_old_number
from residence.people.partial_dates import earliest, read_card_date
from residence.people.person import DocumentKind, NameQuality, PartialDate, Sex
from residence.people.personal_number import check_personal_number, is_personal_number

LONGEST_ADDRESS: Final = 250
FIELDS_2021: Final = 7
FIELDS_2024: Final = 11
FIELDS_DOUBTFUL: Final = 6
DATE_LENGTH: Final = 8
FRAMING: Final = "\r\n\t"  # what scanners are set to put after a code
_SEX: Final[dict[str, Sex]] = {"nam": "male", "nu": "female"}
_SEX_WORDS: Final = frozenset({"nam", "nữ", "nu"})
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


class CardFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a card's QR as read, None where absent or refused. ``issued`` is YYYY-MM-DD; ``extra`` raw fields 8 to 11."""

    personal_number: str | None = None
    old_number: str | None = None
    full_name: str | None = None
    birth: PartialDate | None = None
    sex: Sex | None = None
    residence_text: str | None = None
    issued: str | None = None
    extra: tuple[str, ...] = ()


class CardPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a site decides about layouts nobody has published: change it here, never in code."""

    accept_six_fields: bool = True  # False refuses the doubtful layout; True asks a person to compare
    cancelled_number_in: int | None = None  # index in ``extra`` of a cancelled number once that is confirmed


class ParsedCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card's text taken apart. ``incomplete`` = the beginning of a card: wait for more, then refuse."""

    card: DocumentKind | None
    fields: CardFields
    name_quality: NameQuality
    incomplete: bool
    problems: tuple[Problem, ...]


DEFAULT_POLICY: Final = CardPolicy()


class _Split(msgspec.Struct, frozen=True):
    """The fields in the order of the 2021 card plus extras, however they were separated."""

    fields: list[str]
    count: int  # as found, 6 for the doubtful layout
    incomplete: bool
    problems: tuple[Problem, ...]


def _fields(text: str) -> tuple[list[str], tuple[Problem, ...]]:
    """Cut the text at its separator: pipes, or semicolons or line ends that a scanner put in their place."""
    if "|" in text:
        return text.strip(FRAMING).split("|"), ()
    replaced = (problem("card.separator_replaced", "/payload"),)
    semicolons = text.strip(FRAMING).split(";")
    if len(semicolons) > FIELDS_DOUBTFUL - 1:
        return semicolons, replaced
    lines = _LINE_END.split(text.lstrip("\r\n"))
    if len(lines) in {FIELDS_2021 + 1, FIELDS_2024 + 1} and not lines[-1]:
        lines.pop()  # the scanner's own line end after the last field
    return (lines, replaced) if len(lines) > 1 else (semicolons, ())


def _is_cut(fields: list[str]) -> bool:
    """Tell whether the fields are the beginning of a card: nothing in them that a whole card would not have there."""
    if not is_personal_number(fields[0]) or any(each.isalpha() for each in "".join(fields[1:2])):
        return False
    if len(fields) < FIELDS_2021:
        return True
    issued = fields[FIELDS_2021 - 1]
    if len(fields) == FIELDS_2021:
        return len(issued) < DATE_LENGTH and (not issued or issued.isdecimal())
    return len(fields) < FIELDS_2024 and read_card_date(issued) is not None


def _split(text: str, policy: CardPolicy) -> _Split:
    fields, problems = _fields(text.removeprefix("\ufeff"))
    if text.startswith("\ufeff"):
        problems += (problem("payload.byte_order_mark", "/payload"),)
    count = len(fields)
    second_is_name = count == FIELDS_DOUBTFUL and any(each.isalpha() for each in fields[1])
    if second_is_name and policy.accept_six_fields and read_card_date(fields[5]) is not None:
        doubtful = problem("card.six_fields", "/payload")
        return _Split([fields[0], "", *fields[1:]], count, False, (*problems, doubtful))
    cut = _is_cut(fields)
    if cut:
        problems += (problem("card.truncated", "/payload", found=count),)
    elif count not in {FIELDS_2021, FIELDS_2024}:
        # Without the right count no field but the first is known to be what it seems.
        return _Split(fields[:1], count, False, (*problems, problem("card.field_count", "/payload", found=count)))
    return _Split(fields, count, cut, problems)


def read_sex(text: str) -> Sex | None:
    """Read ``Nam`` or ``Nữ`` in any case, or ``Nu`` from a reader that drops accents."""
    folded = stored_form(text).casefold()
    return _SEX[without_accents(folded)] if folded in _SEX_WORDS else None


def _seems(extra: str) -> str:
    """Return the code for what an extra field seems to be; the law lists a cancelled number and, for children, the parents."""
    if is_personal_number(extra):
        return "card.extra_cancelled_number"
    return "card.extra_parent" if all(map(is_name_character, extra)) else "card.extra_unconfirmed"


class _Collector(msgspec.Struct):
    """Collects one card's fields and problems while they are read in order."""

    problems: list[Problem]

    def text(self, value: str, pointer: str, *, longest: int) -> str | None:
        """Return the stored form of free text, or None with its errors."""
        found = check_text(value, pointer, longest=longest)
        if not found and is_garbled(value):
            found = (problem("text.garbled", pointer),)
        strange = sorted({each for each in stored_form(value) if not is_address_character(each)})
        if not found and strange:
            found = (problem("text.strange_characters", pointer, characters=" ".join(strange[:5])),)
        self.problems += found
        return None if found else stored_form(value) or None

    def name(self, value: str) -> str | None:
        """Return the stored form of the name, or None with its errors."""
        pointer = "/fields/full_name"
        garbled = len(value) <= LONGEST_NAME and is_garbled(value)
        found = (problem("text.garbled", pointer),) if garbled else check_name(stored_form(value), pointer)
        self.problems += found
        return None if found else stored_form(value)

    def date(self, value: str, pointer: str) -> PartialDate | None:
        """Return the date, or None with an error."""
        read = read_card_date(value)
        if read is None:
            self.problems.append(problem("card.date_impossible", pointer))
        return read

    def sex(self, value: str) -> Sex | None:
        """Return the sex, or None with an error."""
        read = read_sex(value)
        if read is None:
            self.problems.append(problem("card.sex_unreadable", "/fields/sex"))
        return read

    def old_number(self, value: str) -> str | None:
        """Return the old number, None when the card has none or with an error."""
        if not value or is_old_number(value):
            return value or None
        self.problems.append(problem("old-number.malformed", "/fields/old_number"))
        return None

    def issued(self, value: str) -> str | None:
        """Return the issue date; one not known to the day is an error, unlike a birth date."""
        read = self.date(value, "/fields/issued")
        if read is not None and read.precision != "day":
            self.problems.append(problem("card.date_impossible", "/fields/issued"))
            return None
        return read.value if read else None

    def extras(self, values: list[str]) -> tuple[str, ...]:
        """Return the raw extra fields, empty when one cannot be kept, and say what each seems to be, unconfirmed."""
        kept = [self.text(value, f"/fields/extra/{index}", longest=LONGEST_NAME) or "" for index, value in enumerate(values)]
        self.problems += [problem(_seems(value), f"/fields/extra/{index}") for index, value in enumerate(kept) if value]
        return tuple(kept)


def _read_fields(values: list[str], collect: _Collector) -> CardFields:
    """Read at most 11 fields; those a cut text does not have stay None without a problem of their own."""
    number = values[0]
    has = [*values, *[None] * (FIELDS_2021 - len(values))]
    old, name, birth, sex, home, issued = has[1:FIELDS_2021]
    read_birth = None if birth is None else collect.date(birth, "/fields/birth")
    read_as_sex = None if sex is None else collect.sex(sex)
    collect.problems += check_personal_number(number, sex=read_as_sex, birth=read_birth, pointer="/fields/personal_number")
    return CardFields(
        personal_number=number if is_personal_number(number) else None,
        old_number=None if old is None else collect.old_number(old),
        full_name=None if name is None else collect.name(name),
        birth=read_birth,
        sex=read_as_sex,
        residence_text=None if home is None else collect.text(home, "/fields/residence_text", longest=LONGEST_ADDRESS),
        issued=None if issued is None else collect.issued(issued),
        extra=collect.extras(values[FIELDS_2021:FIELDS_2024]),
    )


def _damage(fields: CardFields, sex_text: str) -> list[NameQuality]:
    """Tell what the reader did to the letters, worst first. No accent in name, residence and sex together means it drops them."""
    name = fields.full_name
    if not name:
        return []
    found: list[NameQuality] = []
    plain = fields.residence_text and not carries_accents(name + fields.residence_text + sex_text)
    if sex_text.casefold() == "nu" or plain:
        found.append("accents_lost")
    if sum(each.isalpha() for each in name) > 1 and (name.isupper() or name.islower()):
        found.append("case_lost")
    return found


def _warnings(fields: CardFields, damage: list[NameQuality], *, today: date) -> list[Problem]:
    """Return what is odd about fields that are each readable."""
    found = [problem(f"card.{each}", "/fields/full_name") for each in damage]
    if fields.birth and fields.birth.precision != "day":
        found.append(problem("card.birth_partial", "/fields/birth"))
    if fields.birth and earliest(fields.birth) > today:
        found.append(problem("card.birth_in_future", "/fields/birth"))
    if fields.issued and date.fromisoformat(fields.issued) > today:
        found.append(problem("card.issued_in_future", "/fields/issued"))
    if fields.issued and fields.birth and date.fromisoformat(fields.issued) < earliest(fields.birth):
        found.append(problem("card.issued_before_birth", "/fields/issued"))
    return found


def parse_card(text: str, *, today: date, policy: CardPolicy = DEFAULT_POLICY) -> ParsedCard:
    """Take a card's text apart and name every problem. Never raises; ``text`` may be anything."""
    split = _split(text, policy)
    collect = _Collector(list(split.problems))
    values = split.fields[:-1] if split.incomplete and len(split.fields) <= FIELDS_2021 else split.fields
    if not values:
        return ParsedCard(card=None, fields=CardFields(), name_quality="full", incomplete=True, problems=tuple(collect.problems))
    fields = _read_fields(values, collect)
    damage = _damage(fields, values[4] if len(values) > 4 else "")  # noqa: PLR2004 - the sex is the fifth field
    return ParsedCard(
        card=kind_of_card(fields=split.count, issued=fields.issued),
        fields=fields,
        name_quality=damage[0] if damage else "full",
        incomplete=split.incomplete,
        problems=(*collect.problems, *_warnings(fields, damage, today=today)),
    )
