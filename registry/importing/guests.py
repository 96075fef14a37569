"""A line of a list of guests as the fields of the desk's own form: tolerant in reading, and every reason why it cannot be read.

- The fields are texts, as a clerk would have typed them; whether they make a declaration is for ``server/desk/guest_form.py`` and the rules.
- A number that stands with a card is the personal number, with a passport the passport's as it stands: nothing is padded there.
- Zeros a spreadsheet dropped are put back where sex or birth year agree (``import.zeros_restored``), else the line is refused.
- A day without a time is taken at the hour the mapping says, 14:00 and 12:00 without one; a reason for all where the list has none.

Example: ``read_guests(lines, names, mapping).guests[0].form["full_name"]``
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as AnyMapping
from typing import Any, Final, NamedTuple

import msgspec
import polars as pl

from registry.importing.checking import may_be_garbled
from registry.importing.cleaning import Fault, clean
from registry.importing.lists import Line
from registry.importing.mapping import LIST_COLUMNS, Mapping, columns_of
from registry.importing.reading import Batch
from residence.credentials.mojibake import is_garbled
from residence.people.person import DocumentKind, PartialDate, Precision
from residence.people.personal_number import check_personal_number, is_personal_number

ARRIVES_AT: Final = "14:00"
LEAVES_AT: Final = "12:00"
_CARDS: Final = frozenset({DocumentKind.CARD_2021, DocumentKind.CARD_2024, DocumentKind.NUMBER_NOTICE})
_AS_IT_STANDS: Final = frozenset(DocumentKind) - _CARDS - {DocumentKind.OLD_ID, DocumentKind.NONE}
_PRECISIONS: Final[dict[int, Precision]] = {4: "year", 7: "month", 10: "day"}
_DISAGREES: Final = frozenset({"personal-number.sex_disagrees", "personal-number.birth_year_disagrees"})
_DIRECTLY: Final = ("full_name", "sex", "nationality", "unit", "reason", "reason_text", "permitted_stay_until", "note")
_PLACE: Final = ("residence_text", "commune", "district", "province")


class Reason(NamedTuple):
    """One thing about a line. ``field`` is ours; empty: the line as a whole."""

    code: str
    severity: str
    field: str


class GuestLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line. ``form`` is meant only when no reason is an error."""

    number: int
    form: dict[str, str]
    reasons: tuple[Reason, ...]

    @property
    def readable(self) -> bool:
        """Tell whether it can go on to the form."""
        return not any(each.severity == "error" for each in self.reasons)


def frame_of(lines: Sequence[Line], names: Sequence[str]) -> tuple[pl.DataFrame, frozenset[int]]:
    """Return lines as columns under their headings, and the places of those with more cells than headings."""
    width = len(names)
    rows = [(*line.cells, *[""] * width)[:width] for line in lines]
    ragged = frozenset(place for place, line in enumerate(lines) if any(cell.strip() for cell in line.cells[width:]))
    columns = {name: cells for name, cells in zip(names, zip(*rows, strict=True), strict=True) if name not in LIST_COLUMNS}
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)), ragged


def read_guests(lines: Sequence[Line], names: Sequence[str], mapping: Mapping) -> list[GuestLine]:
    """Read lines under these headings; ``Malformed("import.column_missing")`` when the mapping lacks a column."""
    if not lines:
        return []
    frame, ragged = frame_of(lines, names)
    columns = columns_of(mapping, "guests", frame.columns)
    if "identity_number" in columns:  # the same column twice: digits with their zeros, and as they stand
        columns = {"document_number": columns["identity_number"]} | columns
    cleaned = clean(Batch(number=0, first_row=1, frame=frame, ragged=ragged), mapping, "guests", columns)
    faults: dict[int, list[Fault]] = {}
    for each in cleaned.faults:
        faults.setdefault(each.place, []).append(each)
    defaults = mapping.guests.defaults
    found = []
    for place, (line, row) in enumerate(zip(lines, cleaned.frame.iter_rows(named=True), strict=True)):
        restored = (place, "identity_number") in cleaned.restored
        reasons = tuple(_reasons(row, faults.get(place, ()), restored=restored))
        found.append(GuestLine(number=line.number, form=_form(row, defaults), reasons=reasons))
    return found


def _reasons(row: dict[str, Any], faults: Sequence[Fault], *, restored: bool) -> Iterator[Reason]:
    kind, stands = row["document_kind"], row["document_kind"] in _AS_IT_STANDS
    for each in faults:
        if not (each.field == "identity_number" and stands and row["document_number"]):
            yield Reason(each.code, "error", each.field)
    for name in ("full_name", "residence_text"):
        if row[name] is not None and may_be_garbled(row[name]) and is_garbled(row[name]):
            yield Reason("import.text_garbled", "error", name)
    if restored and not stands and is_personal_number(row["identity_number"] or ""):
        yield from _restored(row)
    unread = {each.field for each in faults}
    if (kind == DocumentKind.PASSPORT or row["passport_number"]) and row["nationality"] is None and "nationality" not in unread:
        yield Reason("import.value_missing", "error", "nationality")
    if row["left_on"] is not None:
        yield Reason("guest-import.has_left", "warning", "left_on")


def _restored(row: dict[str, Any]) -> Iterator[Reason]:
    """Believe a number whose zeros were put back only where something else of the line agrees with it."""
    birth = row["birth"]
    read = PartialDate(value=birth, precision=_PRECISIONS[len(birth)]) if birth else None
    said = {each.code for each in check_personal_number(row["identity_number"], sex=row["sex"], birth=read, pointer="")}
    if said & _DISAGREES or (row["sex"] is None and read is None):
        yield Reason("import.zeros_lost", "error", "identity_number")
    yield Reason("import.zeros_restored", "warning", "identity_number")


def _form(row: dict[str, Any], defaults: AnyMapping[str, str]) -> dict[str, str]:
    form = {name: row[name] for name in _DIRECTLY if row[name]}
    form |= _papers(row)
    if row["birth"]:
        form["birth"] = row["birth"]
    place = [row[name] for name in _PLACE if row[name]]
    if place:
        form["residence_text"] = ", ".join(place)
    form["arrival"] = _at(row["arrival"], defaults.get("arrival_time", ARRIVES_AT))
    form["planned_departure"] = _at(row["planned_departure"] or row["left_on"], defaults.get("departure_time", LEAVES_AT))
    form.setdefault("reason", defaults.get("reason", ""))
    name = row["document_name"]
    if name:
        form["note"] = "; ".join(each for each in (form.get("note"), name) if each)
    return form


def _papers(row: dict[str, Any]) -> dict[str, str]:
    """Return the fields of what was shown: one number, where it belongs."""
    passport = row["passport_number"]
    kind = row["document_kind"] or (DocumentKind.PASSPORT.value if passport else "")
    number, written = row["identity_number"] or "", passport or row["document_number"] or ""
    if kind in _AS_IT_STANDS:
        return {"document_kind": kind, "document_number": _bare(written)}
    if is_personal_number(number):
        told = {"document_kind": kind, "personal_number": number}
        return told | ({"document_number": number} if kind == DocumentKind.OLD_ID else {})
    return {"document_kind": kind, "document_number": number or _bare(written)}


def _bare(number: str) -> str:
    return number.lstrip("'").replace(" ", "")


def _at(moment: str | None, hour: str) -> str:
    return "" if moment is None else moment if "T" in moment else f"{moment}T{hour}"
