"""The long count of the measuring set: thousands of zones, one line of notes a picture, so that it can be stopped and go on later.

- A wrong acceptance is rare, so it takes thousands of pictures to say anything about it, and each is to be looked at: its note holds the
  lines that were shown and those that were read. Everybody in the set is invented.
- Pictures already in the notes are not read again. Notes hold for one state of the reader only: begin a new file after a change.
- Shares come with the 95 % Wilson interval; "0 wrong" therefore comes with what it still allows.
- One thread; the time is the thread's own.

Example: ``python -m luutru.benchmarks.mrz_long notes.jsonl --seed 3 --each 72``
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec
import typer

from luutru.benchmarks.mrz import accepted_lines
from luutru.benchmarks.mrz_set import CATEGORIES, LEVELS, make_zone_still, pictures_of

_Z: Final = 1.96
_ASKED: Final = 3  # levels 0 to 2


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One picture: which it was, what stood in it, what was accepted."""

    seed: int
    category: str
    level: int
    number: int
    lines: tuple[str, ...]
    accepted: tuple[str, ...] | None
    ms: float

    @property
    def wrong(self) -> bool:
        """Tell whether something else than the zone was accepted."""
        return self.accepted is not None and self.accepted != self.lines

    @property
    def which(self) -> tuple[int, str, int, int]:
        """Return what makes the picture again."""
        return self.seed, self.category, self.level, self.number


def notes_in(path: Path) -> list[Note]:
    """Return the notes of a file that may not exist yet; a line cut off by a stop is left out."""
    whole = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [msgspec.json.decode(line, type=Note) for line in whole]


def read_on(path: Path, *, seed: int, each: int) -> Iterator[Note]:
    """Read the pictures that are not in the notes yet, and add them."""
    known = {note.which for note in notes_in(path)}
    with path.open("ab") as file:
        file.truncate(_whole_bytes(path))
        for category, level, number in pictures_of(CATEGORIES, each):
            if (seed, category, level, number) in known:
                continue
            note = _note(seed, category, level=level, number=number)
            file.write(msgspec.json.encode(note) + b"\n")
            file.flush()
            yield note


def _whole_bytes(path: Path) -> int:
    return path.read_bytes().rfind(b"\n") + 1


def _note(seed: int, category: str, *, level: int, number: int) -> Note:
    still = make_zone_still(seed, category, level=level, number=number)
    began = time.thread_time()
    accepted = accepted_lines(still.grey)
    took = (time.thread_time() - began) * 1e3
    return Note(seed=seed, category=category, level=level, number=number, lines=still.lines, accepted=accepted, ms=round(took, 2))


def summary(notes: list[Note]) -> dict[str, Any]:
    """Return the figures of the notes."""
    asked = [note for note in notes if note.lines and note.level < _ASKED]
    return {
        "pictures": len(notes),
        "read_levels_0_2": _share(asked),
        "read_by_category_0_2": {
            name: _share([note for note in asked if note.category == name]) for name in CATEGORIES if name != "none"
        },
        "read_by_level": [_share([note for note in notes if note.lines and note.level == level]) for level in range(LEVELS)],
        "wrong_accepted": sum(note.wrong for note in notes),
        "wrong_accepted_interval": interval(sum(note.wrong for note in notes), len(notes)),
        "mean_ms": round(sum(note.ms for note in notes) / max(1, len(notes)), 1),
        "wrong": [note for note in notes if note.wrong],
    }


def _share(notes: list[Note]) -> dict[str, Any]:
    right = sum(note.accepted == note.lines for note in notes)
    return {
        "right": right,
        "of": len(notes),
        "share": round(right / max(1, len(notes)), 4),
        "interval": interval(right, len(notes)),
    }


def interval(count: int, of: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share.

    >>> interval(0, 100)
    (0.0, 0.037)
    """
    if not of:
        return 0.0, 1.0
    share, extra = count / of, _Z * _Z / of
    middle, half = share + extra / 2, _Z * math.sqrt(share * (1 - share) / of + extra / of / 4)
    return round(max(0.0, (middle - half) / (1 + extra)), 5), round(min(1.0, (middle + half) / (1 + extra)), 5)


def main() -> None:
    """Go on where the notes end, and print the figures."""
    parser = argparse.ArgumentParser(description="Count what is read of the measuring set, picture by picture.")
    parser.add_argument("notes", type=Path, help="the file of notes, made when missing")
    parser.add_argument("--seed", type=int, required=True, help="of the set; not one the reader was tuned on")
    parser.add_argument("--each", type=int, default=72, help="pictures a category and level")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    for note in read_on(given.notes, seed=given.seed, each=given.each):
        if note.wrong:
            typer.echo(msgspec.json.encode(note))
    typer.echo(msgspec.json.format(msgspec.json.encode(summary(notes_in(given.notes)))))


if __name__ == "__main__":
    main()
