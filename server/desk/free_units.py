"""Which rooms nobody declared stays in now, and when a guest of one night leaves: what a form can offer to be chosen with one key.

- A room is taken while a stay that has begun is open in it. Several guests may share a room, so a taken room can still be written.
- No name and nothing of anybody is read.

Example: ``free_units(server, premises)`` -> ``("202",)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from registry.desk_lists import OPEN, Place, list_stays
from residence.places.premises import Premises
from residence.stays.spans import normal_unit
from server.wiring import Server

MOST_OFFERED: Final = 26  # one letter each


def free_units(server: Server, premises: Premises) -> tuple[str, ...]:
    """Return the first rooms nobody stays in, in the premises' own order."""
    now = server.clock.now()
    with server.registry.reading() as connection:
        stays = list_stays(connection, Place(premises.commune_code, premises.premises_id), since=now)
    taken = {normal_unit(each.unit) for each in stays if each.status in OPEN and not each.is_expected(now)}
    return tuple(each for each in premises.units if normal_unit(each) not in taken)[:MOST_OFFERED]


def checking_out(now: datetime, hour: int) -> datetime:
    """Return when somebody who comes now and stays one night leaves. ``now``: in Vietnam's time; after midnight it is the same day.

    >>> checking_out(datetime(2026, 7, 11, 1, 30), 12).day
    11
    """
    day = now if now.hour < hour // 2 else now + timedelta(days=1)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)
