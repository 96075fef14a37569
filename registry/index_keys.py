"""The keys of blind indexes in a folder of keys: which there are, which one writes, and how one takes the other's place.

- The indexes of numbers, name words and telephones (``ROTATED``) can be computed anew from what is sealed, so their key can change. What nobody can
  compute anew keeps its first key: pseudonyms, sources, identities of another provider, codes on paper, links that were sent.
- A change goes in three steps, each after whoever worked by the one before has ended: *announced* (both are looked for, the former one is written),
  *in force* (both are looked for, the new one is written), *over* (the former one is destroyed). Whoever looks only for one never meets a row of the other.
- The first key made all of them. When it goes, what keeps it is left as the derived keys alone, by purpose, from which no index of a number can be made.
- Each step is one file replaced whole; broken off between two, the next call goes on (``sweep_up``).

Example: ``IndexKeys(folder, files).of("number")`` is ``(written, also looked for, ...)``
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

import msgspec

from registry.durable_files import destroy_file, replace_whole, write_new
from registry.key_notes import IndexState, KeyNotes
from registry.root_keepers import KEY_BYTES
from residence.errors import Conflict, Untrusted

INDEX_FILE: Final = "index.wrapped"
ROTATED: Final = frozenset({"number", "name", "contact"})
KEPT: Final = frozenset(
    {"pseudonym", "state", "claim", "address", "identity", "desk", "visit", "link", "deletion", "stay-code", "source"}
)
_TRIES: Final = 5
_REST: Final = ""  # in what is left of the first key: purposes that came later


class KeyFiles(Protocol):
    """What the folder's provider does for its index keys."""

    def changing(self) -> AbstractContextManager[None]:
        """Hold the folder's lock."""

    def wrapped(self, key: bytes, name: str) -> bytes:
        """Return a key as its file holds it."""

    def opened(self, path: Path, name: str) -> bytes:
        """Return what a file holds."""

    def random_bytes(self, count: int, /) -> bytes:
        """Draw a key."""


class IndexKeys:
    """The index keys of one folder."""

    def __init__(self, folder: Path, files: KeyFiles, notes: KeyNotes) -> None:
        self._folder, self._files, self._notes = folder, files, notes
        self._turn = notes.turn()
        self._opened: dict[int, bytes] = {}

    def of(self, purpose: str) -> tuple[bytes, ...]:
        """Return the 32-byte keys of a purpose: the one that writes, then those that are looked for as well."""
        if purpose not in ROTATED:
            return (self._derived(1, purpose),)
        for _ in range(_TRIES):
            state = self.state()
            try:
                found = tuple(self._derived(number, purpose) for number in state.live)
            except Untrusted:
                if self.state() == state:
                    raise
                continue  # another process finished between the note and the file
            if self.state() == state:
                return found
        raise Conflict("vault.index_under_way")

    def state(self) -> IndexState:
        """Return which keys there are."""
        return self._notes.index()

    def announce(self, *, now: datetime) -> IndexState:
        """Make a new key that is looked for from now on, and not yet written."""
        with self._files.changing():
            state = self.state()
            if state.other is not None:
                raise Conflict("vault.index_under_way")
            self._sweep_up(state)
            number = state.number + 1
            write_new(self._path(number), self._files.wrapped(self._files.random_bytes(KEY_BYTES), self._path(number).name))
            return self._put(IndexState(number=state.number, other=number, since=now))

    def put_in_force(self, *, now: datetime) -> IndexState:
        """Write the announced key from now on; the former one is still looked for."""
        with self._files.changing():
            state = self.state()
            if state.other is None or state.in_force:
                raise Conflict("vault.index_under_way")
            return self._put(IndexState(number=state.other, other=state.number, since=now))

    def note(self, reached: tuple[str, str, str]) -> None:
        """Keep how far rows were written anew: table, commune, id; whoever goes on begins after it."""
        with self._files.changing():
            self._notes.write_index(msgspec.structs.replace(self.state(), reached=reached))

    def finish(self) -> IndexState:
        """Look for the former key no more and destroy it."""
        with self._files.changing():
            state = self.state()
            if state.other is None or not state.in_force:
                raise Conflict("vault.index_under_way")
            done = self._put(IndexState(number=state.number, since=state.since))
            self._sweep_up(done)
            return done

    def sweep_up(self) -> None:
        """Destroy what a ``finish`` that was broken off left."""
        with self._files.changing():
            self._sweep_up(self.state())

    def _sweep_up(self, state: IndexState) -> None:
        if state.number > 1 and state.other is None and len(self._content(1)) == KEY_BYTES:
            left = {each: b64encode(self._derived(1, each)).decode() for each in sorted(KEPT)}
            left[_REST] = b64encode(self._files.random_bytes(KEY_BYTES)).decode()
            replace_whole(self._path(1), self._files.wrapped(msgspec.json.encode(left), INDEX_FILE))
            self._notes.bump()
        for path in self._folder.glob("index-*.wrapped"):
            if path not in {self._path(each) for each in state.live}:
                destroy_file(path)

    def _put(self, state: IndexState) -> IndexState:
        self._notes.write_index(state)
        self._notes.bump()
        return state

    def _derived(self, number: int, purpose: str) -> bytes:
        content = self._content(number)
        if len(content) == KEY_BYTES:
            return _derive(content, purpose)
        left = msgspec.json.decode(content, type=dict[str, str])
        return b64decode(left[purpose]) if purpose in left else _derive(b64decode(left[_REST]), purpose)

    def _content(self, number: int) -> bytes:
        turn = self._notes.turn()
        if turn != self._turn:
            self._opened.clear()
            self._turn = turn
        if number not in self._opened:
            path = self._path(number)
            self._opened[number] = self._files.opened(path, path.name)
        return self._opened[number]

    def _path(self, number: int) -> Path:
        return self._folder / (INDEX_FILE if number == 1 else f"index-{number}.wrapped")


def _derive(root: bytes, purpose: str) -> bytes:
    return hmac.digest(root, b"luutru index key\x00" + purpose.encode(), "sha256")
