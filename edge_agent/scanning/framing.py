r"""Cuts the bytes of a serial scanner into payloads: by line end, idle gap and the card's structure, because none is enough.

- Bytes arrive in chunks cut anywhere, also inside a letter; nothing is decoded before a payload is whole.
- A line end (CR, LF or both) ends a payload at once only when what precedes it has a card's structure; a payload may hold a CR.
- Otherwise the idle gap ends it: 80 ms after a line end or a whole card, 300 ms when the bytes look unfinished. On a fast line
  (57600 baud and more) 30 ms are enough after a whole card: the next byte would have come within 0.2 ms.
- Whatever comes before a card on lines of its own is a payload of its own, so noise never spoils the card after it.
- No QR code holds 4 kB: more than that without a gap is a flood; it is dropped up to the next gap.
- What cannot be a code's payload is dropped with a note: register replies of the scanner (somebody showed it a setup code)
  and line noise. Letters damaged by the scanner's charset are passed on with a note, for the screen must say something.

>>> framer = Framer()
>>> framer.feed(b"hello", now_ns=0).payloads, framer.feed(b" there\r\n", now_ns=1).payloads
((), ())
>>> framer.rest(now_ns=100_000_000).payloads
(b'hello there',)
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from residence.credentials.payload_kind import classify
from residence.credentials.reading import is_complete

GAP_NS: Final = 80_000_000
FAST_GAP_NS: Final = 30_000_000
FAST_BAUD: Final = 57_600
UNFINISHED_GAP_NS: Final = 300_000_000
LONGEST: Final = 4096
_ENDS: Final = re.compile(rb"[\r\n]+")
_NUMBER: Final = re.compile(rb"[0-9]{12}\Z")
_REPLY: Final = re.compile(rb"[\x02\x03]\x00\x00.[\x00-\xff]{1,6}\Z", re.DOTALL)  # Grow modules: 02 00 00 01 00 33 31
_SHORTEST: Final = 3


class Framed(NamedTuple):
    """Payloads that became whole, and notes (codes of ``readers.toml``) on what was odd."""

    payloads: tuple[bytes, ...] = ()
    notes: tuple[str, ...] = ()


class Framer:
    """The bytes of one scanner that are not yet a payload. ``gap_ns``: the silence that ends a whole one (``gap_at``)."""

    def __init__(self, *, gap_ns: int = GAP_NS) -> None:
        self._gap_ns = gap_ns
        self._waiting = b""
        self._last_ns = 0
        self._flooded = False

    @property
    def is_waiting(self) -> bool:
        """Tell whether there are bytes that a silence may make whole."""
        return bool(self._waiting) or self._flooded

    def feed(self, chunk: bytes, *, now_ns: int) -> Framed:
        """Take bytes that arrived now; return what is whole."""
        before = self.rest(now_ns=now_ns)
        self._last_ns = now_ns
        if self._flooded:
            return before
        self._waiting += chunk
        if len(self._waiting) > LONGEST:
            self._waiting, self._flooded = b"", True
            return Framed(before.payloads, (*before.notes, "reader.flood"))
        whole, self._waiting = _cut_cards(self._waiting)
        found = _judged(whole)
        return Framed(before.payloads + found.payloads, before.notes + found.notes)

    def rest(self, *, now_ns: int) -> Framed:
        """Return what an idle gap has made whole by now; call it whenever nothing arrived."""
        silence = now_ns - self._last_ns
        if self._flooded:
            self._flooded = silence < self._gap_ns
            return Framed()
        finished = self._waiting.endswith((b"\r", b"\n")) or is_complete(self._waiting)
        if not self._waiting or silence < (self._gap_ns if finished else UNFINISHED_GAP_NS):
            return Framed()
        whole, self._waiting = self._waiting.strip(b"\r\n"), b""
        return _judged([whole])


def gap_at(baud_rate: int) -> int:
    """Return the silence, in nanoseconds, that ends a whole payload at a baud rate."""
    return FAST_GAP_NS if baud_rate >= FAST_BAUD else GAP_NS


def _is_card(line: bytes) -> bool:
    return bool(_NUMBER.match(line.partition(b"|")[0])) and is_complete(line)


def _cut_cards(waiting: bytes) -> tuple[list[bytes], bytes]:
    """Cut every card that a line end has closed off the front, with what stood before it; return the cuts and the remainder."""
    whole: list[bytes] = []
    start, begins = 0, [0]
    for end in _ENDS.finditer(waiting):
        card_at = next((begin for begin in begins if _is_card(waiting[begin : end.start()])), None)
        if card_at is None:
            begins.append(end.end())
            continue
        whole += [line for line in (waiting[start:card_at].strip(b"\r\n"), waiting[card_at : end.start()]) if line]
        start = end.end()
        begins = [start]
    return whole, waiting[start:]


def _judged(candidates: list[bytes]) -> Framed:
    payloads: list[bytes] = []
    notes: list[str] = []
    for candidate in candidates:
        if not candidate:
            continue
        note, is_payload = _judge(candidate)
        if note:
            notes.append(note)
        if is_payload:
            payloads.append(candidate)
    return Framed(tuple(payloads), tuple(notes))


def _judge(candidate: bytes) -> tuple[str, bool]:
    """Return a note, or "", and whether the candidate is passed on."""
    if _REPLY.match(candidate):
        return "reader.setup_code", False
    printable = sum(byte >= 0x20 and byte != 0x7F for byte in candidate if byte < 0x80)  # noqa: PLR2004 -- ASCII
    try:
        text = candidate.decode("utf-8")
    except UnicodeDecodeError:
        readable = printable * 2 >= len(candidate) > _SHORTEST
        return ("reader.not_utf8", True) if readable else ("reader.noise", False)
    if classify(text) == "scanner-setup":
        return "reader.setup_code", True
    if len(candidate) < _SHORTEST or sum(each.isprintable() for each in text) * 2 < len(text):
        return "reader.noise", False
    return "", True
