"""All houses of one clerk at a glance: where somebody is still to be declared and until when, and where telling another authority stands still.

- The house whose deadline comes first is the first; then those with somebody to declare, then the others by name.
- Counts alone: nobody's name is released.

Example: ``houses(server, account)[0].people`` of the most urgent house
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from registry.authority_houses import Telling, telling_of
from registry.day_closes import newest_close
from registry.desk_lists import Place
from registry.premises import load_premises
from residence.places.premises import Premises
from server.desk.evening import evening, is_reopened
from server.desk.tonight import tonight
from server.policy import Account, PremisesResource
from server.wiring import Server

_LATER: Final = datetime.max.replace(tzinfo=UTC)


class House(msgspec.Struct, frozen=True, kw_only=True):
    """One house. ``due``: of whoever must be declared first; ``closed``: the day is, and nobody came since.

    ``standing`` is what an owner of several houses sees of each evening's sign-off.
    """

    premises: Premises
    people: int
    due: datetime | None
    arrivals: int
    in_house: int
    closed: bool
    reopened: bool  # somebody came since it was closed or signed off
    standing: int | None  # people who stand open in tonight's newest close; None: not signed off
    telling: Telling


def houses(server: Server, account: Account) -> list[House]:
    """Return every house the account may list, the most urgent first."""
    now = server.clock.now()
    with server.registry.reading() as connection:
        known = load_premises(connection, account.premises, vault=server.registry.vault)
        found = []
        for premises in known.values():
            resource = PremisesResource(premises_id=premises.premises_id, commune=premises.commune_code)
            if not server.policy.allows(account, "list_stays", resource=resource):
                continue
            place = Place(premises.commune_code, premises.premises_id)
            listed = tonight(server, connection, premises, look=None)
            figures = evening(listed, rules=server.rules, now=now)
            closed = newest_close(connection, place, day=figures.day.isoformat())
            found.append(
                House(
                    premises=premises,
                    people=listed.needs_action,
                    due=listed.next_due(now) if listed.needs_action else None,
                    arrivals=len(figures.arrivals),
                    in_house=len(figures.in_house),
                    closed=closed is not None and closed.version == figures.version,
                    reopened=is_reopened(closed, figures),
                    standing=sum(each.people for each in closed.close.open) if closed else None,
                    telling=telling_of(connection, place),
                )
            )
    return sorted(found, key=lambda each: (each.due or _LATER, -each.people, each.premises.name))
