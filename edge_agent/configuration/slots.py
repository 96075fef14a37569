"""Two places for a kiosk's configuration: the one it works by, and the one it tries. What does not prove itself is taken back.

- A new document is written whole into the place not in use, and only then is it the one to try; a power cut in between changes nothing.
- Being tried, it has ``TRIES`` starts to prove itself: a crash, a hang that the watchdog ends, or a self-test that fails each use one up. Then
  the one before is in force again, and that document is not tried a second time, however often it comes.
- Proved, it is the one to go back to. Without any, the kiosk works by the profile of its image.
- The state is one small file, replaced in one step. On a disk that cannot be written nothing is tried; the good one, or the image's, works on.

Example: ``slots = Slots(folder); slots.put("3f2a...", files); slots.at_start(); slots.confirm()``
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from edge_agent.replacing import replace_file

TRIES: Final = 2
Place = Literal["", "a", "b"]  # "": the image's own profile


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Which place is good, which is tried, what was refused."""

    good: Place = ""
    good_name: str = ""
    trying: Place = ""
    trying_name: str = ""
    tries: int = 0
    refused: tuple[str, ...] = ()  # names of documents that were taken back, newest last


class Slots:
    """The folder ``a``, ``b`` and ``state.json`` lie in."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self._file = folder / "state.json"
        with suppress(OSError):  # a disk that cannot be written keeps no kiosk from starting
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state = self._read()

    def at_start(self) -> Path | None:
        """Return the folder to start by, None for the image's own; counts a try, and takes back what has used them up."""
        place = self.state.good
        try:
            if self.state.trying and self.state.tries >= TRIES:
                self.take_back()
            if self.state.trying:
                self._keep(msgspec.structs.replace(self.state, tries=self.state.tries + 1))
                place = self.state.trying
        except OSError:  # what cannot be counted is not tried
            place = self.state.good
        return self.folder / place if place else None

    def wants(self, name: str) -> bool:
        """Tell whether a document should be tried: not the one in force, not one that is tried or was taken back."""
        return name not in {self.state.good_name, self.state.trying_name, *self.state.refused}

    def put(self, name: str, files: Mapping[str, bytes]) -> None:
        """Write a document's files into the place not in use; from the next start on it is tried."""
        place: Place = "b" if self.state.good == "a" else "a"
        folder = self.folder / place
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        for each, data in files.items():
            replace_file(folder / each, data)
        self._keep(msgspec.structs.replace(self.state, trying=place, trying_name=name, tries=0))

    def confirm(self) -> bool:
        """Make what is tried the good one; True when something was tried."""
        state = self.state
        if not state.trying:
            return False
        self._keep(State(good=state.trying, good_name=state.trying_name, refused=state.refused))
        return True

    def take_back(self) -> None:
        """Give up what is tried: the good one is in force from the next start on."""
        state = self.state
        refused = (*state.refused, state.trying_name)[-8:]
        self._keep(State(good=state.good, good_name=state.good_name, refused=refused))

    def forget(self) -> None:
        """Give up what is good, for it cannot be read any more; it may come, and be tried, again."""
        self._keep(State(refused=self.state.refused))

    def _read(self) -> State:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=State)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return State()  # no file yet, or a disk that lost it: the image's own profile always works

    def _keep(self, state: State) -> None:
        replace_file(self._file, msgspec.json.encode(state))
        self.state = state
