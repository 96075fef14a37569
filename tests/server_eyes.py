"""What waits for a second person, for tests of pages: found, opened and settled as its page's form does."""

from __future__ import annotations

from server_parts import csrf_of, fields_of
from sqlalchemy import select

from registry import tables


def claim(client, case_id):
    """Claim a case for the purpose its page offers first."""
    return client.post(
        f"/police/cases/{case_id}", data={"csrf": csrf_of(client), "action": "claim", "purpose": "undeclared-case"}
    )


def proposals(world, *where) -> list[str]:
    """Return the ids of proposals, the oldest first."""
    with world.registry.reading() as connection:
        query = select(tables.proposals.c.proposal_id).where(*where).order_by(tables.proposals.c.proposal_id)
        return list(connection.scalars(query))


def proposal_of(world, proposal_id):
    """Return one proposal's row."""
    with world.registry.reading() as connection:
        return connection.execute(select(tables.proposals).where(tables.proposals.c.proposal_id == proposal_id)).one()


def settle(client, world, answer, *, reason="Đã xem", proposal_id=None, page=None):
    """Open the one that waits, or this one, and answer with the form as it is shown."""
    if proposal_id is None:
        (proposal_id,) = proposals(world, tables.proposals.c.outcome.is_(None))
    address = f"/police/second-eyes/{proposal_id}"
    shown = page or client.get(address).text
    seen = fields_of(shown).get("seen", "") if "<form" in shown else ""
    return client.post(address, data={"csrf": csrf_of(client), "answer": answer, "reason": reason, "seen": seen})
