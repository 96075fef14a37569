"""What kiosks ask people: calls for a person, and residents' words about guests who say that they stay with them.

- A call names a kiosk and nobody else. Whoever acknowledged it is an operator's account.
- A resident's word names the declaration and the account that said it; the person is the declaration's.

Example: ``select(kiosk_calls).where(kiosk_calls.c.commune_code == "demo-01", kiosk_calls.c.closed_at.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, found_by, instant, metadata, own_id, reference, word

kiosk_calls: Final = Table(
    "kiosk_calls",
    metadata,
    commune(),
    own_id("call_id", 36),
    reference("kiosk_id", index=True),
    reference("premises_id"),
    instant("heard_at", index=True),
    instant("acknowledged_at", nullable=True),
    reference("acknowledged_by", nullable=True),
    instant("closed_at", nullable=True),  # acknowledged, or the kiosk does not ask any more
    found_by("call_id"),
    Index("ix_kiosk_calls_commune_code_heard_at", "commune_code", "heard_at"),
)

host_answers: Final = Table(
    "host_answers",
    metadata,
    commune(),
    own_id("declaration_id", 36),
    reference("stay_id"),
    reference("premises_id"),
    reference("kiosk_id", nullable=True),  # where it was declared; None: not at a kiosk
    word("answer", length=16),  # residence.wire.kiosk_answers.HostAnswer
    reference("answered_by"),
    instant("answered_at", index=True),
    found_by("declaration_id"),
)
