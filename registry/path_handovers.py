"""What of somebody on a path was handed to another office: shown first, agreed to, on the record, taken back in one step.

- ``sheet_for`` makes what would go; it is a look, on the record. ``hand_over`` makes it again and gives it only if it is byte for byte what was shown:
  ``Conflict("path.shown_otherwise")``.
- Each hand-over is in the access log, as a telling with its fields and the purpose ``hand-over``; a person sees it among who looked at them.
- Taken back, the sheet is deleted here at once and the office is to be told; whether it was told is written down. What it did until then, it did.

Example: ``hand_over(connection, path, Agreed(office="justice", fields=..., shown=..., heard_in="vi"), look=look, means=means)``
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry import access_records, tables
from registry.locking import locked_row
from registry.numbering import Means
from registry.paths import Taken, said_on, step_path
from registry.release import Look, release_persons
from registry.vault import Cell, Vault
from residence.access.purposes import PERSONAL, Field
from residence.errors import Conflict, Refused
from residence.paths.handing_over import CONSENT_WORDS, make_sheet
from residence.paths.words import Spoken

_GIVEN: Final = tables.path_handovers.c


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody agreed to. ``shown``: the sheet they were shown; ``heard_in``: the language the words of consent were read in."""

    office: str
    fields: tuple[Field, ...]
    shown: str
    heard_in: Spoken


def sheet_for(
    connection: Connection, path: Row[Any], fields: tuple[Field, ...], *, language: Spoken, look: Look, means: Means
) -> str:
    """Return what an office would be given, labelled in the person's language too; the look is on the record."""
    said = said_on(connection, path, vault=means.vault)
    values: dict[Field, str] = {}
    wanted = frozenset(fields) & PERSONAL
    if path.person_id is not None and wanted:
        asked = msgspec.structs.replace(look, fields=wanted)
        found = release_persons(
            connection, [path.person_id], look=asked, vault=means.vault, now=means.now, random_bytes=means.random_bytes
        )
        values.update(found[path.person_id].fields)
    if Field.FULL_NAME in fields and Field.FULL_NAME not in values and said.called:
        values[Field.FULL_NAME] = said.called
    if Field.OWN_WORDS in fields and said.words:
        values[Field.OWN_WORDS] = said.words
    own = frozenset(values) - wanted if path.person_id else frozenset(values)
    if own:
        _record(connection, path, look=look, fields=own, means=means)
    return make_sheet(code=path.code, values=values, language=language)


def hand_over(connection: Connection, path: Row[Any], agreed: Agreed, *, look: Look, means: Means) -> str:
    """Give an office what was shown and agreed to; returns the hand-over's id."""
    sheet = sheet_for(connection, path, agreed.fields, language=agreed.heard_in, look=look, means=means)
    if sheet != agreed.shown:
        raise Conflict("path.shown_otherwise", "/shown")
    if sheet.count("\n") == 1:  # the code alone
        raise Refused("path.fields", "/fields")
    step_path(connection, path.path_id, Taken(step="hand_over", by=look.account_id), means=means)
    key = means.vault.load_keys(connection, [path.path_id])[path.path_id]
    handover_id = means.new_id()
    row = {
        "commune_code": path.commune_code,
        "handover_id": handover_id,
        "path_id": path.path_id,
        "office": agreed.office,
        "fields": [each.value for each in agreed.fields],
        "sheet_sealed": means.vault.seal(key, Cell("path_handovers", "sheet", handover_id), sheet),
        "consent_words": CONSENT_WORDS,
        "heard_in": agreed.heard_in,
        "heard_by": look.account_id,
        "given_at": means.now,
        "withdrawn_at": None,
        "withdrawn_by": None,
        "office_told_at": None,
    }
    connection.execute(insert(tables.path_handovers), [row])
    told = msgspec.structs.replace(look, about=handover_id, way="told")
    _record(connection, path, look=told, fields=frozenset(agreed.fields), means=means)
    return handover_id


