"""Certificates of deletions: what somebody who was erased is given, found by the code they were told before.

- The row names nobody who can still be read: the person's id is that of an erased row. The code is kept as a hash only.

Example: ``select(deletion_certificates).where(deletion_certificates.c.code_hash == hash_of(code))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Index, Table

from registry.columns import commune, found_by, instant, metadata, octets, own_id, reference, word

deletion_certificates: Final = Table(
    "deletion_certificates",
    metadata,
    commune(),
    own_id("certificate_id", 36),
    reference("person_id", index=True),
    word("code_hash", length=64),
    reference("access_id"),  # the row of the log that proves it
    instant("deleted_at"),
    octets("certificate"),
    instant("again_at", nullable=True),  # a backup had brought the person back, and they were erased again
    found_by("certificate_id"),
    Index("ix_deletion_certificates_code_hash", "code_hash"),
)
