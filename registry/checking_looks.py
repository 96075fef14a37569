"""The registry's access records against the log: nothing altered, nothing removed, nothing that never was.

- Each look with a place is compared with the entry there, its rows' hashes with the entry's root, and each record with its row's hash.
- A record that is missing, or an entry without a look, was removed, unless it is older than ``since``: then retention may have done it.
- A commune's numbers must be under one mark, and reach as far as its looks: one that was given and is neither in the log nor waiting is missing.
- A record of no look was planted, or left when its look was removed; it is told by its own id.
- Problems name the place in the log, never a person.

Example: ``looks_problems(connection, tiles, since=None)`` is empty for a registry nobody touched
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Row

from registry.look_log import counters, looks_between, records_of, records_without_look, statements_of, text_of, waiting
from residence.errors import Malformed, Problem, problem
from residence.transparency.looks import TOLD_OF_A_GAP, hashes_of, missing_numbers, read_entry
from residence.transparency.merkle import leaf_hash, root_of
from residence.transparency.tiles import Tiles

PAGE: Final = 256
MOST_WAITING: Final = 1_000_000


def looks_problems(connection: Connection, tiles: Tiles, *, since: datetime | None) -> list[Problem]:
    """Return everything that does not fit between the registry and a log."""
    found = [each for start in range(0, tiles.size, PAGE) for each in _page(connection, tiles, start, since)]
    planted = [problem("log.row_unknown", f"/{each}") for each in records_without_look(connection, TOLD_OF_A_GAP)]
    return found + planted + _numbers(connection, tiles)


def _numbers(connection: Connection, tiles: Tiles) -> list[Problem]:
    """Compare what was given with what is in the log or waits for it."""
    there: defaultdict[str, set[int]] = defaultdict(set)
    waits = (each.entry for each in waiting(connection, MOST_WAITING))
    for entry in chain(tiles.entries(0, tiles.size), waits):
        with suppress(Malformed):  # told where its page is checked
            read = read_entry(entry)
            there[read.unit].add(read.number)
    given = {row.unit: row.last for row in counters(connection)}
    strange = [problem("log.unit_unknown", f"/{unit}") for unit in sorted(there.keys() - given.keys())]
    missing = ((unit, n) for unit, last in sorted(given.items()) for n in missing_numbers(there[unit], last=last))
    return strange + [problem("log.number_missing", f"/{unit}/{number}") for unit, number in missing]


def _page(connection: Connection, tiles: Tiles, start: int, since: datetime | None) -> Iterator[Problem]:
    end = min(start + PAGE, tiles.size)
    looks = {row.place_in_log: row for row in looks_between(connection, start, end)}
    records = records_of(connection, [row.look_id for row in looks.values()])
    said = statements_of(connection, [row.look_id for row in looks.values()])
    for place, entry in enumerate(tiles.entries(start, end), start):
        look = looks.get(place)
        code = _missing(entry, since)
        if look is not None:
            code = _trouble(look, entry, records.get(look.look_id, []), said.get(look.look_id))
        if code is not None:
            yield problem(code, f"/{place}")


def _missing(entry: bytes, since: datetime | None) -> str | None:
    return None if since is not None and read_entry(entry).hour < since else "log.look_deleted"


def _trouble(look: Row[Any], entry: bytes, records: Sequence[Row[Any]], statement: str | None) -> str | None:
    hashes = hashes_of(look.row_hashes)
    try:
        said = read_entry(entry)
    except Malformed as error:
        return error.code
    if look.entry != entry or root_of(hashes) != said.root or len(hashes) != said.rows:
        return "log.look_changed"
    if said.kind != "look":
        return None if statement is not None and [leaf_hash(statement.encode())] == hashes else "log.look_changed"
    if [each.place for each in records] != list(range(said.rows)):
        return "log.row_deleted"
    texts = (text_of(each, look) for each in records)
    return None if [leaf_hash(each) for each in texts] == hashes else "log.look_changed"
