"""The frames and commands of a PN532, as its user manual (UM0701-02, chapters 6.2.1 and 7.3) has them; pure, no line in it.

- A frame is ``00 00 FF length checksum D4|D5 ... checksum 00``; longer than 255 bytes it is an extended one with two bytes of length. An
  acknowledgement, its refusal and the error frame are frames without a command.
- ``FrameReader`` takes bytes as they come and gives whole frames; noise before a frame is skipped, a frame with a wrong checksum is
  ``Damaged``. It never holds more than one frame may have.
- A target is a card in the field: type A with an answer to select (ATS), or type B; anything else is no chip card.

>>> frame(GET_FIRMWARE).hex()
'0000ff02fed4022a00'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from residence.errors import Malformed

LONGEST: Final = 265  # with the byte of direction; the manual's limit
GET_FIRMWARE: Final = b"\x02"
ANSWER_TO_HOST: Final = 0xD5
TO_CHIP: Final = 0xD4
ACK: Final = bytes.fromhex("0000FF00FF00")
NACK: Final = bytes.fromhex("0000FFFF0000")
WAKE_UP: Final = bytes.fromhex("55550000000000")
NORMAL_MODE: Final = b"\x14\x01"  # SAMConfiguration: no security module
FIELD_OFF: Final = b"\x32\x01\x00"
FEW_TRIES: Final = b"\x32\x05\xff\x01\x02"  # RFConfiguration: how often a card is looked for before "none" is said
LIST_TYPE_A: Final = b"\x4a\x01\x00"
LIST_TYPE_B: Final = b"\x4a\x01\x03\x00"
EXCHANGE: Final = 0x40
ERROR_BITS: Final = 0x3F
MORE: Final = 0x40
_SHORT_LENGTH: Final = 255
_SPEAKS_BLOCKS: Final = 0x20  # of SEL_RES: the card speaks ISO/IEC 14443-4

Kind = Literal["answer", "ack", "nack", "error", "damaged"]


def frame(data: bytes, *, direction: int = TO_CHIP) -> bytes:
    """Return the frame of one command."""
    body = bytes([direction]) + data
    if len(body) > LONGEST:
        raise Malformed("chip.apdu", "", f"{len(data)} bytes for a PN532")
    if len(body) <= _SHORT_LENGTH:
        head = bytes([len(body), -len(body) & 0xFF])
    else:
        high, low = divmod(len(body), 256)
        head = b"\xff\xff" + bytes([high, low, -(high + low) & 0xFF])
    return b"\x00\x00\xff" + head + body + bytes([-sum(body) & 0xFF, 0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """One frame that came. ``data`` without the byte of direction, only in an answer."""

    kind: Kind
    data: bytes = b""


@dataclass(kw_only=True)
class FrameReader:
    """Whole frames out of bytes as they come."""

    held: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> list[Frame]:
        """Add bytes and return the frames that are whole now."""
        self.held += data
        frames: list[Frame] = []
        while (found := self._next()) is not None:
            frames.append(found)
        return frames

    def forget(self) -> None:
        """Drop what has come so far."""
        self.held.clear()

    def _next(self) -> Frame | None:
        start = self.held.find(b"\x00\xff")
        if start < 0:
            del self.held[:-1]  # the last byte may be the first of a start
            return None
        del self.held[:start]
        head = self.held[2:7]
        if len(head) < 3:  # not even an acknowledgement is shorter
            return None
        return self._short(head) or self._informing(head)

    def _short(self, head: bytearray) -> Frame | None:
        if head[:2] == b"\x00\xff" or head[:2] == b"\xff\x00":
            del self.held[:4]
            return Frame(kind="ack" if head[0] == 0 else "nack")
        return None

    def _informing(self, head: bytearray) -> Frame | None:
        if head[:2] == b"\xff\xff":
            if len(head) < 5:
                return None
            length, start, right = head[2] << 8 | head[3], 7, not (head[2] + head[3] + head[4]) & 0xFF
        else:
            length, start, right = head[0], 4, not (head[0] + head[1]) & 0xFF
        if not right or not 1 <= length <= LONGEST:
            del self.held[:2]
            return Frame(kind="damaged")
        if len(self.held) < start + length + 1:
            return None
        body, check = bytes(self.held[start : start + length]), self.held[start + length]
        del self.held[: start + length + 1]
        if (sum(body) + check) & 0xFF:
            return Frame(kind="damaged")
        if body == b"\x7f":
            return Frame(kind="error")
        return Frame(kind="answer", data=body[1:]) if body[0] == ANSWER_TO_HOST else Frame(kind="damaged")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A chip card in the field. ``about``: its answer to select, or to the request of type B."""

    number: int
    about: bytes


def target_of(answer: bytes, *, type_b: bool) -> Target | None:
    """Return the chip card an InListPassiveTarget found; None when there is none, or another kind of thing."""
    if len(answer) < 2 or not answer[1]:
        return None
    if type_b:
        # behind the marker and four signs the card draws anew each time
        return Target(number=answer[2], about=answer[8:15]) if len(answer) >= 15 else None
    if len(answer) < 7 or not answer[5] & _SPEAKS_BLOCKS:
        return None
    about = answer[7 + answer[6] :]
    # the answer to select counts its own length
    return Target(number=answer[2], about=about[1 : about[0]]) if about and about[0] <= len(about) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchanged:
    """What a card answered, or a piece of it."""

    data: bytes
    more: bool


def exchanged(answer: bytes) -> Exchanged | None:
    """Return what an InDataExchange brought; None when the card did not answer."""
    if len(answer) < 2 or answer[1] & ERROR_BITS:
        return None
    return Exchanged(data=answer[2:], more=bool(answer[1] & MORE))


def fits(apdu: bytes) -> bool:
    """Tell whether a command is short: an extended one has a zero where a short one has its length, and more behind it."""
    return len(apdu) <= 5 + 255 + 1 and not (len(apdu) > 5 and not apdu[4])
