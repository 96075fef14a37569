"""How urgent it is at one premises: how many people are still to be declared, and the next deadline when it is near.

- The same count as tonight's page, and nobody's name.
- Told to every open page of the desk, so that a clerk who is declaring one guest hears of the others.

Example: ``urgent(server, premises)`` -> ``Urgent(people=2, due="2026-07-10T23:00:00+07:00")``
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from residence.clock import rfc3339
from residence.places.premises import Premises
from server.desk.tonight import tonight
from server.wiring import Server

NEAR: Final = timedelta(hours=2)


class Urgent(msgspec.Struct, frozen=True, kw_only=True):
    """What an open page is told."""

    people: int
    due: str


def urgent(server: Server, premises: Premises) -> Urgent | None:
    """Return what presses; None while nothing does."""
    now = server.clock.now()
    with server.registry.reading() as connection:
        listed = tonight(server, connection, premises, look=None)
    due = listed.next_due(now)
    if not listed.needs_action or due is None or due - now > NEAR:
        return None
    return Urgent(people=listed.needs_action, due=rfc3339(due))
