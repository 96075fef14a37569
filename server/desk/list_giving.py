"""A list as a house gives it: read, counted twice, its headings found, and kept to be checked; and what a house says its columns mean.

- What a columns means is, in turn: what was said with the list, what the house said of the same headings before, what the words suggest.
- A text of unknown encoding is tried in those this house has named before; else a person chooses (``guest-import.encoding``).
- No line below the headings is an error, never a success (``guest-import.no_rows``).

Example: ``give(server, connection, account, place=place, file=Given(name="khach.xlsx", data=data))``
"""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import Connection

from registry.desk_lists import Place
from registry.guest_lists import PIECE, GuestList, keep_list, remembered, remembered_encodings, remembered_headings
from registry.importing.fields import FIELDS
from registry.importing.headings import Headings, find_headings, suggest
from registry.importing.lists import GivenList
from registry.importing.mapping import DATES, KindMapping, Mapping, is_default
from residence.errors import Malformed, Refused
from residence.places.premises import Premises
from server.declaring import new_declaration_id
from server.policy import Account
from server.wiring import Server

NEEDED: Final = ("full_name", "arrival")
DEFAULTS: Final = ("reason", "arrival_time", "departure_time")
LONGEST_NAME: Final = 200


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A file. ``encoding``: as a person chose it; ``mapping``: as it was given with the file."""

    name: str
    data: bytes
    encoding: str | None = None
    mapping: Mapping | None = None


def give(server: Server, connection: Connection, account: Account, *, premises: Premises, file: Given) -> GuestList:
    """Keep a list, or say what is wrong with the file as a whole."""
    from registry.importing.counting import check_count

    place = Place(premises.commune_code, premises.premises_id)
    read, encoding = _read(connection, place, file)
    check_count(file.data, read)
    if not read.lines:
        raise Refused("guest-import.no_rows")
    headings = _headings(connection, place, read, file.mapping)
    lines = read.lines[headings.last + 1 :]
    if not lines:
        raise Refused("guest-import.no_rows")
    now = server.clock.now()
    mapping = file.mapping or remembered(connection, place, headings.names) or suggested(headings.names)
    given = GuestList(
        list_id=new_declaration_id(server),
        commune_code=place.commune_code,
        premises_id=place.premises_id,
        account_id=account.account_id,
        file_name=file.name[:LONGEST_NAME],
        file_digest=sha256(file.data).digest(),
        form=read.form,
        headings=tuple(headings.names),
        mapping=msgspec.structs.replace(mapping, encoding=encoding),
        rows=len(lines),
        pieces=-(-len(lines) // PIECE),
        state="checking" if says_enough(mapping, headings.names) else "given",
        given_at=now,
        changed_at=now,
    )
    keep_list(connection, given, lines, vault=server.registry.vault)
    return given


def _read(connection: Connection, place: Place, file: Given) -> tuple[GivenList, str | None]:
    """Return the list, and the encoding that had to be named for it."""
    from registry.importing.lists import read_list

    base = file.mapping or Mapping()
    if file.encoding:
        base = msgspec.structs.replace(base, encoding=file.encoding)
    try:
        return read_list(file.data, base), base.encoding
    except Malformed as error:
        if error.code != "guest-import.encoding" or base.encoding is not None:
            raise
        for encoding in remembered_encodings(connection, place):
            try:
                read = read_list(file.data, msgspec.structs.replace(base, encoding=encoding))
            except Malformed:
                continue
            if find_headings(read.lines, remembered_headings(connection, place)) is not None:
                return read, encoding
        raise


def _headings(connection: Connection, place: Place, read: GivenList, mapping: Mapping | None) -> Headings:
    if read.form == "xml":
        return Headings(list(read.lines[0].cells), 0)
    said = list(mapping.guests.columns.values()) if mapping else remembered_headings(connection, place)
    found = find_headings(read.lines, said)
    if found is None:  # a list in words we do not know: its first line, and a person says what is what
        found = find_headings(read.lines[:1], [cell for cell in read.lines[0].cells if cell.strip()])
    if found is None:
        raise Malformed("guest-import.no_headings")
    return found


def suggested(names: Sequence[str]) -> Mapping:
    """Return what the words of the headings suggest."""
    return Mapping(dates=list(DATES), guests=KindMapping(columns=suggest(names)))


def says_enough(mapping: Mapping, names: Sequence[str]) -> bool:
    """Tell whether a list can be read by a mapping: it names what every line needs, and nothing that is not there."""
    columns = mapping.guests.columns
    return all(name in columns for name in NEEDED) and set(columns.values()) <= set(names)


def mapping_of_form(given: GuestList, form: AnyMapping[str, str]) -> Mapping:
    """Return what a person says of a list's columns on the page, or raise ``Malformed("guest-import.columns")``."""
    columns = {}
    for field in FIELDS["guests"]:
        chosen = form.get(f"column:{field}", "")
        if chosen in given.headings:
            columns[field] = chosen
    defaults = {name: form[name] for name in DEFAULTS if is_default(name, form.get(name, ""))}
    words: dict[str, dict[str, list[str]]] = {field: {**table} for field, table in given.mapping.guests.words.items()}
    for name, ours in form.items():
        kind, _, rest = name.partition(":")
        field, _, written = rest.partition(":")
        if kind == "word" and ours and written and FIELDS["guests"].get(field) is not None:
            table = words.setdefault(field, {})
            table[ours] = sorted({*table.get(ours, []), written})
    mapping = msgspec.structs.replace(given.mapping, guests=KindMapping(columns=columns, words=words, defaults=defaults))
    if not says_enough(mapping, given.headings):
        raise Malformed("guest-import.columns", "/columns")
    return mapping
