"""The evening's sign-off from the hotel's own system: everybody who is in the house there against what is declared, with a reason for what does not agree.

- The list is asked of the system at that moment and sent once; nothing of it is kept. A guest is called ``RESERVATION/GUEST``, by the system's ids.
- More people than names is no list: it would be signed as if the unnamed were not there. They are named in the system first, or it is done at the desk.
- A reason is ``KIND:ABOUT=REASON``, or ``KIND=REASON`` where there is one point for all of a kind (docs/api.md has the words).

>>> read_reason("not-declared:R-77/G-1=papers-awaited")
{'kind': 'not-declared', 'about': 'R-77/G-1', 'reason': 'papers-awaited'}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from luutru_client.line import ApiProblem
from pms_bridge.port import Booking, PmsSource, in_pieces
from pms_bridge.told import House
from residence.errors import Malformed, Refused

AT_ONCE: Final = 20
A_DAY: Final = len("2026-07-12")
REASONS: Final = "/reasons/"
NEEDS_REASON: Final = frozenset({"day-close.reason_missing", "day-close.reason_unfit"})
PostClose = Callable[[str, Any], Any]


class SignedOff(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. ``close`` is None while points need a reason: ``needed`` has each with its code."""

    listed: int
    close: dict[str, Any] | None = None
    points: list[dict[str, Any]] = []
    needed: list[dict[str, str]] = []


def sign_off(source: PmsSource, *, house: House, reasons: Iterable[str], post: PostClose) -> SignedOff:
    """Sign the evening off; raise ``Malformed("pms.reason")``, ``Refused("pms.*")``, or the server's own no."""
    said = [read_reason(each) for each in reasons]
    guests = everybody(source, house=house)
    try:
        told = post(house.premises_id, {"guests": guests, "reasons": said})
    except ApiProblem as no:
        rooms = {each["reference"]: each.get("unit", "") for each in guests}
        needed = [_point(each, rooms) for each in no.problems if each.get("code") in NEEDS_REASON]
        if not needed:
            raise Refused("pms.server_denied", detail=no.code) from no
        return SignedOff(listed=len(guests), needed=needed)
    except OSError as error:
        raise Refused("pms.server_away", detail=type(error).__name__) from error
    return SignedOff(listed=len(guests), close=told["close"], points=told["points"])


def everybody(source: PmsSource, *, house: House) -> list[dict[str, Any]]:
    """Return everybody the system has in the house, as the API takes them; raise ``Refused("pms.guests_unnamed")``."""
    wanted = [each.reservation for each in source.in_house()]
    found: list[dict[str, Any]] = []
    for piece in in_pieces(wanted, AT_ONCE):
        for booking in source.read(piece):
            if booking.standing == "in-house":
                found += _guests(booking, house)
    return found


def read_reason(text: str) -> dict[str, str]:
    """Take a reason apart, or raise ``Malformed("pms.reason")``; the server judges the words."""
    point, mark, reason = text.rpartition("=")
    kind, _, about = point.partition(":")
    if not (mark and kind and reason):
        raise Malformed("pms.reason", "", text)
    return {"kind": kind, "about": about, "reason": reason}


def _guests(booking: Booking, house: House) -> list[dict[str, Any]]:
    named = [each for each in booking.guests if each.full_name]
    if booking.people and len(named) < booking.people:
        raise Refused("pms.guests_unnamed", detail=booking.reservation)
    return [
        _without_nothing(
            reference=f"{booking.reservation}/{each.ref}",
            full_name=each.full_name,
            number=each.document.number if each.document else None,
            unit=house.rooms.get(each.room, each.room) if each.room else None,
            arrival=booking.arrival[:A_DAY],
            departure=booking.departure[:A_DAY] if booking.departure else None,
        )
        for each in named
    ]


def _without_nothing(**values: str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _point(said: Mapping[str, Any], rooms: Mapping[str, str]) -> dict[str, str]:
    kind, _, about = str(said.get("pointer") or "").removeprefix(REASONS).partition("/")
    return {"kind": kind, "about": about, "unit": rooms.get(about, ""), "code": str(said["code"])}
