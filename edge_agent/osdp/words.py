r"""What the agent and the process on an OSDP line tell each other: one JSON object a line, and nothing else passes between them.

- The first line says which readers hang on which device, with their keys; keys never stand in an argument or an environment.
- The process listens to a device on the street side of a wall: what it says is judged here like anything from outside (``read_said``).

Example: ``read_said(b'{"type":"CardSaid","reader":"outside","format":"wiegand","bits":26,"data":"BRgcwA=="}\\n')``
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

LONGEST_LINE: Final = 4096
MOST_KEYS: Final = 24

Lamp = Literal["granted", "denied", "wait"]
LinkState = Literal["secure", "lost"]
Name = Annotated[str, msgspec.Meta(max_length=40)]


class ReaderOnLine(msgspec.Struct, frozen=True, kw_only=True):
    """One reader of the line."""

    name: Name
    address: int
    key: bytes


class LineOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. ``commissioning``: set the one reader's key; no card counts meanwhile."""

    device: str
    baud_rate: int
    readers: tuple[ReaderOnLine, ...]
    commissioning: bool = False


class Show(msgspec.Struct, frozen=True, kw_only=True):
    """Have a reader show and sound something."""

    reader: Name
    lamp: Lamp


class LinkSaid(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A reader is on its Secure Channel, or is lost. ``default_key``: on the key that everybody knows, for a moment of commissioning."""

    reader: Name
    state: LinkState
    default_key: bool = False


class CardSaid(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A card was held to a reader."""

    reader: Name
    format: Literal["raw", "wiegand"]
    bits: int
    data: Annotated[bytes, msgspec.Meta(max_length=64)]


class KeysSaid(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Keys were pressed: digits, ``#`` and ``*``."""

    reader: Name
    keys: Annotated[str, msgspec.Meta(pattern=r"^[0-9*#]{1,24}$")]


class TamperSaid(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A reader says whether it is being opened, and whether its power fails."""

    reader: Name
    tamper: bool
    power: bool


class InputsSaid(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The inputs of a reader's board, in order."""

    reader: Name
    on: Annotated[tuple[bool, ...], msgspec.Meta(max_length=32)]


class Alive(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nothing happened, and somebody is here: said every second."""


class LineLost(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The device is gone; the process ends, and another opens it anew. ``code``: ``reader.*``."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=60)]


Said = LinkSaid | CardSaid | KeysSaid | TamperSaid | InputsSaid | Alive | LineLost
_said: Final = msgspec.json.Decoder(Said)


def write(word: Said | LineOrder | Show) -> bytes:
    """Return one line."""
    return msgspec.json.encode(word) + b"\n"


def read_said(line: bytes) -> Said | None:
    """Return what the process said, or None for what it may not say."""
    try:
        return _said.decode(line) if len(line) <= LONGEST_LINE else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
