"""Why a row is as it is, and who was taken for whom: what the register needs to say what it said before.

- Nothing here is ever changed, but that a merge is undone and a dispute settled: a row is added for each change, in the transaction of the change.
- ``before`` and ``after`` hold the columns that changed, never a sealed one: a person's fields go to ``person_versions``.
- ``moved`` is what a merge moved, by table, so that it can be moved back, and so that it can be told whose a row was at any time.

Example: ``select(changes).where(changes.c.person_id == person_id, changes.c.recorded_at > at)``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table
from sqlalchemy import text as text_of_sql

from registry.columns import (
    commune,
    document,
    found_by,
    index_where_set,
    instant,
    metadata,
    octets,
    own_id,
    reference,
    text,
    word,
)

# cause: declaration | import | account. ``what`` is the table, ``row_id`` the row there.
changes: Final = Table(
    "changes",
    metadata,
    commune(),
    own_id("change_id"),
    reference("person_id", index=True),
    word("what", length=32),
    reference("row_id", index=True),
    document("before"),
    document("after"),
    word("cause", length=16),
    reference("cause_id"),
    text("reason"),
    instant("recorded_at"),
    found_by("change_id"),
)

# The commune is that of the person who stands.
merges: Final = Table(
    "merges",
    metadata,
    commune(),
    own_id("merge_id"),
    reference("merged_id", index=True),
    reference("stands_id", index=True),
    document("moved"),
    word("cause", length=16),
    reference("cause_id"),
    text("reason"),
    instant("merged_at"),
    instant("undone_at", nullable=True),
    reference("undone_by", nullable=True),
    text("undone_reason"),
    found_by("merge_id"),
)

WAITING: Final = text_of_sql("settled_at IS NULL")

# A field somebody says is wrong, until that is settled. ``field`` is a residence.access.purposes.Field; of a stay (``stay_id``) it is one of
# registry.stay_disputes.StayFault. The reason names nobody. ``answer``: what settled it, signed by the authority.
disputes: Final = Table(
    "disputes",
    metadata,
    commune(),
    own_id("dispute_id"),
    reference("person_id", index=True),
    word("field", length=32),
    text("reason"),
    reference("raised_by"),
    instant("raised_at"),
    word("outcome", nullable=True, length=16),  # upheld | corrected | withdrawn
    reference("settled_by", nullable=True),
    text("settled_reason"),
    instant("settled_at", nullable=True),
    reference("stay_id", nullable=True),
    octets("answer", nullable=True),
    found_by("dispute_id"),
    index_where_set("disputes", "stay_id"),
    Index("ix_disputes_waiting", "commune_code", "raised_at", sqlite_where=WAITING, postgresql_where=WAITING),
    Index("ix_disputes_commune_code_settled_at", "commune_code", "settled_at"),
)