def sheet_of(connection: Connection, handover: Row[Any], path: Row[Any], *, look: Look, means: Means) -> str | None:
    """Return a sheet again, to print it; None once it was taken back. The look is on the record."""
    if handover.sheet_sealed is None:
        return None
    key = means.vault.load_keys(connection, [path.path_id])[path.path_id]
    fields = frozenset(Field(each) for each in handover.fields)
    _record(connection, path, look=msgspec.structs.replace(look, about=handover.handover_id), fields=fields, means=means)
    return means.vault.open_text(key, Cell("path_handovers", "sheet", handover.handover_id), handover.sheet_sealed)


def take_back(connection: Connection, handover: Row[Any], *, by: str | None, means: Means) -> bool:
    """Withdraw the consent to a hand-over; False when that was done before. With the last one the path comes back from the office."""
    standing = (_GIVEN.commune_code == handover.commune_code, _GIVEN.withdrawn_at.is_(None))
    path = locked_row(connection, tables.paths, handover.path_id)
    same = (_GIVEN.handover_id == handover.handover_id, *standing)
    values = {"withdrawn_at": means.now, "withdrawn_by": by, "sheet_sealed": None}
    if connection.execute(update(tables.path_handovers).where(*same).values(values)).rowcount != 1:
        return False
    others = select(_GIVEN.handover_id).where(_GIVEN.path_id == handover.path_id, *standing).limit(1)
    if path is not None and path.state == "elsewhere" and connection.scalar(others) is None:
        step_path(connection, path.path_id, Taken(step="recalled", by=by), means=means)
    return True


def note_told(connection: Connection, handover: Row[Any], *, means: Means) -> None:
    """Write down that the office was told to delete what it was given; ``Conflict("path.step")`` where nothing was taken back."""
    told = (
        _GIVEN.handover_id == handover.handover_id,
        _GIVEN.commune_code == handover.commune_code,
        _GIVEN.withdrawn_at.is_not(None),
        _GIVEN.office_told_at.is_(None),
    )
    if connection.execute(update(tables.path_handovers).where(*told).values(office_told_at=means.now)).rowcount != 1:
        raise Conflict("path.step", "/handover_id")


def handovers_of(connection: Connection, path_id: str) -> list[Row[Any]]:
    """Return a path's hand-overs, oldest first."""
    query = select(tables.path_handovers).where(_GIVEN.path_id == path_id)
    return list(connection.execute(query.order_by(_GIVEN.given_at, _GIVEN.handover_id)).all())


def handed_to(connection: Connection, commune_code: str, office: str, *, limit: int = 200) -> list[Row[Any]]:
    """Return a commune's hand-overs to one office with the code and state of each path, newest first; nobody is named."""
    same = (tables.paths.c.path_id == _GIVEN.path_id) & (tables.paths.c.commune_code == _GIVEN.commune_code)
    query = (
        select(tables.path_handovers, tables.paths.c.code, tables.paths.c.state, tables.paths.c.situation)
        .join(tables.paths, same)
        .where(_GIVEN.commune_code == commune_code, _GIVEN.office == office)
    )
    return list(connection.execute(query.order_by(_GIVEN.given_at.desc(), _GIVEN.handover_id).limit(limit)).all())


def look_at_words(connection: Connection, path: Row[Any], *, look: Look, means: Means) -> dict[Field, str]:
    """Return what whoever took a path sees of the person: a name, birth date, sex, nationality, own words; on the record."""
    said, values = said_on(connection, path, vault=means.vault), dict[Field, str]()
    if path.person_id is not None:
        found = release_persons(
            connection, [path.person_id], look=look, vault=means.vault, now=means.now, random_bytes=means.random_bytes
        )
        values.update(found[path.person_id].fields)
    own = {Field.FULL_NAME: said.called if Field.FULL_NAME not in values else None, Field.OWN_WORDS: said.words}
    told = {field: each for field, each in own.items() if each}
    if told:
        _record(connection, path, look=look, fields=frozenset(told), means=means)
    return values | told


def _record(connection: Connection, path: Row[Any], *, look: Look, fields: frozenset[Field], means: Means) -> None:
    """Write a look at what a path holds: under the person, where the register knows them, else under the path."""
    who = path.person_id or path.path_id
    access_records.add(connection, [who], look=look, fields=fields, now=means.now, random_bytes=means.random_bytes)


def opened_helper(connection: Connection, path: Row[Any], *, vault: Vault) -> str | None:
    """Return who helps, as they named themselves."""
    return said_on(connection, path, vault=vault).helper
