"""The registry against the log of statements: what was promised stands there, and the blocks it was published from are as they were.

- Each block is compared with the entries at its places; entries of no block were taken out of the registry, or never were in it.
- Each receipt that promises a place of this log is compared with the entry there. One that is gone is no problem: it may have been deleted rightly.
- A promise beyond the log's end waits; whether it waits too long is for a checkpoint with a witness's time to say.
- Problems name the place in the log, never a person.

Example: ``statements_problems(connection, tiles, log_id="1a2b3c4d")`` is empty for a registry nobody touched
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, select

from registry import tables
from registry.promised_places import blocks_from
from residence.errors import Problem, problem
from residence.transparency.statements import committed_by, entry_of, leaves_of
from residence.transparency.tiles import Tiles
from residence.wire.receipts import read_unverified

PAGE: Final = 512
_RECEIPTS: Final = tables.receipts.c


def statements_problems(connection: Connection, tiles: Tiles, *, log_id: str) -> list[Problem]:
    """Return everything that does not fit between the registry and a log of statements."""
    return [*_blocks(connection, tiles, log_id), *_receipts(connection, tiles, log_id)]


def _blocks(connection: Connection, tiles: Tiles, log_id: str) -> Iterator[Problem]:
    reached, at = 0, -1
    while blocks := blocks_from(connection, log_id, at + 1, PAGE):
        for block in blocks:
            entries = [entry_of(each) for each in leaves_of(block.leaves)]
            end = min(block.first + len(entries), tiles.size)
            yield from (problem("log.promise_missing", f"/{place}") for place in range(reached, min(block.first, tiles.size)))
            if end > block.first:
                there = tiles.entries(block.first, end)
                differ = (place for place, each in enumerate(there) if each != entries[place])
                yield from (problem("log.promise_missing", f"/{block.first + place}") for place in differ)
            reached, at = max(reached, end), block.first
    yield from (problem("log.promise_missing", f"/{place}") for place in range(reached, tiles.size))


def _receipts(connection: Connection, tiles: Tiles, log_id: str) -> Iterator[Problem]:
    after = ""
    query = select(_RECEIPTS.declaration_id, _RECEIPTS.receipt_bytes).order_by(_RECEIPTS.declaration_id).limit(PAGE)
    while rows := connection.execute(query.where(_RECEIPTS.declaration_id > after)).all():
        after = rows[-1].declaration_id
        for row in rows:
            promised = committed_by(read_unverified(row.receipt_bytes))
            if promised is None or promised[0].log != log_id or promised[0].index >= tiles.size:
                continue
            place, entry = promised
            if list(tiles.entries(place.index, place.index + 1)) != [entry]:
                yield problem("log.promise_broken", f"/{place.index}")
