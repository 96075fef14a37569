"""The mapping file: which column is which of our fields, how dates are written, which word means what.

- TOML. Top level: ``source`` (rows are recognised again within it), ``commune_code`` for rows without one, ``commune_codes_of`` (the day the
  codes are of) and ``commune_code_system`` (whose they are) where they are not ours of today, ``encoding``, ``separator``,
  ``sheet``, ``dates`` (tried in turn, ISO dates always), ``empty`` (what stands for nothing). Then a table by kind: ``columns`` (our field =
  their column) and ``words`` (field -> our word -> their words).
- Without a mapping columns bear our names. Headings match with case, spaces and tone placement set aside.
- A field that is not ours, a word that is not ours or a column that is not there is an error before the first row is read.

Example: ``load_mapping(Path("so-ho-khau.toml")).columns("residents")["full_name"] == "Họ và tên"``
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from registry.importing.fields import FIELDS, Kind
from residence.errors import Malformed
from residence.people.documents import ministry_code
from residence.people.letters import match_key
from residence.people.person import DocumentKind
from residence.places.unit_files import is_day
from residence.stays.declaration import Reason
from residence.stays.reasons import REASONS

# Columns of our own error files: never a field, never missed.
OWN_COLUMNS: Final = ("luutru_row", "luutru_code", "luutru_field", "luutru_vi", "luutru_en")
LIST_COLUMNS: Final = (*OWN_COLUMNS, "luutru_state", "luutru_receipt")  # of the files a list of guests comes back in
DATES: Final = ("dd/mm/yyyy", "dd-mm-yyyy", "dd.mm.yyyy")
EMPTY: Final = ("-", "--", "null", "n/a", "không có", "chưa có", "không rõ")
ISO: Final = "yyyy-mm-dd"
_ALSO_NINE: Final = DocumentKind.IDENTITY_CERTIFICATE  # the template's 9 says "other"
PARTS: Final = {"dd": r"(?<d>[0-9]{1,2})", "mm": r"(?<m>[0-9]{1,2})", "yyyy": r"(?<y>[0-9]{4})"}


class KindMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of one kind of file. ``defaults``: for lists of guests, what holds where a list does not say it (``guests.py``)."""

    columns: dict[str, str] = {}
    words: dict[str, dict[str, list[str]]] = {}
    defaults: dict[str, str] = {}


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"old_numbers": "old-numbers"}):
    """A whole mapping."""

    source: str = "register"
    commune_code: str | None = None
    commune_codes_of: str | None = None
    commune_code_system: str | None = None
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    dates: list[str] = msgspec.field(default_factory=lambda: list(DATES))
    empty: list[str] = msgspec.field(default_factory=lambda: list(EMPTY))
    premises: KindMapping = msgspec.field(default_factory=KindMapping)
    households: KindMapping = msgspec.field(default_factory=KindMapping)
    residents: KindMapping = msgspec.field(default_factory=KindMapping)
    old_numbers: KindMapping = msgspec.field(default_factory=KindMapping)
    guests: KindMapping = msgspec.field(default_factory=KindMapping)

    def of(self, kind: Kind) -> KindMapping:
        """Return what is said of a kind."""
        found: KindMapping = getattr(self, kind.replace("-", "_"))
        return found

    def digest(self) -> bytes:
        """Return what tells two mappings apart."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).digest()


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file, or raise ``Malformed("import.mapping")`` with the place and the reason."""
    try:
        mapping = msgspec.convert(tomllib.loads(path.read_text("utf-8-sig")), Mapping)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Malformed("import.mapping", "", str(error)) from error
    for kind in FIELDS:
        _check_kind(mapping.of(kind), kind)
    for form in mapping.dates:
        _check_date_form(form)
    if mapping.commune_codes_of is not None and not is_day(mapping.commune_codes_of):
        raise Malformed("import.mapping", "/commune_codes_of", "a day is written YYYY-MM-DD")
    return mapping


def _check_kind(said: KindMapping, kind: Kind) -> None:
    for name in (*said.columns, *said.words):
        if name not in FIELDS[kind]:
            raise Malformed("import.mapping", f"/{kind}/{name}", f"no field of {kind}: {name}")
    for name, value in said.defaults.items():
        if kind != "guests" or not is_default(name, value):
            raise Malformed("import.mapping", f"/{kind}/defaults/{name}", f"no default of {kind}: {name} = {value}")
    for name, ours in said.words.items():
        strange = sorted(set(ours) - {*our_words(name), *ministry_words(name)})
        if strange and name != "nationality":
            raise Malformed("import.mapping", f"/{kind}/words/{name}", f"not our words: {strange}")


def is_default(name: str, value: str) -> bool:
    """Tell whether something may be said of guests once for a whole list: why they stay, and the hours of days without one."""
    if name == "reason":
        return value in set(Reason)
    return name in {"arrival_time", "departure_time"} and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value) is not None


def _check_date_form(form: str) -> None:
    rest = form.lower()
    for part in PARTS:
        rest = rest.replace(part, "", 1)
    if form != "serial" and ("yyyy" not in form.lower() or any(each.isalnum() for each in rest)):
        raise Malformed("import.mapping", "/dates", f"a date form is made of dd, mm and yyyy: {form}")


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(resources.files("registry.importing").joinpath("words.toml").read_text("utf-8"))


def our_words(field: str) -> dict[str, list[str]]:
    """Return what means each of our words of a field, the word itself included."""
    return {ours: [ours, *theirs] for ours, theirs in _words().get(field, {}).items()}


def ministry_words(field: str) -> dict[str, list[str]]:
    """Return the ministry's codes and labels by our word, for lists of guests."""
    if field == "reason":
        return {each.value: [each.value, str(text.code), text.label.vi, text.label.en] for each, text in REASONS.items()}
    if field == "document_kind":
        return {
            each.value: [str(code)]
            for each in DocumentKind
            if (code := ministry_code(each)) is not None and each is not _ALSO_NINE
        }
    return {}


def meanings(mapping: Mapping, kind: Kind, field: str) -> dict[str, str]:
    """Return key of a written word -> our word; what the mapping says comes first."""
    found: dict[str, str] = {}
    of_ministry = ministry_words(field) if kind == "guests" else {}
    for table in (mapping.of(kind).words.get(field, {}), our_words(field), of_ministry):
        for ours, theirs in table.items():
            for each in theirs:
                found.setdefault(match_key(each), ours)
    return found


def columns_of(mapping: Mapping, kind: Kind, headings: list[str]) -> dict[str, str]:
    """Return our field -> their heading for what the file has, or raise ``Malformed("import.column_missing")``."""
    by_key = {match_key(each): each for each in reversed(headings)}
    said = mapping.of(kind).columns
    found: dict[str, str] = {}
    for name, field in FIELDS[kind].items():
        heading = by_key.get(match_key(said.get(name, name)))
        if heading is not None:
            found[name] = heading
        elif name in said or (field.needed and not (name == "commune_code" and mapping.commune_code)):
            raise Malformed("import.column_missing", f"/{kind}/columns/{name}", said.get(name, name))
    return found
