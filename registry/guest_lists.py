"""Lists of guests on their way to being declared: kept in sealed pieces, judged piece by piece, and what became of every line.

- The lines are sealed under the list's own key and go after days, by the retention policy; counts and outcomes stay, by line number and code.
- Whoever works on a list holds its premises' row: two lists of one house never declare the same line at once (``hold_premises``).
- What a house said its columns mean is remembered by the headings it said it of.

Example: ``keep_list(connection, given, lines, vault=vault)``, then a step for each piece (``server/desk/list_steps.py``)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from registry import tables
from registry.desk_lists import Place
from registry.importing.headings import fingerprint
from registry.importing.lists import Line
from registry.importing.mapping import Mapping
from registry.vault import Cell, Vault
from residence.errors import Refused

PIECE: Final = 500  # lines; a step takes well below a second
MOST_LISTED: Final = 50
Phase = Literal["check", "declare"]
ListState = Literal["given", "checking", "checked", "declaring", "declared"]
OutcomeState = Literal["accepted", "conflicting", "refused", "ignored"]
STATES: Final[tuple[OutcomeState, ...]] = ("accepted", "conflicting", "refused", "ignored")


class GuestList(msgspec.Struct, frozen=True, kw_only=True):
    """One list. ``rows``: lines below the headings that hold anything."""

    list_id: str
    commune_code: str
    premises_id: str
    account_id: str
    file_name: str
    file_digest: bytes
    form: str
    headings: tuple[str, ...]
    mapping: Mapping
    rows: int
    pieces: int
    state: ListState
    given_at: datetime
    changed_at: datetime


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What became of one line. ``reasons``: code, severity, our field."""

    number: int
    state: OutcomeState
    declaration_id: str | None
    reasons: tuple[tuple[str, str, str], ...]


def keep_list(connection: Connection, given: GuestList, lines: Sequence[Line], *, vault: Vault) -> None:
    """Keep a list and seal its lines."""
    key, key_row = vault.new_key(given.list_id, "guest-list", commune_code=given.commune_code, now=given.given_at)
    connection.execute(insert(tables.subject_keys), [key_row])
    row = {name: getattr(given, name) for name in GuestList.__struct_fields__}
    row |= {"headings": list(given.headings), "mapping": msgspec.to_builtins(given.mapping)}
    connection.execute(insert(tables.guest_lists), [row])
    pieces = [
        {
            "commune_code": given.commune_code,
            "piece_id": _piece_id(given.list_id, number),
            "list_id": given.list_id,
            "lines_sealed": vault.seal(key, _cell(given.list_id, number), msgspec.json.encode(lines[at : at + PIECE])),
            "given_at": given.given_at,
        }
        for number, at in enumerate(range(0, len(lines), PIECE))
    ]
    connection.execute(insert(tables.guest_list_pieces), pieces)


def _piece_id(list_id: str, number: int) -> str:
    return f"{list_id}:{number:05d}"


def _cell(list_id: str, number: int) -> Cell:
    return Cell("guest_list_pieces", "lines", _piece_id(list_id, number))


def load_list(connection: Connection, list_id: str) -> GuestList | None:
    """Return one list."""
    row = connection.execute(select(tables.guest_lists).where(tables.guest_lists.c.list_id == list_id).limit(1)).first()
    return _list(row) if row else None


def lists_at(connection: Connection, place: Place) -> list[GuestList]:
    """Return the newest lists of a premises."""
    columns = tables.guest_lists.c
    query = select(tables.guest_lists).where(columns.commune_code == place.commune_code, columns.premises_id == place.premises_id)
    return [_list(row) for row in connection.execute(query.order_by(columns.given_at.desc(), columns.list_id).limit(MOST_LISTED))]


def _list(row: Row[Any]) -> GuestList:
    values = row._asdict()
    mapping = msgspec.convert(values["mapping"], Mapping)
    return GuestList(**{**values, "mapping": mapping, "headings": tuple(values["headings"])})


def lines_of(connection: Connection, given: GuestList, pieces: Iterable[int], *, vault: Vault) -> dict[int, list[Line]]:
    """Return the lines by piece, or raise ``Refused("guest-import.lines_gone")`` once they were deleted."""
    wanted = {_piece_id(given.list_id, number): number for number in pieces}
    columns = tables.guest_list_pieces.c
    query = select(columns.piece_id, columns.lines_sealed).where(columns.piece_id.in_(sorted(wanted)))
    rows = connection.execute(query).all()
    key = vault.load_keys(connection, [given.list_id]).get(given.list_id)
    if key is None or len(rows) < len(wanted):
        raise Refused("guest-import.lines_gone")
    return {
        wanted[piece_id]: msgspec.json.decode(vault.open(key, _cell(given.list_id, wanted[piece_id]), sealed), type=list[Line])
        for piece_id, sealed in rows
    }


