"""What a person does on the chip's screens; part of the acts of ``events.py``.

- An act of another screen changes nothing, as everywhere. A typed number is left out of ``repr``.

Example: ``step(state, CanTyped(text="123456"), profile=profile, now=now)``
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipAllowed:
    """Yes, the chip may be read; or: read it once more. ``fresh_id`` names the declaration it is bound to."""

    fresh_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipSkipped:
    """Go on without the chip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipNoted:
    """What the chip showed was seen: go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CanWanted:
    """The number that opens the chip shall be typed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CanTyped:
    """The number that opens the chip."""

    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeWorn:
    """The card's code cannot be read: whose card it is shall come from the chip. ``fresh_id`` names the declaration it is bound to."""

    fresh_id: str
