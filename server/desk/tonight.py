"""Tonight at one premises: who is declared, what needs a hand before its deadline, who was seen and is not declared.

- Everything with an own legal deadline carries it; the page counts down to it.
- Whoever is declared ahead is expected: listed, not in the house, and no work before tonight's deadline.
- Names come through ``release_persons`` once per opened page; the polled part carries none.
- Who was seen is declared in one step, or said to be a visitor who does not stay the night: that answers the notice, sent or not, and is kept
  with the account that said so. Found at night after it, they stand on the list again.
- What needs action, and the fine band, count **people**: who was seen uncovered, and whose refused arrival nobody has said anew; one who is
  both counts once. A refused departure or correction is shown as work and counts nobody.

Example: ``tonight(server, connection, place, look=look).needs_action``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import Connection

from registry.declarations import findings_about
from registry.desk_lists import Place, UnsettledDeclaration, list_stays, list_unsettled
from registry.notices import sent_notices
from registry.presences import sightings
from registry.release import Look, release_persons
from registry.said_anew import not_said_anew
from registry.stays import StayOnList
from residence.access.purposes import Field
from residence.cases.undeclared import Sighting
from residence.places.premises import Premises
from residence.stays.deadlines import Deadline, deadline
from residence.stays.rules import FineBand
from server.desk.told_findings import is_in_doubt, told
from server.wiring import Server

LOOK_BACK: Final = timedelta(hours=36)  # yesterday's arrivals may still be put right today


class GuestRow(msgspec.Struct, frozen=True, kw_only=True):
    """One guest on the list. ``name`` is empty in the polled part and for an erased person."""

    stay: StayOnList
    name: str
    name_disputed: bool = False
    expected: bool = False  # declared ahead, not in the house yet
    findings: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """Return the code word the row's tag shows."""
        if self.expected:
            return "expected"
        doubted = is_in_doubt(self.findings) or self.stay.objected_at is not None
        return "disputed" if doubted and self.stay.status == "open" else self.stay.status


