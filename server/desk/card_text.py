r"""What a desk was given of a card or passport as text: the code on the card, or the lines of its machine-readable zone.

- Scanned, pasted or typed, it is the same text and worth the same: level 1, it can be copied. Bytes of a picture never come here.
- A zone is told by its letters and by two or three lines of one length; everything else is read as a code, which says what it is instead.

>>> zone_lines("P<VNM\\nX")
()
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from residence.clock import VIETNAM
from residence.credentials.card_qr import DEFAULT_POLICY, CardPolicy
from residence.credentials.evidence import Reading
from residence.credentials.reading import read_mrz, read_payload
from residence.errors import Problem

READER: Final = "desk:browser"
_ZONE: Final = re.compile(r"[A-Z0-9<]{30,44}")
_SHAPES: Final = frozenset({(30, 30, 30), (36, 36), (44, 44)})


class CardText(msgspec.Struct, frozen=True, kw_only=True):
    """What the text turned out to say; ``reading`` is None while an error stands."""

    reading: Reading | None
    problems: tuple[Problem, ...]


def zone_lines(text: str) -> tuple[str, ...]:
    """Return the lines of a machine-readable zone; empty when it is none."""
    lines = tuple(line.strip().upper() for line in text.split() if line.strip())
    shaped = tuple(len(line) for line in lines) in _SHAPES and all(_ZONE.fullmatch(line) for line in lines)
    return lines if shaped else ()


def read_card_text(text: str, *, now: datetime, policy: CardPolicy = DEFAULT_POLICY) -> CardText:
    """Read a code or a zone."""
    today = now.astimezone(VIETNAM).date()
    lines = zone_lines(text)
    if lines:
        zone = read_mrz(lines, reader=READER, today=today)
        return CardText(reading=zone.reading, problems=zone.problems)
    code = read_payload(text, reader=READER, today=today, policy=policy)
    return CardText(reading=code.reading, problems=code.problems)
