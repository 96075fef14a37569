"""What a cleaned row says, as our values: strict, every problem at once.

- Errors set the row aside; warnings let it in and are counted. A number whose zeros were put back is believed only when sex and birth
  year, as far as given, agree and one of them is given.
- Who has no reference of their own is recognised by number, else by name, birth and home.

Example: ``read_resident(row, restored=frozenset(), today=date(2026, 7, 1))`` returns the resident and the faults
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import Any, Final, NamedTuple, cast

import msgspec

from residence.credentials.mojibake import is_garbled
from residence.people.documents import check_document, is_country_code
from residence.people.letters import carries_accents
from residence.people.names import check_name, check_text
from residence.people.old_number import is_old_number
from residence.people.partial_dates import earliest
from residence.people.person import Document, DocumentKind, NameQuality, PartialDate, Person, Precision, Sex
from residence.people.personal_number import LENGTH, check_personal_number, is_personal_number
from residence.stays.known import ResidenceKind

Row = dict[str, Any]
Fault = tuple[str, str]  # field, code
_LONGEST_TEXT: Final = 500
_PRECISIONS: Final[dict[int, Precision]] = {4: "year", 7: "month", 10: "day"}
_DISAGREES: Final = frozenset({"personal-number.sex_disagrees", "personal-number.birth_year_disagrees"})
_SHORT: Final = 3
_VOWELS: Final = "".join(
    unicodedata.normalize("NFC", letter + tone) for letter in "aăâeêioôơuưy" for tone in ("", *"\u0300\u0301\u0303\u0309\u0323")
)
# Without regard to case a pattern would also take letters that only fold to these (the sign for kelvin).
_ORDINARY: Final = re.compile(rf"[A-Za-z0-9 ,./'()\-{_VOWELS}{_VOWELS.upper()}đĐ]*")


class Home(NamedTuple):
    """Where and how somebody is registered."""

    premises_id: str
    unit: str | None
    household_ref: str | None
    relation: str | None
    kind: ResidenceKind
    valid_from: str
    valid_to: str | None


class Absence(NamedTuple):
    """A declared time away."""

    valid_from: str
    valid_to: str | None
    reason: str | None
    destination: str | None


class Resident(NamedTuple):
    """One row of a list of residents."""

    reference: str
    commune_code: str
    person: Person
    contact: str | None
    deceased: bool
    home: Home | None
    absence: Absence | None = None
    permitted_until: str | None = None
    guardian_ref: str | None = None
    e_id_on: str | None = None


class Read(NamedTuple):
    """A row read: the value when nothing stands against it, errors, and codes of warnings."""

    resident: Resident | None
    errors: list[Fault]
    warnings: list[str]


def read_resident(row: Row, *, restored: frozenset[str], today: date) -> Read:
    """Read one row of residents."""
    row = _with_identity(row)
    errors, warnings = list(_text_errors(row)), list[str]()
    birth = _birth(row["birth"])
    if birth is not None and earliest(birth) > today:
        errors.append(("birth", "import.birth_in_future"))
    errors += _number_errors(row, birth, restored, warnings)
    errors += _home_errors(row, birth, warnings)
    errors += _absence_errors(row)
    if row["e_id_on"] and row["e_id_on"] > today.isoformat():
        errors.append(("e_id_on", "import.e_id_ahead"))
    if row["permitted_until"] and (row["nationality"] or "VNM") == "VNM":
        warnings.append("import.permit_of_citizen")
    document = _document(row)
    if document is not None:
        errors += [(f"document{each.pointer[9:].replace('/', '_')}", each.code) for each in check_document(document, "/document")]
    if errors:
        return Read(None, errors, warnings)
    person = Person(
        full_name=row["full_name"],
        birth=birth,
        sex=cast("Sex | None", row["sex"]),
        nationality=row["nationality"] or "VNM",
        personal_number=row["personal_number"],
        old_number=row["old_number"],
        cancelled_numbers=_parts(row["cancelled_numbers"]),
        document=document,
        residence_text=row["residence_text"],
        name_quality=_quality(row["full_name"]),
    )
    home = _home(row)
    resident = Resident(
        _reference(row, home),
        row["commune_code"],
        person,
        row["phone"],
        row["status"] == "deceased",
        home,
        _absence(row),
        row["permitted_until"],
        row["guardian_ref"],
        row["e_id_on"],
    )
    return Read(resident, [], warnings)


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(each for part in (text or "").split(";") if (each := part.strip()))


def _with_identity(row: Row) -> Row:
    """Put what stands in the column for every number where it belongs; a 12-digit old document's number is the personal one."""
    given = row["identity_number"]
    if given:
        place = "personal_number" if is_personal_number(given) else "old_number" if is_old_number(given) else "document_number"
        row = row | {place: row[place] or given}
        if place == "document_number" and not row["document_kind"]:
            row["document_kind"] = DocumentKind.PASSPORT.value if row["nationality"] not in {None, "VNM"} else "other"
    old = row["old_number"]
    if old and len(old) == LENGTH and row["personal_number"] in {None, old}:
        row = row | {"personal_number": old, "old_number": None}
    return row


