"""What people say of their own stays where others declared them, who allows nobody else to declare them, and what rights they ask for.

- ``own_words`` is a yes: a no is a dispute (``tables_history.py``). One word per stay.
- A lock holds from ``set_at`` until it is lifted; it keeps its row. It refuses nothing: it says what needs the person's own word.
- A request for a right keeps its row, with the signed answer. ``right`` is a residence.access.rights.Right; what is said names nobody.

Example: ``select(declaring_locks).where(declaring_locks.c.lifted_at.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, found_by, instant, metadata, octets, own_id, reference, text, word

UNANSWERED: Final = text_of_sql("answered_at IS NULL")

own_words: Final = Table(
    "own_words",
    metadata,
    commune(),
    own_id("stay_id"),
    reference("person_id", index=True),
    reference("said_by"),
    instant("said_at"),
    found_by("stay_id"),
)

declaring_locks: Final = Table(
    "declaring_locks",
    metadata,
    commune(),
    own_id("lock_id"),
    reference("person_id", index=True),
    reference("set_by"),
    instant("set_at"),
    reference("lifted_by", nullable=True),
    instant("lifted_at", nullable=True),
    found_by("lock_id"),
)

rights_requests: Final = Table(
    "rights_requests",
    metadata,
    commune(),
    own_id("request_id"),
    reference("person_id", index=True),
    word("right", length=16),
    text("said", nullable=False),
    reference("asked_by"),
    instant("asked_at"),
    word("outcome", nullable=True, length=16),  # registry.rights_requests.RightOutcome
    text("reason"),
    text("legal_basis"),
    reference("answered_by", nullable=True),
    instant("answered_at", nullable=True),
    octets("answer", nullable=True),
    found_by("request_id"),
    Index("ix_rights_requests_unanswered", "commune_code", "asked_at", sqlite_where=UNANSWERED, postgresql_where=UNANSWERED),
    Index("ix_rights_requests_commune_code_answered_at", "commune_code", "answered_at"),
)
