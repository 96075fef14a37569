"""Who a claimed case is about, and what a receipt says of a statement that has no deadline: both engines."""

from __future__ import annotations

import secrets
from datetime import timedelta

from factories import make_declaration
from recording_town import Town, make_presence

from registry import tables
from registry.release import Look
from registry.seen_persons import release_seen
from residence.access.purposes import Field, Purpose
from residence.clock import rfc3339


def test_the_claimant_reads_what_a_kiosk_saw_at_the_door(town: Town) -> None:
    """A kiosk's body begins with 16 random bytes; what the door read comes after them."""
    presence = make_presence()
    town.record(town.say(presence))
    row = town.rows(tables.presences)[0]
    look = Look(account_id="a-1", role="officer", purpose=Purpose.UNDECLARED_CASE, commune_code="demo-01", about="case-1")
    with town.registry.writing() as connection:
        released = release_seen(
            connection,
            [row.presence_id],
            who=row.pseudonym_index.hex(),
            look=look,
            vault=town.registry.vault,
            now=town.now,
            random_bytes=secrets.token_bytes,
        )
    assert released.fields[Field.FULL_NAME] == presence.person.full_name
    assert len(town.rows(tables.access_records)) == 1


def test_checking_out_after_the_deadline_is_not_declaring_late(town: Town) -> None:
    arrival = make_declaration()
    in_time = town.record(town.say(arrival))[0].receipt
    assert in_time.due
    assert in_time.on_time
    town.now += timedelta(days=1)
    for kind in ("correction", "departure"):
        said = make_declaration(
            person=arrival.person, kind=kind, about=arrival.declaration_id, planned_departure=rfc3339(town.now)
        )
        receipt = town.record(town.say(said))[0].receipt
        assert (receipt.due, receipt.on_time, receipt.rule) == (None, None, None), kind
        assert receipt.rule_set == in_time.rule_set
    assert town.rows(tables.stays)[0].on_time


def test_a_stay_declared_too_late_is_not_shown_in_time_for_a_second_declaration_with_a_later_deadline(town: Town) -> None:
    person = make_declaration().person
    early, late = rfc3339(town.now - timedelta(days=3)), rfc3339(town.now)
    town.record(town.say(make_declaration(person=person, arrival=late)))
    town.record(town.say(make_declaration(person=person, arrival=early)))
    for stay in town.rows(tables.stays):
        assert stay.due is not None
        assert not (stay.due < town.now and stay.on_time)
