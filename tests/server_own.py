"""A resident's account bound to a person who is a guest at the hotel, for pages."""

from __future__ import annotations

from sqlalchemy import update

from registry import tables


def bind_resident(world) -> str:
    """Declare the usual guest and bind the resident's account to them; returns the person's id."""
    world.declare_guest()
    with world.registry.writing() as connection:
        row = connection.execute(tables.stays.select()).first()
        mine = tables.accounts.c.account_id == "acc-resident"
        connection.execute(update(tables.accounts).where(mine).values(person_id=row.person_id))
    return row.person_id
