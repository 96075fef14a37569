"""A program's list of who sleeps in the house against what is declared: who is missing on either side, and what differs.

- The list is compared and forgotten. Names of declared guests come back only where they are needed to act, and each look is on the record.
- A guest is named by the program's own ``reference``; a stay by its id.
- ``agrees`` is true only when nobody is missing and nothing differs; an empty list of a house that has declared guests does not agree.

Example: ``{"guests": [{"reference": "R-1", "full_name": "Trần Văn An", "unit": "101"}]}``
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.house_lists import bare_number
from residence.errors import Malformed
from residence.stays.in_house import DeclaredStay, Differing, HouseComparison
from server.api.answers import answer
from server.api.callers import Calling, CountedRoute
from server.api.declarations import bytes_up_to
from server.desk.house_comparison import compared
from server.desk.house_list import MOST_GUESTS, ListedGuest
from server.desk.own_premises import workplace
from server.problems import Unreadable
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1/premises", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]
LARGEST: Final = 512 * 1024
T = TypeVar("T")


class HouseGuest(msgspec.Struct, frozen=True, kw_only=True):
    """One guest of the program's list. ``number``: of the card or passport; days are those of Vietnam."""

    reference: str
    full_name: str
    number: str | None = None
    unit: str | None = None
    arrival: date | None = None
    departure: date | None = None


class House(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who sleeps in the house."""

    guests: tuple[HouseGuest, ...]


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """A guest and a stay that are the same, and what differs."""

    reference: str
    stay_id: str
    differs: tuple[Differing, ...]


class DeclaredGuest(msgspec.Struct, frozen=True, kw_only=True):
    """A stay with nobody on the list."""

    stay_id: str
    full_name: str
    unit: str | None
    arrival: date
    departure: date | None


class Likely(msgspec.Struct, frozen=True, kw_only=True):
    """A guest and a stay that may be the same; a person decides."""

    reference: str
    stay_id: str


class ReconciliationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison. ``not_declared``: references of guests nobody declared."""

    agrees: bool
    matched: tuple[Matched, ...]
    not_declared: tuple[str, ...]
    not_in_house: tuple[DeclaredGuest, ...]
    likely: tuple[Likely, ...]


async def sent_house(request: Request) -> bytes:
    """Return the body of a list."""
    return await bytes_up_to(request, LARGEST)


@router.post("/{premises_id}/reconciliation")
def post_reconciliation(
    caller: Calling, server: Wired, premises_id: str, *, body: Annotated[bytes, Depends(sent_house)]
) -> Response:
    """Compare the program's list with what is declared at the premises."""
    house = read_house(body, House)
    listed = listed_guests(house)
    with server.registry.writing() as connection:  # names are released, so the look is written
        here = workplace(server, connection, caller.account, action="list_stays", premises_id=premises_id).here
        caller.require("reconcile", premises_id)
        found = compared(server, connection, caller.account, premises=here, guests=listed, way="api")
    return answer(_answer(house, found))


def listed_guests(house: House) -> tuple[ListedGuest, ...]:
    """Return a program's guests as the desk compares them; a row is the place in the list."""
    return tuple(
        ListedGuest(
            row=place,
            full_name=each.full_name,
            number=bare_number(each.number or ""),
            unit=each.unit,
            arrival=each.arrival,
            departure=each.departure,
        )
        for place, each in enumerate(house.guests)
    )


def read_house(body: bytes, kind: type[T]) -> T:
    """Read a body with a list of guests, or raise ``Malformed`` with the reason."""
    try:
        said = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(error, kind) from error
    guests: tuple[HouseGuest, ...] = said.guests  # type: ignore[attr-defined]  # both bodies have them
    if len(guests) > MOST_GUESTS:
        raise Malformed("api.list_too_long", "/guests")
    nameless = next((place for place, each in enumerate(guests) if not each.full_name.strip()), None)
    if nameless is not None:
        raise Malformed("house-list.no_name", f"/guests/{nameless}/full_name")
    return said


def _answer(house: House, found: HouseComparison) -> ReconciliationAnswer:
    names = [each.reference for each in house.guests]
    return ReconciliationAnswer(
        agrees=found.agrees,
        matched=tuple(
            Matched(reference=names[each.guest.row], stay_id=each.stay.stay_id, differs=each.differs) for each in found.pairs
        ),
        not_declared=tuple(names[each.row] for each in found.not_declared),
        not_in_house=tuple(_declared(each) for each in found.not_in_house),
        likely=tuple(Likely(reference=names[guest.row], stay_id=stay.stay_id) for guest, stay in found.likely),
    )


def _declared(stay: DeclaredStay) -> DeclaredGuest:
    return DeclaredGuest(
        stay_id=stay.stay_id, full_name=stay.full_name, unit=stay.unit, arrival=stay.start, departure=stay.planned_end
    )
