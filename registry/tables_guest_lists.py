"""Lists of guests a house gave to be declared: what was in them while they are worked on, and what became of every line.

- ``guest_list_pieces`` hold the lines themselves, some hundreds in each, sealed under the list's own key, for days (retention policy).
- ``guest_lists`` and ``guest_list_batches`` stay: counts, and of each line its number, state, declaration and reasons by code; never what it said.
- ``list_mappings`` is what a house said its columns mean, by the headings' digest; words of columns, nobody's data.

Example: ``select(guest_lists).where(guest_lists.c.premises_id == "htl-sao-mai")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table

from registry.columns import commune, document, found_by, instant, metadata, octets, own_id, reference, sealed, text, word

# The state is a registry.guest_lists.ListState.
guest_lists: Final = Table(
    "guest_lists",
    metadata,
    commune(),
    own_id("list_id", 36),
    reference("premises_id"),
    reference("account_id"),
    text("file_name", nullable=False),
    octets("file_digest"),
    word("form", length=8),
    document("headings"),
    document("mapping"),
    Column("rows", Integer, nullable=False),
    Column("pieces", Integer, nullable=False),
    word("state", length=16),
    instant("given_at"),
    instant("changed_at"),
    found_by("list_id"),
    Index("ix_guest_lists_premises_id_given_at", "premises_id", "given_at"),
)

guest_list_pieces: Final = Table(
    "guest_list_pieces",
    metadata,
    commune(),
    own_id("piece_id", 48),  # the list's id and the piece's number
    reference("list_id", index=True),
    sealed("lines", nullable=False),
    instant("given_at", index=True),
    found_by("piece_id"),
)

# The phase is to check or to declare.
guest_list_batches: Final = Table(
    "guest_list_batches",
    metadata,
    commune(),
    own_id("batch_id", 64),
    reference("list_id"),
    word("phase", length=8),
    Column("piece", Integer, nullable=False),
    document("counts"),
    document("outcomes"),
    instant("done_at"),
    found_by("batch_id"),
    Index("ix_guest_list_batches_list_id_phase_piece", "list_id", "phase", "piece"),
)

list_mappings: Final = Table(
    "list_mappings",
    metadata,
    commune(),
    own_id("mapping_id", 100),  # premises and fingerprint of the headings
    reference("premises_id", index=True),
    document("mapping"),
    reference("account_id"),
    instant("changed_at"),
    found_by("mapping_id"),
)
