"""What officers corrected of places and of where people are registered: before and after, by whom, why, and as it was signed.

- A row is written once, in the transaction of the change, and never changed; ``answers`` is the correction a row takes back.
- ``subject_id`` is the premises, or the person whose residence it is. ``before`` and ``after`` name no sealed value; the name and address of a
  place from before stand in the sealed columns, as they stood in ``premises`` (they open as cells of that row).
- ``signed`` is the correction as the authority signed it (``residence/wire/correction.py``); null where whoever made it held no key.

Example: ``select(corrections).where(corrections.c.subject_id == "blk-hoa-binh")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, document, found_by, instant, metadata, octets, own_id, reference, sealed, text, word

corrections: Final = Table(
    "corrections",
    metadata,
    commune(),
    own_id("correction_id", 36),
    word("what", length=16),  # residence.wire.correction.CorrectedThing
    reference("subject_id"),
    reference("row_id"),
    word("event", length=16),  # residence.wire.correction.CorrectionEvent
    document("before"),
    document("after"),
    sealed("name"),
    sealed("address_text"),
    reference("answers", nullable=True),
    reference("account_id"),
    text("reason", nullable=False),
    octets("signed", nullable=True),
    instant("recorded_at"),
    found_by("correction_id"),
    Index("ix_corrections_subject_id_recorded_at", "subject_id", "recorded_at"),
)
