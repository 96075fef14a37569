"""Promised statements get the places they were promised: one turn takes what was committed since and appends it in exactly that order.

- The files are the truth: the log's size is the next number owed. A process that dies anywhere goes on from there and publishes nothing twice.
- A number whose block is gone (only somebody who writes the registry past us can take one out) is filled with ``VOID`` and told as an error: the log goes
  on, and the holder of that receipt has the evidence. A block that claims places already taken is passed over, and told as well.
- A folder older than the registry knows is not signed over, and a checkpoint is the log's before witnesses see it: as for looks
  (``registry/publishing_looks.py``).
- A registry older than the folder (a backup was brought back) goes on from the folder's size.

Example: ``turn(registry, LogFiles(folder), signer=signer, now=now)`` after each few seconds
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row

from registry.database import Registry
from registry.log_files import LogFiles
from registry.promised_places import blocks_from, close_log, log_row, note_published, open_log
from registry.publishing_looks import Ask, nobody
from residence.transparency.checkpoints import Checkpoint
from residence.transparency.notes import Signer
from residence.transparency.statements import VOID, entry_of, leaves_of

BLOCKS: Final = 256  # of one turn
ENTRIES: Final = 16_384  # of one turn, beyond which no further block is begun


class StatementsTurn(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn did."""

    size: int
    published: int
    void: int = 0  # promised, and not there any more
    astray: int = 0  # blocks for places that are taken
    owed: int = 0  # promised, for the next turn


class _Taken(msgspec.Struct):
    """What a turn will append, from the log's size on."""

    entries: list[bytes]
    void: int = 0
    astray: int = 0


def turn(
    registry: Registry, log: LogFiles, *, signer: Signer, now: datetime, ask: Ask = nobody, closing: bool = False
) -> StatementsTurn:
    """Publish what was promised; raises ``Conflict`` when that would be a second view. To be called while writing.

    ``closing``: nothing is promised any more, so that another log can follow once nothing is owed.
    """
    head, note = log.head(signer.key), log.note()
    if note is not None and (said := ask(note, log)) != note:
        log.publish(said)
    row = _opened(registry, head, signer, now, closing=closing)
    with registry.reading() as connection:  # the number first: what it counts was committed before
        blocks = blocks_from(connection, row.log_id, head.size, BLOCKS)
    taken = _in_order(head.size, row.next, blocks)
    if taken.entries or note is None:
        note = log.append(taken.entries, signer=signer)
        log.publish(note)
        size = head.size + len(taken.entries)
        with registry.writing() as connection:
            note_published(connection, size)
        if (said := ask(note, log)) != note:
            log.publish(said)
    size = head.size + len(taken.entries)
    return StatementsTurn(size=size, published=len(taken.entries), void=taken.void, astray=taken.astray, owed=row.next - size)


def _opened(registry: Registry, head: Checkpoint, signer: Signer, now: datetime, *, closing: bool) -> Row[Any]:
    """Return which log there is, opened for this one where it was not, or was brought back from before."""
    log_id = signer.key.key_id.hex()
    with registry.reading() as connection:
        row = log_row(connection)
    fits = row is not None and row.log_id == log_id and row.published <= head.size <= row.next
    if row is None or not fits or row.is_open == closing:
        with registry.writing() as connection:
            open_log(connection, log_id=log_id, origin=signer.key.name, size=head.size, now=now)
            if closing:
                close_log(connection)
            row = log_row(connection)
    if row is None:  # pragma: no cover - it was just written
        raise LookupError(log_id)
    return row


def _in_order(size: int, end: int, blocks: list[Row[Any]]) -> _Taken:
    """Return the entries from ``size`` on, at most up to ``end``; whole blocks, and void where one is missing."""
    taken = _Taken([])
    for block in blocks:
        at, leaves = size + len(taken.entries), leaves_of(block.leaves)
        if len(taken.entries) >= ENTRIES or block.first >= end:
            return taken  # a block committed after the number was read waits for its turn
        if block.first < at or not leaves:
            taken.astray += 1
            continue
        _fill(taken, block.first - at)
        if block.first > size + len(taken.entries):
            return taken
        taken.entries += [entry_of(each) for each in leaves]
    if len(blocks) < BLOCKS:
        _fill(taken, end - size - len(taken.entries))
    return taken


def _fill(taken: _Taken, missing: int) -> None:
    """Fill what is missing, and no more than a turn takes: whoever sets the number to 10^18 fills no disk at once."""
    count = min(max(missing, 0), max(0, ENTRIES - len(taken.entries)))
    taken.entries += [VOID] * count
    taken.void += count
