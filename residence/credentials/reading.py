"""From the bytes or lines a reader saw to a person with an evidence level: the one door into this package.

- A card's QR text and an MRZ are level 1 however clean they were read: both can be copied (identity-documents section 7).
- Nothing here raises on input: whatever the bytes are, the answer is an ``Outcome`` with problems and, only when no error
  stands, a ``reading``.
- ``incomplete`` says that the bytes are the beginning of a card's text: a serial reader waits for more, then reports.

>>> from datetime import date
>>> read_payload(b"https://example.org/", reader="camera:zxing", today=date(2026, 7, 10)).kind
'vneid'
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from residence.credentials.card_qr import CardFields
from residence.credentials.evidence import Reading
from residence.credentials.mrz import MrzFields, MrzFormat
from residence.credentials.payload_kind import PayloadKind
from residence.errors import Problem
from residence.people.person import DocumentKind


class PayloadOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one code's payload turned out to be. ``fields`` are as read; ``reading`` is None while an error stands."""

    ok: bool
    kind: PayloadKind
    card: DocumentKind | None
    fields: CardFields | None
    reading: Reading | None
    incomplete: bool
    problems: tuple[Problem, ...]


class MrzOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of a machine-readable zone turned out to say."""

    ok: bool
    format: MrzFormat | None
    fields: MrzFields | None
    reading: Reading | None
    problems: tuple[Problem, ...]


def read_payload(payload: bytes | str, *, reader: str, today: date) -> PayloadOutcome:
    """Read the payload of one code. ``str`` is text another decoder made (guarded against mojibake)."""
    raise NotImplementedError


def read_mrz(lines: Sequence[str], *, reader: str, today: date) -> MrzOutcome:
    """Read the two or three lines of a machine-readable zone."""
    raise NotImplementedError


def is_complete(payload: bytes) -> bool:
    """Tell whether bytes seen so far have the structure of a whole card text, for readers that send no line end."""
    raise NotImplementedError
