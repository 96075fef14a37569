"""One round for one property: who is in the house, what has to be told, told; what could not be told stays open with its reason.

- A booking is read when it is new, has changed, is no longer in the house, or something of it stands open. What is told is kept booking by booking,
  so a bridge that is killed goes on where it was; what it had sent and not kept is the same event again and has its first receipt.
- A check-in with problems is sent again when the guest's own fields change, or an hour later. A server that does not let the program in ends the round.
- What was taken and changes nothing, since somebody spoke later of that stay, stands open until the system says something else of the guest.
- A check-in the server knows in other words is taken as told; what is current then follows as a move or an extension.

Example: ``Bridge(source, house=house, kept=kept, deliver=api.post_pms_event, now=clock.now).round().delivered``
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from luutru_client.line import ApiProblem
from pms_bridge.kept import Kept, KeptBooking, OpenPoint
from pms_bridge.port import Booking, Glimpse, PmsSource, in_pieces, vietnam_time
from pms_bridge.told import House, Step, Told, steps
from residence.errors import Refused

AT_ONCE: Final = 20
LET_IN: Final = frozenset({401, 403})
CONFLICT: Final = 409
ABOUT_THE_INPUT: Final = frozenset({400, CONFLICT, 422})
CHANGED_NOTHING: Final = frozenset({"stays.overtaken", "stays.about_withdrawn"})
Deliver = Callable[[Any], Any]  # the API's answer


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one round did. ``open``: points of all bookings that stand open."""

    in_house: int
    read: int
    delivered: int
    open: int


class Bridge:
    """One property's bridge."""

    def __init__(self, source: PmsSource, *, house: House, kept: Kept, deliver: Deliver, now: Callable[[], datetime]) -> None:
        self._source: Final = source
        self._house: Final = house
        self._kept: Final = kept
        self._deliver: Final = deliver
        self._now: Final = now
        self._delivered = 0

    def round(self) -> Round:
        """Bring the registry to what the system says; raise ``Refused("pms.*")`` when one of them cannot be asked."""
        self._delivered = 0
        seen = list(_asked(self._source.in_house))
        wanted = self._wanted(seen)
        versions = {each.reservation: each.changed for each in seen}
        for piece in in_pieces(wanted, AT_ONCE):
            for booking in self._read(piece):
                self._tell(booking, version=versions.get(booking.reservation, ""))
        now = self._now()
        self._kept.end_round(now, said=vietnam_time(now))
        points = sum(len(each.open) for each in self._kept.bookings.values())
        return Round(in_house=len(seen), read=len(wanted), delivered=self._delivered, open=points)

    def _wanted(self, seen: Sequence[Glimpse]) -> list[str]:
        here = {each.reservation for each in seen}
        wanted = [each.reservation for each in seen if self._is_news(each)]
        gone = [name for name, each in self._kept.bookings.items() if name not in here and (each.in_house or each.open)]
        return list(dict.fromkeys([*wanted, *gone]))

    def _is_news(self, glimpse: Glimpse) -> bool:
        before = self._kept.bookings.get(glimpse.reservation)
        return (
            before is None or not before.in_house or bool(before.open) or not glimpse.changed or before.changed != glimpse.changed
        )

    def _read(self, piece: Sequence[str]) -> Iterator[Booking]:
        return _asked(lambda: list(self._source.read(piece)))

    def _tell(self, booking: Booking, *, version: str) -> None:
        before = self._kept.bookings.get(booking.reservation)
        told = dict(before.told) if before else {}
        points: list[OpenPoint] = []
        again = False
        for step in steps(booking, told, house=self._house):
            if any(each.ref == step.ref for each in points):
                continue  # an event of this guest failed; what follows it waits
            after, point = self._say(step, told.get(step.ref, Told()))
            told[step.ref] = after
            points += [point] if point else []
            again = again or (after.state == "in" and step.kind == "checked_in" and after.room is None and point is None)
        named = sum(1 for each in booking.guests if each.full_name)
        if booking.standing == "in-house" and booking.people and named < booking.people:
            points.append(OpenPoint(code="pms.guests_unnamed"))
        points += [OpenPoint(code=each.unheard, ref=ref) for ref, each in told.items() if each.unheard and each.state == "in"]
        if booking.standing == "unknown" and any(each.state == "in" for each in told.values()):
            points.append(OpenPoint(code="pms.booking_gone"))
        since = {(each.code, each.ref): each.since for each in before.open} if before else {}
        now = vietnam_time(self._now())
        kept = KeptBooking(
            changed="" if again else version,
            read_at=now,
            in_house=booking.standing == "in-house" or any(each.state == "in" for each in told.values()),
            told=told,
            open=tuple(msgspec.structs.replace(each, since=since.get((each.code, each.ref)) or now) for each in points),
        )
        if kept != before:
            self._kept.keep(booking.reservation, kept)

    def _say(self, step: Step, before: Told) -> tuple[Told, OpenPoint | None]:
        """Deliver one event; return what is told of the guest now, and what stands open."""
        hour = vietnam_time(self._now())[:13]
        said = hashlib.sha256(msgspec.json.encode((hour, step.event["data"]), order="deterministic")).hexdigest()[:16]
        if before.refused.partition(" ")[0] == said:
            return before, _point(step.ref, before.refused)
        try:
            answer = self._deliver(step.event)
        except ApiProblem as no:
            if no.status in LET_IN:
                raise Refused("pms.server_denied", detail=no.code) from no
            if no.status not in ABOUT_THE_INPUT:
                raise Refused("pms.server_away", detail=str(no.status)) from no
            if no.code == "server.id_reused" and step.kind == "checked_in":
                return msgspec.structs.replace(step.after, room=None, until=None), None
            pointers = sorted({str(each.get("pointer") or "") for each in no.problems if each.get("severity") != "warning"})
            about_the_guest = step.kind == "checked_in" and no.status != CONFLICT  # a conflict may pass
            refused = " ".join([said, no.code, *pointers]) if about_the_guest else ""
            return msgspec.structs.replace(before, refused=refused), OpenPoint(
                code=no.code, ref=step.ref, pointers=tuple(pointers)
            )
        except OSError as error:
            raise Refused("pms.server_away", detail=type(error).__name__) from error
        self._delivered += 1
        return msgspec.structs.replace(step.after, unheard=_unheard(answer)), None


def _unheard(answer: Mapping[str, Any]) -> str:
    """Return why an event that was taken changes nothing, empty when it holds."""
    return next((each["code"] for each in answer.get("problems", ()) if each["code"] in CHANGED_NOTHING), "")


def _point(ref: str, refused: str) -> OpenPoint:
    _, code, *pointers = refused.split(" ")
    return OpenPoint(code=code, ref=ref, pointers=tuple(pointers))


def _asked(ask: Callable[[], Any]) -> Iterator[Any]:
    """Return what a system answered; an answer of another shape than its documents is one error, not many."""
    try:
        return iter(ask())
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, RuntimeError, StopIteration) as error:
        raise Refused("pms.vendor_answer", detail=f"{type(error).__name__}") from error