def hold_premises(connection: Connection, place: Place) -> None:
    """Let one transaction at a time work on the lists of a premises (PostgreSQL; SQLite's writer is alone already)."""
    columns = tables.premises.c
    mine = select(columns.premises_id).where(columns.commune_code == place.commune_code, columns.premises_id == place.premises_id)
    connection.execute(mine.with_for_update(key_share=True)).all()


def put_state(connection: Connection, given: GuestList, state: ListState, *, now: datetime) -> None:
    """Say how far a list is."""
    connection.execute(update(tables.guest_lists).where(*_same(given)).values(state=state, changed_at=now))


def put_mapping(connection: Connection, given: GuestList, mapping: Mapping, *, now: datetime) -> None:
    """Let a list be read otherwise: what was checked before is forgotten. One that is being declared is read as it was."""
    if given.state in {"declaring", "declared"}:
        raise Refused("guest-import.declared_already")
    batches = tables.guest_list_batches.c
    connection.execute(delete(tables.guest_list_batches).where(batches.list_id == given.list_id))
    values = {"mapping": msgspec.to_builtins(mapping), "state": "checking", "changed_at": now}
    connection.execute(update(tables.guest_lists).where(*_same(given)).values(**values))


def _same(given: GuestList) -> tuple[Any, ...]:
    columns = tables.guest_lists.c
    return columns.commune_code == given.commune_code, columns.list_id == given.list_id


def note_piece(
    connection: Connection, given: GuestList, outcomes: Sequence[Outcome], *, phase: Phase, piece: int, now: datetime
) -> None:
    """Note what became of a piece's lines, in the transaction that declared them."""
    row = {
        "commune_code": given.commune_code,
        "batch_id": f"{given.list_id}:{phase}:{piece:05d}",
        "list_id": given.list_id,
        "phase": phase,
        "piece": piece,
        "counts": {state: sum(each.state == state for each in outcomes) for state in STATES},
        "outcomes": msgspec.to_builtins(outcomes),
        "done_at": now,
    }
    connection.execute(insert(tables.guest_list_batches), [row])


def done_pieces(connection: Connection, given: GuestList, phase: Phase) -> int:
    """Return how many pieces are through."""
    batches = tables.guest_list_batches.c
    query = select(func.count()).select_from(tables.guest_list_batches)
    return connection.scalar(query.where(batches.list_id == given.list_id, batches.phase == phase)) or 0


def counts_of(connection: Connection, given: GuestList, phase: Phase) -> dict[OutcomeState, int]:
    """Return how many lines ended how, so far."""
    batches = tables.guest_list_batches.c
    query = select(batches.counts).where(batches.list_id == given.list_id, batches.phase == phase)
    found = list(connection.scalars(query))
    return {state: sum(each[state] for each in found) for state in STATES}


def outcomes_of(connection: Connection, given: GuestList, phase: Phase) -> list[Outcome]:
    """Return what became of every line so far, in order."""
    batches = tables.guest_list_batches.c
    query = select(batches.outcomes).where(batches.list_id == given.list_id, batches.phase == phase).order_by(batches.piece)
    return [each for batch in connection.scalars(query) for each in msgspec.convert(batch, list[Outcome])]


def remembered(connection: Connection, place: Place, names: Sequence[str]) -> Mapping | None:
    """Return what this house said of these headings before."""
    columns = tables.list_mappings.c
    own = f"{place.premises_id}:{fingerprint(names)}"
    found = connection.scalar(
        select(columns.mapping).where(columns.mapping_id == own, columns.commune_code == place.commune_code)
    )
    return msgspec.convert(found, Mapping) if found is not None else None


def remembered_headings(connection: Connection, place: Place) -> list[str]:
    """Return every heading this house has given a meaning."""
    return [heading for mapping in _mappings(connection, place) for heading in mapping.guests.columns.values()]


def remembered_encodings(connection: Connection, place: Place) -> list[str]:
    """Return the encodings this house has named for its lists."""
    return list(dict.fromkeys(each.encoding for each in _mappings(connection, place) if each.encoding))


def _mappings(connection: Connection, place: Place) -> list[Mapping]:
    columns = tables.list_mappings.c
    query = select(columns.mapping).where(columns.commune_code == place.commune_code, columns.premises_id == place.premises_id)
    return [msgspec.convert(each, Mapping) for each in connection.scalars(query.limit(MOST_LISTED))]


def remember(connection: Connection, given: GuestList, mapping: Mapping, *, account_id: str, now: datetime) -> None:
    """Keep what a house says of these headings for its next list."""
    own = f"{given.premises_id}:{fingerprint(given.headings)}"
    columns = tables.list_mappings.c
    connection.execute(delete(tables.list_mappings).where(columns.mapping_id == own, columns.commune_code == given.commune_code))
    row = {
        "commune_code": given.commune_code,
        "mapping_id": own,
        "premises_id": given.premises_id,
        "mapping": msgspec.to_builtins(mapping),
        "account_id": account_id,
        "changed_at": now,
    }
    connection.execute(insert(tables.list_mappings), [row])
