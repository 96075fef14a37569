"""Signing an evening off on the house's own list: compared at that moment, every open point with a reason, the counts signed as a close is.

- Nobody still to be declared is hidden by it: such a close names how many and why, is never shown as "everybody is declared", and the plain
  close stays refused (ADR 72, ADR 108).
- The same list, reasons and evening again are the close that stands.

Example: ``sign_off(server, connection, account, place=place, listed=listed)``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from sqlalchemy import Connection

from registry.day_closes import KeptClose, keep_close, newest_close
from registry.desk_lists import Place
from residence.access.purposes import Way
from residence.stays.in_house import HouseComparison
from residence.stays.signing_off import OpenPoint, Reasoned, counted, digest_of_points, open_points, with_reasons
from residence.wire.day_close import sign_close
from server.declaring import new_declaration_id
from server.desk.evening import Evening, close_of, evening, version_signed
from server.desk.house_comparison import compared
from server.desk.house_list import ListedGuest
from server.desk.own_premises import Workplace
from server.desk.tonight import tonight
from server.policy import Account
from server.wiring import Server

Reasons = Mapping[tuple[str, str], str]


class GivenList(msgspec.Struct, frozen=True, kw_only=True):
    """The house's list and the reasons given. ``name``: what a row is called in points."""

    guests: tuple[ListedGuest, ...]
    name: Callable[[int], str]
    reasons: Reasons = {}


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """One evening against a list."""

    found: HouseComparison
    figures: Evening
    points: tuple[OpenPoint, ...]


class SignedOff(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. ``kept`` is None while a point has no fitting reason; ``new``: signed just now."""

    looked: Looked
    reasoned: Reasoned
    kept: KeptClose | None
    new: bool = False


def look(
    server: Server, connection: Connection, account: Account, *, place: Workplace, given: GivenList, way: Way = "list"
) -> Looked:
    """Compare the list with the evening as it stands; names are released, so it needs ``writing()``."""
    found = compared(server, connection, account, premises=place.here, guests=given.guests, way=way)
    figures = evening(tonight(server, connection, place.here, look=None), rules=server.rules, now=server.clock.now())
    points = open_points(found, name=given.name, undeclared=figures.undeclared, to_mend=figures.to_mend)
    return Looked(found=found, figures=figures, points=points)


def sign_off(
    server: Server, connection: Connection, account: Account, *, place: Workplace, given: GivenList, way: Way = "list"
) -> SignedOff:
    """Sign the evening off, unless a point has no fitting reason."""
    looked = look(server, connection, account, place=place, given=given, way=way)
    reasoned = with_reasons(looked.points, given.reasons)
    if reasoned.problems:
        return SignedOff(looked=looked, reasoned=reasoned, kept=None)
    here, version = Place(place.here.commune_code, place.here.premises_id), _version(looked, reasoned, given)
    before = newest_close(connection, here, day=looked.figures.day.isoformat())
    if before is not None and before.version == version and before.close.listed is not None:
        return SignedOff(looked=looked, reasoned=reasoned, kept=before)
    now = server.clock.now()
    close = close_of(looked.figures, account, close_id=new_declaration_id(server), premises_id=place.here.premises_id, now=now)
    close = msgspec.structs.replace(
        close,
        listed=len(given.guests),
        alike=sum(not each.differs for each in looked.found.pairs),
        open=counted(reasoned.points),
        points=digest_of_points(reasoned.points),
    )
    kept = KeptClose(
        close_id=close.close_id,
        commune_code=here.commune_code,
        premises_id=here.premises_id,
        day=close.day,
        version=version,
        account_id=account.account_id,
        signed=sign_close(close, server.signer),
        closed_at=now,
    )
    keep_close(connection, kept)
    return SignedOff(looked=looked, reasoned=reasoned, kept=kept, new=True)


def _version(looked: Looked, reasoned: Reasoned, given: GivenList) -> str:
    """Return the evening's own version where nothing stands open, so that the day is closed by it; else one of evening, points and list."""
    points = digest_of_points(reasoned.points) if reasoned.points else ""
    return version_signed(looked.figures, points=points, listed=len(given.guests))
