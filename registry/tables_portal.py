"""Files of procedures on their way to the public service portal: one row for each file a person sent there, with what the portal says of it.

- The row holds no value of the form: what is sent is made again from the file as it was filed, byte for byte (``registry/procedure_documents.py``).
- The portal's own words may name somebody, so they are sealed under the person's key.

Example: ``select(portal_records).where(portal_records.c.state == "due")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table, text

from registry.columns import commune, found_by, instant, metadata, own_id, reference, sealed, word

WORKED_ON: Final = text("state IN ('due', 'sending', 'silent', 'received')")

# state: registry.portal_records.PortalState; portal_state: what the portal last said (residence.cases.portal.PortalSays)
portal_records: Final = Table(
    "portal_records",
    metadata,
    commune(),
    own_id("file_id", 36),
    reference("person_id", index=True),
    reference("subject_id"),  # whose key seals ``words``
    word("state", length=16),
    Column("attempts", Integer, nullable=False),  # only ever grows: an attempt settles only itself
    Column("failures", Integer, nullable=False),  # since the portal last answered
    instant("next_at"),
    instant("claimed_until", nullable=True),
    word("receipt_number", nullable=True, length=64),
    word("portal_state", nullable=True, length=16),
    instant("said_at", nullable=True),
    word("code", nullable=True, length=80),
    sealed("words"),
    reference("asked_by"),
    instant("recorded_at"),
    instant("changed_at"),
    found_by("file_id"),
    Index("ix_portal_records_worked_on", "next_at", sqlite_where=WORKED_ON, postgresql_where=WORKED_ON),
)
