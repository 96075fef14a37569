"""What to tell an authority next about one stay: worked out from the stay as it stands and from what the authority knows. Pure.

- The same inputs give the same step, however often and in whatever order one is woken.
- Nothing is told ahead: an expected guest waits until the arrival, for who does not come cannot be taken back.
- Where the authority has no operation for a change (withdrawal, another name, another arrival) a person is told, not the authority.
- What is under dispute is told with an arrival where the form has a place for it; where it has none, or a dispute came or went since, a person is told.
- Who has left by the time the authority expected them to leave needs no departure.
- Days are Vietnam's.

Example: a stay told until the 12th that ended on the 11th, on the 11th: ``Tell(operation="departure", ...)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from gateway.authorities.port import Operation, Terms
from residence.clock import VIETNAM, parse_instant, rfc3339

Sure = Literal["accepted", "probably", "confirmed"]
WITHDRAWN = frozenset({"withdrawn", "removed"})


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the authority knows. Times are RFC 3339; ``who`` is a keyed digest."""

    start: str
    until: str
    who: str
    ended: bool = False
    sure: Sure = "accepted"
    disputed: tuple[str, ...] = ()  # fields it was told are under dispute


class StayFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What counts of a stay."""

    status: str
    start: datetime
    who: str
    planned_end: datetime | None = None
    ended_at: datetime | None = None
    disputed: tuple[str, ...] = ()
    tells_disputes: bool = True  # the form has a place to say so


class Tell(msgspec.Struct, frozen=True, kw_only=True):
    """Tell the authority this; it will then know ``telling``."""

    operation: Operation
    until: datetime
    telling: Told


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing yet."""

    until: datetime


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing more to send. ``code``: what a person has to know."""

    state: Literal["accepted", "nothing", "refused", "other-channel"]
    code: str | None = None


Step = Tell | Wait | Rest


def plan(stay: StayFacts, told: Told | None, *, terms: Terms, now: datetime) -> Step:
    """Return the next step."""
    if told is None:
        return _first(stay, terms, now)
    if stay.status in WITHDRAWN:
        return Rest(state="other-channel", code="authority.no_withdrawal")
    if stay.start != parse_instant(told.start) or stay.who != told.who:
        return Rest(state="other-channel", code="authority.no_correction")
    until = parse_instant(told.until)
    left = stay.ended_at
    step = _stays_on(stay, told, until=until, terms=terms, now=now) if left is None else _left(left, told, until=until, now=now)
    if step == Rest(state="accepted") and set(stay.disputed) != set(told.disputed):
        return Rest(state="accepted", code="authority.disputed_since")
    return step


def is_in_time(start: datetime, terms: Terms, now: datetime) -> bool:
    """Tell whether the authority still takes an arrival of this day."""
    today = now.astimezone(VIETNAM).date()
    return start.astimezone(VIETNAM).date() >= today - timedelta(days=terms.arrival_days_back)


def _first(stay: StayFacts, terms: Terms, now: datetime) -> Step:
    if stay.status in WITHDRAWN:
        return Rest(state="nothing")
    if stay.start > now:
        return Wait(until=stay.start)
    if not is_in_time(stay.start, terms, now):
        return Rest(state="other-channel", code="authority.arrival_too_long_ago")
    until = stay.ended_at or stay.planned_end
    if until is None:
        return Rest(state="refused", code="authority.departure_missing")
    telling = Told(
        start=rfc3339(stay.start),
        until=rfc3339(until),
        who=stay.who,
        ended=stay.ended_at is not None,
        disputed=stay.disputed if stay.tells_disputes else (),
    )
    return Tell(operation="arrival", until=until, telling=telling)


def _left(ended_at: datetime, told: Told, *, until: datetime, now: datetime) -> Step:
    if told.ended:
        same = ended_at == until
        return Rest(state="accepted") if same else Rest(state="other-channel", code="authority.no_correction")
    if ended_at > until:
        return Rest(state="other-channel", code="authority.extension_too_late")
    if ended_at == until or now >= until:
        return Rest(state="accepted")
    telling = msgspec.structs.replace(told, until=rfc3339(ended_at), ended=True)
    return Tell(operation="departure", until=ended_at, telling=telling)


def _stays_on(stay: StayFacts, told: Told, *, until: datetime, terms: Terms, now: datetime) -> Step:
    if told.ended:
        return Rest(state="other-channel", code="authority.no_correction")
    wanted = stay.planned_end
    if wanted is None or wanted <= until:
        return Rest(state="accepted")
    if wanted > stay.start + timedelta(days=terms.longest_days):
        return Rest(state="other-channel", code="authority.longer_than_taken")
    if now >= until:
        return Rest(state="other-channel", code="authority.extension_too_late")
    telling = msgspec.structs.replace(told, until=rfc3339(wanted), ended=False)
    return Tell(operation="extension", until=wanted, telling=telling)
