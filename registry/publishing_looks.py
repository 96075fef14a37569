"""Looks get their places in the log: one turn takes what waits, appends it, has it cosigned, publishes it and notes the places.

- What a dead process had already published is found in the files and not published twice: an entry holds a salted root, so equal bytes
  are the same look.
- What was handed over past the database (``registry/handing_over.py``) is published even where the registry has it no more, or has another in its
  place: then its number is there, and whoever compares registry and log finds ``log.look_deleted`` or everybody ``log.number_twice``. It is read
  before the registry, so that a look whose file is there has its row there, and taken away once it stands in the log, before places are noted.
- A folder older than the registry knows the log to be is never signed over: ``Conflict("log.behind_registry")``.
- A checkpoint is the log's before witnesses are asked, so that after a crash nothing else is signed for the same places. A witness that is
  silent is asked again next time; one that refuses stops the log (``Conflict("log.witness_refused")``): it has seen another view.

Example: ``turn(registry, LogFiles(folder), signer=signer, ask=ask)`` after each few seconds
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from registry import look_log
from registry.database import Registry
from registry.handing_over import Handed, HandedFile, Handing
from registry.log_files import LogFiles
from registry.look_log import WaitingLook
from residence.errors import Conflict
from residence.transparency.checkpoints import Checkpoint
from residence.transparency.notes import Signer
from residence.transparency.tiles import Tiles

BATCH: Final = 4096
TAIL: Final = 4096  # entries in which one that is in the log and no longer in the registry is looked for
# signed checkpoint, the log's folder -> the same with the witnesses' lines
Ask = Callable[[str, LogFiles], str]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn did."""

    size: int
    published: int
    adopted: int
    root: bytes
    missed: int = 0  # published though the registry has them no more


def nobody(note: str, _log: LogFiles) -> str:
    """Ask no witness."""
    return note


def turn(registry: Registry, log: LogFiles, *, signer: Signer, ask: Ask = nobody, handing: Handing | None = None) -> Turn:
    """Publish what waits; raises ``Conflict`` when that would be a second view. To be called while writing."""
    head, note = log.head(signer.key), log.note()
    if note is not None:
        _have_cosigned(note, log, ask)  # a witness that refuses stops us before anything is added
    files = handing.waiting(BATCH) if handing else []
    handed = [look for each in files for look in each.looks]
    with registry.reading() as connection:
        known, found = look_log.known_size(connection), look_log.waiting(connection, BATCH)
        stand = look_log.as_they_stand(connection, handed)
    if known > head.size:
        raise Conflict("log.behind_registry", "", f"registry {known}, folder {head.size}")
    adopted = _adopted(log, head, known, found)
    there = {look.look_id for look, _ in adopted}
    fresh = [each for each in found if each.look_id not in there]
    missed = _missed(log, head, handed, stand)
    grows = bool(fresh or missed) or note is None
    if grows:
        note = log.append([each.entry for each in fresh] + [each.entry for each in missed], signer=signer)
        log.publish(note)  # before a witness sees it: what one has seen must never be signed otherwise
    if handing:
        handing.settle(_settled(files, {each.entry for each in found} | {each.entry for each in missed}, stand))
    if found:
        with registry.writing() as connection:
            look_log.place(connection, [*adopted, *((each, head.size + number) for number, each in enumerate(fresh))])
    if grows:
        _have_cosigned(str(note), log, ask)
    new = log.head(signer.key)
    return Turn(size=new.size, published=len(fresh), adopted=len(adopted), root=new.root, missed=len(missed))


def _missed(log: LogFiles, head: Checkpoint, handed: list[Handed], stand: dict[str, tuple[bytes, int | None]]) -> list[Handed]:
    """Return what was handed over and is neither in the log nor, as it was, in the registry. The files are believed, not the place noted."""
    tiles = Tiles(head.size, log.fetch)
    missed = []
    for each in handed:
        entry, place = stand.get(each.look_id, (b"", None))
        if entry != each.entry or (place is not None and list(tiles.entries(place, place + 1)) != [entry]):
            missed.append(each)
    tail = set(tiles.entries(max(0, head.size - TAIL), head.size)) if missed else set()
    return list({each.entry: each for each in missed if each.entry not in tail}.values())


def _settled(files: list[HandedFile], now_there: set[bytes], stand: dict[str, tuple[bytes, int | None]]) -> list[HandedFile]:
    """Return the files all of whose looks stand in the log: not those that still wait behind more than a turn takes."""

    def waits(look: Handed) -> bool:
        return stand.get(look.look_id) == (look.entry, None) and look.entry not in now_there

    return [each for each in files if not any(waits(look) for look in each.looks)]


def _have_cosigned(note: str, log: LogFiles, ask: Ask) -> None:
    said = ask(note, log)
    if said != note:
        log.publish(said)


def _adopted(log: LogFiles, head: Checkpoint, known: int, found: list[WaitingLook]) -> list[tuple[WaitingLook, int]]:
    """Return which of the waiting looks stand in the log already, and where."""
    if not found or known == head.size:
        return []
    there = {entry: known + number for number, entry in enumerate(Tiles(head.size, log.fetch).entries(known, head.size))}
    return [(each, there[each.entry]) for each in found if each.entry in there]
