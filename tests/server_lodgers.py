"""Somebody registered for a time, for pages: at the hotel and, apart from it, at the block."""

from __future__ import annotations

import secrets

from factories import make_person
from server_parts import COMMUNE

from registry.households import Registration, add_person, add_residences


def lodge(world) -> list[str]:
    """Register a person until next year; returns the ids of the registrations, the hotel's first."""
    made = {"commune_code": COMMUNE, "now": world.clock.now(), "random_bytes": secrets.token_bytes}
    with world.registry.writing() as connection:
        person_id = add_person(connection, make_person(), vault=world.vault, **made)
        days = {"kind": "temporary", "valid_from": "2026-01-01", "valid_to": "2027-01-01"}
        homes = [Registration(person_id=person_id, premises_id=each, **days) for each in ("htl-sao-mai", "blk-hoa-binh")]
        return add_residences(connection, homes, **made)