def _text_errors(row: Row) -> Iterator[Fault]:
    name, address = row["full_name"], row["residence_text"]
    if name is None:
        yield "full_name", "import.value_missing"
    elif may_be_garbled(name) and is_garbled(name):
        yield "full_name", "import.text_garbled"
    else:
        yield from (("full_name", each.code) for each in check_name(name, ""))
    if address is not None:
        if may_be_garbled(address) and is_garbled(address):
            yield "residence_text", "import.text_garbled"
        else:
            yield from (("residence_text", each.code) for each in check_text(address, "", longest=_LONGEST_TEXT))
    if row["nationality"] is not None and not is_country_code(row["nationality"]):
        yield "nationality", "person.country_malformed"


def may_be_garbled(text: str) -> bool:
    """Tell at once that nearly every text shows no trace of a wrong encoding: each trace needs a sign that is not among these."""
    return _ORDINARY.fullmatch(text) is None


def _number_errors(row: Row, birth: PartialDate | None, restored: frozenset[str], warnings: list[str]) -> Iterator[Fault]:
    number, old = row["personal_number"], row["old_number"]
    if old is not None and not is_old_number(old):
        yield "old_number", "import.old_number"
    if not all(map(is_personal_number, _parts(row["cancelled_numbers"]))):
        yield "cancelled_numbers", "personal-number.malformed"
    if number is None:
        return
    found = [each.code for each in check_personal_number(number, sex=row["sex"], birth=birth, pointer="")]
    if restored & {"personal_number", "identity_number"}:
        if _DISAGREES & set(found) or (row["sex"] is None and birth is None):
            yield "personal_number", "import.zeros_lost"
        warnings.append("import.zeros_restored")
    elif "old_number" in restored:
        warnings.append("import.zeros_restored")
    warnings += found


def _home_errors(row: Row, birth: PartialDate | None, warnings: list[str]) -> Iterator[Fault]:
    if row["premises_ref"] is None:
        return
    for name in ("residence_kind", "valid_from"):
        if row[name] is None:
            yield name, "import.value_missing"
    start, end = row["valid_from"], row["valid_to"]
    if start and end and end < start:
        yield "valid_to", "import.dates_reversed"
    if start and birth is not None and start < birth.value[: len(start)]:
        warnings.append("import.residence_before_birth")


def _absence_errors(row: Row) -> Iterator[Fault]:
    start, end = row["absent_from"], row["absent_to"]
    if start is None and any(row[each] for each in ("absent_to", "absence_reason", "absence_destination")):
        yield "absent_from", "import.value_missing"
    if start and end and end < start:
        yield "absent_to", "import.dates_reversed"


def _birth(text: str | None) -> PartialDate | None:
    return PartialDate(value=text, precision=_PRECISIONS[len(text)]) if text else None


def _document(row: Row) -> Document | None:
    kind, number = row["document_kind"], row["document_number"]
    if kind is None:
        return None
    issuer = row["document_issuer"] or (row["nationality"] if kind == DocumentKind.PASSPORT else None) or "VNM"
    if number is None and kind in {DocumentKind.CARD_2021, DocumentKind.CARD_2024}:
        number = row["personal_number"]
    return Document(kind=DocumentKind(kind), number=number, issuer=issuer, issued=row["document_issued"])


def _home(row: Row) -> Home | None:
    if row["premises_ref"] is None:
        return None
    return Home(
        premises_id=row["premises_ref"],
        unit=row["unit"],
        household_ref=row["household_ref"],
        relation=row["relation"],
        kind=cast("ResidenceKind", row["residence_kind"]),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
    )


def _absence(row: Row) -> Absence | None:
    if row["absent_from"] is None:
        return None
    return Absence(row["absent_from"], row["absent_to"], row["absence_reason"], row["absence_destination"])


def _reference(row: Row, home: Home | None) -> str:
    if row["person_ref"]:
        return reference_of(row["person_ref"])
    if row["personal_number"]:
        return f"personal\n{row['personal_number']}"
    place = (home.premises_id, home.unit) if home else (row["commune_code"],)
    return "\n".join(("said", row["full_name"], row["birth"] or "", row["old_number"] or "", *(each or "" for each in place)))


def reference_of(ref: str) -> str:
    """Return what a source's own reference of a resident is recognised by."""
    return f"ref\n{ref}"


def _quality(name: str) -> NameQuality:
    """Tell what a name in capitals or without accents has lost; a short one says nothing."""
    if len(name) <= _SHORT or not name.isupper():
        return "full"
    return "case_lost" if carries_accents(name) else "accents_lost"


def person_content(resident: Resident) -> str:
    """Return what is compared when the same row comes again."""
    return msgspec.json.encode((resident.commune_code, resident.person, resident.contact, resident.deceased)).decode()
