"""What a folder of keys remembers besides keys: which period keys were retired, which subjects erased, which rotation is in force.

- ``retired.jsonl`` and ``shredded.jsonl`` only grow, a line at a time, each on the disk before anything is destroyed. No backup of the database
  takes them back; a torn last line (power) is passed over, for what it announced was not done yet.
- ``generations.json`` says how often the key of a period was rotated; a period not named has had one key.
- ``index.json`` says which index keys there are (``registry/index_keys.py``); without it there is the first one.
- ``turn`` is replaced at every change: its inode and time are what others compare.

Example: ``KeyNotes(Path("vault")).shredded()["019..."].certificate``
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from registry.durable_files import append_line, replace_whole

Line = TypeVar("Line", bound=msgspec.Struct)


class Retired(msgspec.Struct, frozen=True, kw_only=True):
    """A period key that was destroyed."""

    kek_id: str
    at: datetime
    why: str


class Shredded(msgspec.Struct, frozen=True, kw_only=True):
    """A subject that was erased: its commune, when, by whom, and the signed certificate."""

    subject_id: str
    commune_code: str
    at: datetime
    by: str
    certificate: bytes = b""


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """The rotation of a period that is in force: the how many-th key it is, and since when."""

    number: int
    since: datetime


class IndexState(msgspec.Struct, frozen=True, kw_only=True):
    """Which index keys there are: the one that writes, another that is looked for as well, and since when.

    ``reached``: while rows are written anew, the last table, commune and id that were.
    """

    number: int = 1
    other: int | None = None
    since: datetime | None = None
    reached: tuple[str, str, str] | None = None

    @property
    def live(self) -> tuple[int, ...]:
        """Return the keys that are looked for, the one that writes first."""
        return (self.number,) if self.other is None else (self.number, self.other)

    @property
    def in_force(self) -> bool:
        """Tell whether the newest key writes."""
        return self.number == max(self.live)


class KeyNotes:
    """The notes of one folder; the caller holds its lock while writing."""

    def __init__(self, folder: Path) -> None:
        self._retired: Final = folder / "retired.jsonl"
        self._shredded: Final = folder / "shredded.jsonl"
        self._generations: Final = folder / "generations.json"
        self._index: Final = folder / "index.json"
        self._turn: Final = folder / "turn"

    def retired(self) -> dict[str, Retired]:
        """Return the retired period keys by name."""
        return {each.kek_id: each for each in _lines(self._retired, Retired)}

    def shredded(self) -> dict[str, Shredded]:
        """Return the erased subjects by id."""
        return {each.subject_id: each for each in _lines(self._shredded, Shredded)}

    def generations(self) -> dict[str, Generation]:
        """Return which key is in force for each period that was rotated."""
        try:
            return msgspec.json.decode(self._generations.read_bytes(), type=dict[str, Generation])
        except FileNotFoundError:
            return {}

    def add_retired(self, given: Retired) -> None:
        """Note a retirement."""
        append_line(self._retired, msgspec.json.encode(given))

    def add_shredded(self, given: Shredded) -> None:
        """Note an erasure."""
        append_line(self._shredded, msgspec.json.encode(given))

    def write_generations(self, generations: dict[str, Generation]) -> None:
        """Say which key is in force for each period that was rotated."""
        replace_whole(self._generations, msgspec.json.encode(generations, order="sorted"))

    def index(self) -> IndexState:
        """Return which index keys there are."""
        try:
            return msgspec.json.decode(self._index.read_bytes(), type=IndexState)
        except FileNotFoundError:
            return IndexState()

    def write_index(self, state: IndexState) -> None:
        """Say which index keys there are."""
        replace_whole(self._index, msgspec.json.encode(state))

    def turn(self) -> tuple[int, int]:
        """Return something that differs after every ``bump``."""
        try:
            found = self._turn.stat()
        except FileNotFoundError:
            return (0, 0)
        return (found.st_ino, found.st_mtime_ns)

    def bump(self) -> None:
        """Tell everybody who remembers something of this folder to look again."""
        try:
            number = int(self._turn.read_bytes()) + 1
        except (FileNotFoundError, ValueError):
            number = 1
        replace_whole(self._turn, str(number).encode())


def _lines(path: Path, kind: type[Line]) -> list[Line]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found: list[Line] = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=kind))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue  # torn by a power cut; what it was to announce was not done
    return found
