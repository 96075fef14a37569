"""Whether a log is what it says: all of it recomputed, and compared with what was seen of it before or is seen elsewhere.

- Verifying reads every entry and every tile; both must come to the signed root, and no unit's numbers may have a gap. In a log of statements
  no place may be void.
- Monitoring asks whether what was seen is the beginning of what is there. A log that shrank or signed two views is convicted by the two
  notes, which are kept.
- Each trouble is a problem with a code; a missing file is one, too.

Example: ``verify_log(fetch_from("log"), key=key).problems``
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from luutru.transparency.fetching import note_from
from registry.durable_files import replace_whole
from residence.errors import LuutruError, Problem, problem
from residence.transparency.checkpoints import Opened, open_checkpoint
from residence.transparency.looks import numbering_problems
from residence.transparency.merkle import Position, consistency_path, leaf_hash, root_of, tree_root, verify_consistency
from residence.transparency.notes import Key
from residence.transparency.statements import entry_problems, is_statement
from residence.transparency.tiles import Fetch, Tiles

SEEN: Final = "seen"


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a log says of itself, and what is wrong with it."""

    opened: Opened | None
    problems: tuple[Problem, ...]


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a checker believes: the log's key, witnesses, and how many of them must have cosigned."""

    log: Key
    witnesses: tuple[Key, ...] = ()
    least: int = 0


def verify_log(fetch: Fetch, trust: Trust) -> Checked:
    """Recompute a whole log."""
    try:
        opened = _opened(note_from(fetch), trust)
    except LuutruError as error:
        return Checked(opened=None, problems=(problem(error.code),))
    problems: list[Problem] = []
    if len(opened.witnesses) < trust.least:
        problems.append(problem("log.witnesses_missing"))
    try:
        checkpoint = opened.checkpoint
        tiles = Tiles(checkpoint.size, fetch)
        entries = list(tiles.entries(0, checkpoint.size))
        if checkpoint.root not in {root_of([leaf_hash(each) for each in entries])} & {tree_root(checkpoint.size, tiles.at)}:
            problems.append(problem("log.root_differs"))
        elif any(is_statement(each) for each in entries):
            problems += entry_problems(entries)
        else:
            problems += numbering_problems(entries)
    except LuutruError as error:
        problems.append(problem(error.code))
    return Checked(opened=opened, problems=tuple(problems))


def watch_log(fetch: Fetch, trust: Trust, *, state: Path, beside: Sequence[str] = ()) -> Checked:
    """Compare a log with what was seen of it before (kept in ``state``), and with other views of it (notes)."""
    try:
        opened = _opened(note_from(fetch), trust)
        seen = [each.read_text("utf-8") for each in [state / SEEN] if each.exists()]
        problems = [found for each in [*seen, *beside] for found in _compared(_opened(each, trust), opened, fetch, state)]
    except LuutruError as error:
        return Checked(opened=None, problems=(problem(error.code),))
    if len(opened.witnesses) < trust.least:
        problems.append(problem("log.witnesses_missing"))
    if not problems:
        state.mkdir(parents=True, exist_ok=True)
        replace_whole(state / SEEN, opened.note.encode())
    return Checked(opened=opened, problems=tuple(problems))


def _opened(note: str, trust: Trust) -> Opened:
    return open_checkpoint(note, log=trust.log, witnesses=trust.witnesses)


def _compared(known: Opened, now: Opened, fetch: Fetch, state: Path) -> list[Problem]:
    """Say what is wrong between two views of one log; the notes that convict it are kept."""
    code = _trouble(known, now, fetch)
    if code is None:
        return []
    if code != "log.file_missing":
        evidence = f"{known.note}\n{now.note}".encode()
        (state / "evidence").mkdir(parents=True, exist_ok=True)
        replace_whole(state / "evidence" / sha256(evidence).hexdigest()[:16], evidence)
    return [problem(code)]


def _trouble(known: Opened, now: Opened, fetch: Fetch) -> str | None:
    old, new = known.checkpoint, now.checkpoint
    if new.size < old.size:
        return "log.shrunk"
    sizes = Position(old.size, new.size)
    try:
        path = consistency_path(sizes, Tiles(new.size, fetch).at)
    except LuutruError as error:
        return error.code
    return None if verify_consistency(sizes, path, old.root, new.root) else "log.forked"