class SeenRow(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody seen, not declared, and by when they would have to be."""

    sighting: Sighting
    deadline: Deadline
    visitor: bool = False  # so says the house; nobody has found them at night since


class Tonight(msgspec.Struct, frozen=True, kw_only=True):
    """The whole page."""

    guests: tuple[GuestRow, ...]
    unsettled: tuple[UnsettledDeclaration, ...]
    later: tuple[UnsettledDeclaration, ...]  # the same, of people who have not arrived yet
    seen: tuple[SeenRow, ...]
    needs_action: int  # people not declared yet
    band: FineBand | None
    version: str  # changes when a row appears or goes

    @property
    def staying(self) -> int:
        """Return how many declared people are in the house."""
        return sum(each.stay.status == "open" and not each.expected for each in self.guests)

    @property
    def expected(self) -> int:
        """Return how many people are declared ahead."""
        return sum(each.expected for each in self.guests)

    def next_due(self, now: datetime) -> datetime | None:
        """Return the nearest deadline that is not over."""
        dues = [each.due for each in self.unsettled if each.due] + [each.deadline.due for each in self.seen if not each.visitor]
        return min((due for due in dues if due > now), default=None)


def tonight(server: Server, connection: Connection, premises: Premises, *, look: Look | None) -> Tonight:
    """Return tonight's list; without ``look`` no name is released and nothing is put on the access record."""
    now = server.clock.now()
    place = Place(premises.commune_code, premises.premises_id)
    stays = list_stays(connection, place, since=now - LOOK_BACK)
    waiting, people = _waiting(server, connection, place, stays)
    unsettled = [each for each in waiting if not _is_ahead(each, now)]
    seen = seen_here(server, connection, premises)
    names, disputed = _names(server, connection, stays, look=look)
    findings = findings_about(connection, [each for stay in stays for each in stay.declaration_ids])
    guests = tuple(
        GuestRow(
            stay=stay,
            name=names.get(stay.person_id, ""),
            name_disputed=stay.person_id in disputed,
            expected=stay.is_expected(now),
            findings=told(found for each in stay.declaration_ids for found in findings.get(each, ())),
        )
        for stay in stays
    )
    fines = server.rules.fines_for(now)
    undeclared = _count_people(unsettled, people, seen)
    return Tonight(
        guests=guests,
        unsettled=tuple(unsettled),
        later=tuple(each for each in waiting if _is_ahead(each, now)),
        seen=tuple(seen),
        needs_action=undeclared,
        band=fines.band_for(undeclared) if fines and undeclared else None,
        version=_version(guests, waiting, seen),
    )


def seen_here(server: Server, connection: Connection, premises: Premises) -> list[SeenRow]:
    """Return everybody seen here lately and not declared, each with the newest sighting."""
    since = server.clock.now() - LOOK_BACK
    last_seen = {each.who: each for each in sightings(connection, [premises.premises_id], since=since)}
    answered = {
        each.who: each.answered_at for each in sent_notices(connection, [premises.premises_id], since=since) if each.answered_at
    }
    return [
        SeenRow(
            sighting=each,
            deadline=_deadline(server, premises, each),
            visitor=each.who in answered and (each.kind != "night_check" or each.seen_at <= answered[each.who]),
        )
        for each in last_seen.values()
    ]


def _waiting(
    server: Server, connection: Connection, place: Place, stays: list[StayOnList]
) -> tuple[list[UnsettledDeclaration], dict[str, frozenset[str]]]:
    """Return what is still to be put right, and of whom each refused arrival among it is (``registry/said_anew.py``)."""
    since = server.clock.now() - LOOK_BACK
    on_list = {each for stay in stays for each in stay.declaration_ids}  # these show their findings in the guest's own row
    left = {each for stay in stays if stay.status == "ended" for each in stay.declaration_ids}
    listed = [
        each
        for each in list_unsettled(connection, place, since=since)
        if each.declaration_id not in on_list and not (each.kind == "departure" and each.about in left)
    ]
    refused = [each for each in listed if each.state == "refused" and each.is_about_somebody_undeclared]
    people = not_said_anew(connection, refused, place=place, vault=server.registry.vault, rules=server.rules)
    anew = {each.declaration_id for each in refused} - people.keys()
    return [each for each in listed if each.declaration_id not in anew], people


def _count_people(unsettled: list[UnsettledDeclaration], people: dict[str, frozenset[str]], seen: list[SeenRow]) -> int:
    arrivals = [each.declaration_id for each in unsettled if each.is_about_somebody_undeclared]
    counted = {code for each in arrivals for code in people.get(each, ())}
    return len(arrivals) + sum(each.sighting.who not in counted and not each.visitor for each in seen)


def _is_ahead(declared: UnsettledDeclaration, now: datetime) -> bool:
    return declared.arrival_at is not None and declared.arrival_at > now


def _deadline(server: Server, premises: Premises, sighting: Sighting) -> Deadline:
    return deadline(
        sighting.seen_at,
        premises_kind=premises.kind_at(sighting.seen_at),
        person=sighting.person,
        rules=server.rules,
        remote_area=premises.remote_area,
    )


def _names(
    server: Server, connection: Connection, stays: list[StayOnList], *, look: Look | None
) -> tuple[dict[str, str], set[str]]:
    """Return names by person, and whose name is under dispute."""
    if look is None:
        return {}, set()
    released = release_persons(
        connection,
        {stay.person_id for stay in stays},
        look=look,
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
    )
    names = {person_id: person.fields.get(Field.FULL_NAME, "") for person_id, person in released.items()}
    return names, {person_id for person_id, person in released.items() if Field.FULL_NAME in person.disputed}


def _version(guests: tuple[GuestRow, ...], unsettled: list[UnsettledDeclaration], seen: list[SeenRow]) -> str:
    ids = [f"{each.stay.stay_id} {each.expected}" for each in guests] + [each.declaration_id for each in unsettled]
    ids += [each.sighting.presence_id for each in seen]
    return sha256("\n".join(ids).encode()).hexdigest()[:16]
