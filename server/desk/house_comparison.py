"""A house's own list against what is declared there: the comparison behind the desk's page and the API.

- Names of declared guests are released for the duty of the premises, and the look is on the record; so it needs ``writing()``.
- The list is compared and forgotten.

Example: ``compared(server, connection, account, premises=premises, guests=listed.guests)``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from sqlalchemy import Connection

from registry.desk_lists import OPEN, Place, list_stays
from registry.house_lists import holders_among
from registry.release import release_persons
from residence.access.purposes import Field, Way
from residence.clock import VIETNAM
from residence.places.premises import Premises
from residence.stays.in_house import DeclaredStay, HouseComparison, InHouse, compare
from server.desk.house_list import ListedGuest
from server.desk.tonight_pages import duty
from server.policy import Account
from server.wiring import Server


def compared(
    server: Server,
    connection: Connection,
    account: Account,
    *,
    premises: Premises,
    guests: Iterable[ListedGuest],
    way: Way = "list",
) -> HouseComparison:
    """Compare a list with the stays that stand at the premises now."""
    now = server.clock.now()
    here = Place(premises.commune_code, premises.premises_id)
    stays = [each for each in list_stays(connection, here, since=now) if each.status in OPEN]
    people = {each.person_id for each in stays}
    released = release_persons(
        connection,
        people,
        look=duty(account, about=premises.premises_id, fields=frozenset({Field.FULL_NAME}), way=way),
        vault=server.registry.vault,
        now=now,
        random_bytes=server.random_bytes,
    )
    holders = holders_among(connection, people, vault=server.registry.vault)
    in_house = [_listed(each, holders) for each in guests]
    declared = [
        DeclaredStay(
            stay_id=each.stay_id,
            person_id=each.person_id,
            full_name=released[each.person_id].fields.get(Field.FULL_NAME, "") if each.person_id in released else "",
            name_disputed=each.person_id in released and Field.FULL_NAME in released[each.person_id].disputed,
            unit=each.unit,
            numbered=any(each.person_id in people for people in holders.values()),
            start=each.start_at.astimezone(VIETNAM).date(),
            planned_end=each.planned_end.astimezone(VIETNAM).date() if each.planned_end else None,
        )
        for each in stays
    ]
    return compare(in_house, declared, today=_today(now))


def _listed(guest: ListedGuest, holders: Mapping[str, frozenset[str]]) -> InHouse:
    return InHouse(
        row=guest.row,
        full_name=guest.full_name,
        unit=guest.unit,
        arrival=guest.arrival,
        departure=guest.departure,
        numbered=bool(guest.number),
        holders=holders.get(guest.number, frozenset()) if guest.number else frozenset(),
    )


def _today(now: datetime) -> date:
    return now.astimezone(VIETNAM).date()
