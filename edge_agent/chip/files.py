"""Reading a chip's files: how much at once, how far, and what a missing or refused file means.

- A file is named by its short identifier in the first READ BINARY; where a chip does not know that, it is selected first.
- The first eight bytes say how long it is; more than ``LARGEST_FILE`` is refused before it is read. What was declared is never allocated.
- An empty answer, or one longer than asked for, ends the reading: ``Malformed("chip.file")``.
- How much is read at once goes down a ladder: extended, then 223, 160 and 112 bytes, on 6700, 6B00, 6Cxx; what was found is
  remembered per reader and kind of card (``LinkMemory``). Never 256: many readers stumble there.
- ``None`` is "not on this chip" (6A82, 6A83); a file the chip denies is ``Refused("chip.refused")`` with its status.

Example: ``read_file(channel, EF_COM, link)``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_agent.chip.apdu import END_OF_FILE, MOST_SHORT_LE, NOT_FOUND, Answer, Channel, Command
from residence.credentials.chip import tlv
from residence.errors import Malformed, Refused

LADDER: Final = (4_096, 223, 160, 112)
LARGEST_FILE: Final = 32_767  # as far as READ BINARY's offset reaches
MOST_KINDS: Final = 64  # of cards whose links are remembered
_HEAD: Final = 8
_MOST_CHUNKS: Final = 600
_PROTECTION: Final = 40  # what secure messaging adds to an answer at most: padding, two headers, status, MAC
_ABSENT: Final = {NOT_FOUND, 0x6A83}
_NO_SHORT_NAMES: Final = {0x6A86, 0x6A81, 0x6D00, 0x6B00, 0x6A80, 0x6981}
_TOO_MUCH: Final = {0x6700, 0x6B00}


@dataclass(frozen=True, kw_only=True, slots=True)
class FileName:
    """A file by its identifier and its short identifier."""

    file_id: int
    short_id: int


CARD_ACCESS: Final = FileName(file_id=0x011C, short_id=0x1C)
CARD_SECURITY: Final = FileName(file_id=0x011D, short_id=0x1D)
EF_COM: Final = FileName(file_id=0x011E, short_id=0x1E)
EF_SOD: Final = FileName(file_id=0x011D, short_id=0x1D)


def data_group(number: int) -> FileName:
    """Return the name of a data group, 1 to 16."""
    return FileName(file_id=0x0100 + number, short_id=number)


@dataclass(kw_only=True)
class Link:
    """How much one reader and one kind of card carry at once. ``longest_answer``: what a short command may bring back through the reader."""

    step: int = 0
    probed: bool = False
    short_names: bool = True
    longest_answer: int = 256

    @property
    def chunk(self) -> int:
        """Return how many bytes are asked for."""
        return LADDER[self.step]

    @property
    def is_extended(self) -> bool:
        """Tell whether extended length works."""
        return self.step == 0

    def carries(self, answer_bytes: int) -> bool:
        """Tell whether a protected answer with so much data comes through: whole, or in pieces as long as a short answer may be."""
        return self.is_extended or self.longest_answer >= MOST_SHORT_LE or answer_bytes + _PROTECTION <= self.longest_answer

    def step_down_to(self, most: int) -> None:
        """Ask for no more than this from now on, as far as there is less."""
        while self.chunk > most and self.step_down():
            pass

    def step_down(self) -> bool:
        """Ask for less from now on; False when there is nothing less."""
        if self.step + 1 == len(LADDER):
            return False
        self.step += 1
        return True


class LinkMemory:
    """What was found with one reader, by what kinds of card say of themselves; ``fresh`` makes what is known of the reader alone."""

    def __init__(self, fresh: Callable[[], Link] = Link) -> None:
        self._fresh = fresh
        self._links: dict[bytes, Link] = {}

    def link(self, about: bytes) -> Link:
        """Return what is known of this kind of card, or a new link that begins at the top."""
        if about not in self._links and len(self._links) == MOST_KINDS:
            del self._links[next(iter(self._links))]  # the one met first; it is found out again
        return self._links.setdefault(about, self._fresh())


def select_file(channel: Channel, name: FileName) -> bool:
    """Select a file by its identifier; False when the chip has none of this name."""
    answer = channel.send(Command(ins=0xA4, p1=0x02, p2=0x0C, data=name.file_id.to_bytes(2, "big")))
    if answer.status in _ABSENT:
        return False
    answer.expect("chip.refused")
    return True


def _first(channel: Channel, name: FileName, link: Link, *, le: int) -> Answer | None:
    """Return the answer to the first read; None when there is no such file."""
    if link.short_names:
        answer = channel.send(Command(ins=0xB0, p1=0x80 | name.short_id, le=le))
        if answer.status in _ABSENT:
            return None
        if answer.status not in _NO_SHORT_NAMES:
            return answer
        link.short_names = False
    return channel.send(Command(ins=0xB0, le=le)) if select_file(channel, name) else None


def read_file(channel: Channel, name: FileName, link: Link) -> bytes | None:
    """Return a file's bytes as read, its header included."""
    answer = _first(channel, name, link, le=_HEAD)
    if answer is None:
        return None
    head = _usable(answer, _HEAD)
    size = tlv.declared_size(head)
    if size > LARGEST_FILE:
        raise Malformed("chip.file", "", "too large")
    return _rest(channel, head[:size], size, link)


def _usable(answer: Answer, asked: int) -> bytes:
    if answer.status != END_OF_FILE:
        answer.expect("chip.refused")
    if not answer.data or len(answer.data) > asked:
        raise Malformed("chip.file", "", f"{len(answer.data)} bytes for {asked}")
    return answer.data


def _rest(channel: Channel, head: bytes, size: int, link: Link) -> bytes:
    """Read on until the declared size is reached."""
    data = bytearray(head)
    for _ in range(_MOST_CHUNKS):
        missing = size - len(data)
        if missing <= 0:
            return bytes(data)
        asked = min(missing, link.chunk)
        answer = channel.send(Command(ins=0xB0, p1=len(data) >> 8, p2=len(data) & 0xFF, le=asked))
        if answer.status >> 8 == 0x6C and (exact := answer.status & 0xFF or MOST_SHORT_LE) < asked:
            link.step_down_to(exact)
            asked = min(exact, LADDER[1])
            answer = channel.send(Command(ins=0xB0, p1=len(data) >> 8, p2=len(data) & 0xFF, le=asked))
        elif answer.status in _TOO_MUCH and asked > LADDER[-1] and link.step_down():
            continue
        data += _usable(answer, asked)
    raise Refused("chip.too_slow", "", "too many pieces")


def probe_extended(channel: Channel, link: Link) -> None:
    """Find out once, while nothing is protected yet, whether extended length passes reader and card; what is refused otherwise did pass."""
    if link.probed:
        return
    link.probed = True
    if link.is_extended and channel.send(Command(ins=0xB0, le=_HEAD, extended=True)).status in {0x6700, 0x6D00, 0x6F00, 0x6A86}:
        link.step_down()
