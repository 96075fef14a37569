"""How one house stands with other authorities: bound or not, what waits for somebody, and which stays no record speaks of.

- "Not told" is always said: a house that is bound to nobody, and a stay of a bound house without a record, are counted and never left out.
- Counts and names of connections; nobody's data.

Example: ``telling_of(connection, Place("demo-01", "htl-sao-mai")).untold``
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

import msgspec
from sqlalchemy import Connection, func, select

from registry import tables
from registry.authority_lines import lines
from registry.authority_lists import UNDER_WAY, WAITING_FOR_SOMEBODY
from registry.desk_lists import OPEN, Place
from residence.clock import VIETNAM


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """One house. ``bound``: authority and facility; ``shut``: connections that take nothing now; ``untold``: stays without a record."""

    bound: tuple[tuple[str, str], ...] = ()
    shut: tuple[str, ...] = ()
    waiting: int = 0
    under_way: int = 0
    untold: int = 0


def telling_of(connection: Connection, place: Place) -> Telling:
    """Return how a house stands."""
    links, records = tables.authority_links.c, tables.authority_records.c
    here = (links.commune_code == place.commune_code, links.premises_id == place.premises_id, links.ended_at.is_(None))
    bound = connection.execute(select(links.authority, links.facility, links.since).where(*here).order_by(links.authority)).all()
    if not bound:
        return Telling()
    own = (records.commune_code == place.commune_code, records.premises_id == place.premises_id)
    counted = connection.execute(select(records.state, func.count()).where(*own).group_by(records.state)).all()
    states = {row[0]: int(row[1]) for row in counted}
    state_of = lines(connection)
    shut = tuple(
        row.facility for row in bound if (found := state_of.get((row.authority, row.facility))) and found.state == "shut"
    )
    return Telling(
        bound=tuple((row.authority, row.facility) for row in bound),
        shut=shut,
        waiting=sum(states.get(each, 0) for each in WAITING_FOR_SOMEBODY),
        under_way=sum(states.get(each, 0) for each in UNDER_WAY),
        untold=sum(
            _untold(connection, place, authority=each, since=min(row.since for row in bound if row.authority == each))
            for each in sorted({row.authority for row in bound})
        ),
    )


def _untold(connection: Connection, place: Place, *, authority: str, since: datetime) -> int:
    """Count the stays a binding should have made a record of and did not."""
    stays, records = tables.stays.c, tables.authority_records.c
    begins = datetime.combine(since.astimezone(VIETNAM).date() - timedelta(days=1), time(), VIETNAM)
    told = select(records.record_id).where(
        records.commune_code == stays.commune_code, records.stay_id == stays.stay_id, records.authority == authority
    )
    query = select(func.count()).where(
        stays.commune_code == place.commune_code,
        stays.premises_id == place.premises_id,
        stays.status.in_(OPEN),
        stays.start_at >= begins,
        ~told.exists(),
    )
    return int(connection.scalar(query) or 0)
