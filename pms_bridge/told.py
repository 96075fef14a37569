"""A booking as it stands against what was told of it: the events that bring the registry to it. Pure.

- A guest who is in the house and was not told of checks in; in another room, moves; to stay longer, is extended; no longer in the house, has left,
  or was checked in by mistake. A shorter stay is said when the guest leaves. Back after leaving is a visit of its own.
- An event's id is a digest of what it says and of how many were told before it, so whatever is sent again after a crash is the same event.
- Nobody is told of before they are in the house, and nobody without a name.

Example: ``for step in steps(booking, told, house=house): deliver(step.event)``
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from pms_bridge.port import CITIZENS_NUMBER, Booking, PmsDocument, PmsGuest
from residence.people.person import DocumentKind

State = Literal["in", "out", "withdrawn"]


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was told of one guest of one booking; nobody's name. ``refused``: digest of a check-in that had problems.

    ``unheard``: the code of the last event, where something else that was said of the stay stands instead of it.
    """

    state: State | None = None
    visit: int = 0
    steps: int = 0
    room: str | None = None
    until: str | None = None
    left: str | None = None
    refused: str = ""
    unheard: str = ""


class House(msgspec.Struct, frozen=True, kw_only=True):
    """What of a property goes into its events."""

    premises_id: str
    source: str
    purpose_of_stay: str | None = None
    documents: Mapping[str, DocumentKind] = {}
    rooms: Mapping[str, str] = {}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One event, and what is told once it is delivered."""

    ref: str
    event: dict[str, Any]
    after: Told

    @property
    def kind(self) -> str:
        """Return the last word of the event's type."""
        return str(self.event["type"]).rpartition(".")[2]


def steps(booking: Booking, told: Mapping[str, Told], *, house: House) -> Iterator[Step]:
    """Yield what has to be told of a booking, in order; of each guest, one event after the other."""
    here = {each.ref: each for each in booking.guests if each.full_name} if booking.standing == "in-house" else {}
    for guest in here.values():
        yield from _of_somebody_here(booking, guest, told.get(guest.ref, Told()), house)
    if booking.standing == "unknown":
        return
    for ref, before in told.items():
        if before.state == "in" and ref not in here:
            yield _of_somebody_gone(booking, ref, before, house)


def _of_somebody_here(booking: Booking, guest: PmsGuest, before: Told, house: House) -> Iterator[Step]:
    room = house.rooms.get(guest.room, guest.room) if guest.room else None
    if before.state != "in":
        arrival = max(booking.arrival, before.left) if before.left else booking.arrival
        after = Told(state="in", visit=before.visit + 1, steps=before.steps + 1, room=room, until=booking.departure)
        said = {"arrival": arrival, "person": person_of(guest, house), "room": room, "departure_planned": booking.departure}
        said["purpose_of_stay"] = house.purpose_of_stay
        yield _step("checked_in", booking, guest.ref, before=before, after=after, said=said, house=house)
        return
    if room and room != before.room:
        after = msgspec.structs.replace(before, steps=before.steps + 1, room=room)
        yield _step("moved", booking, guest.ref, before=before, after=after, said={"room": room}, house=house)
        before = after
    if booking.departure and (before.until is None or booking.departure > before.until):
        after = msgspec.structs.replace(before, steps=before.steps + 1, until=booking.departure)
        said = {"departure_planned": booking.departure}
        yield _step("extended", booking, guest.ref, before=before, after=after, said=said, house=house)


def _of_somebody_gone(booking: Booking, ref: str, before: Told, house: House) -> Step:
    if booking.standing in {"expected", "cancelled", "no-show"}:
        why = "no-show" if booking.standing == "no-show" else "mistake"
        after = msgspec.structs.replace(before, state="withdrawn", steps=before.steps + 1)
        return _step("cancelled", booking, ref, before=before, after=after, said={"why": why}, house=house)
    left = (
        booking.left if booking.standing == "left" else None
    ) or booking.changed  # of who left before the others: when that was noted
    after = msgspec.structs.replace(before, state="out", steps=before.steps + 1, left=left)
    return _step("checked_out", booking, ref, before=before, after=after, said={"departed_at": left}, house=house)


def _step(kind: str, booking: Booking, ref: str, *, before: Told, after: Told, said: Mapping[str, Any], house: House) -> Step:
    data = {
        "premises_id": house.premises_id,
        "reservation": booking.reservation,
        "visit": after.visit,
        "arrival": booking.arrival,
    }
    data |= {"person": {"ref": ref, "full_name": ""}} | {name: value for name, value in said.items() if value is not None}
    named = msgspec.json.encode((house.source, kind, before.steps, data), order="deterministic")
    event = {
        "specversion": "1.0",
        "id": hashlib.sha256(named).hexdigest()[:40],
        "source": house.source,
        "type": f"stay.guest.{kind}",
        "time": booking.changed,
        "data": data,
    }
    return Step(ref=ref, event=event, after=after)


def person_of(guest: PmsGuest, house: House) -> dict[str, Any]:
    """Return a guest as an event states one: what the system says, and nothing made up for what it does not."""
    said: dict[str, Any] = {
        "ref": guest.ref,
        "full_name": guest.full_name,
        "sex": guest.sex,
        "nationality": guest.nationality or "",
    }
    if guest.birth:
        said["birth"] = {"value": guest.birth, "precision": "day"}
    document = guest.document
    if document is not None and _is_a_citizens_number(guest, document):
        said["personal_number"] = document.number
    elif document is not None:
        kind = house.documents.get(document.kind, DocumentKind.OTHER)
        issuer = document.issuer or guest.nationality
        shown = {"kind": kind, "number": document.number, "expiry": document.expiry, "issuer": issuer}
        said["document"] = {name: value for name, value in shown.items() if value}
    return {name: value for name, value in said.items() if value is not None}


def _is_a_citizens_number(guest: PmsGuest, document: PmsDocument) -> bool:
    number = document.number
    return guest.nationality == "VNM" and len(number) == CITIZENS_NUMBER and number.isascii() and number.isdigit()
