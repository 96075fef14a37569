"""Several writers at once: the same new person from two sides is one person; nothing waits for ever, nothing is doubled."""

from __future__ import annotations

import secrets
import threading

from factories import EVENING, make_declaration, make_person
from recording_town import Town

from registry import tables
from registry.identities import resident_account

ROUNDS = 6


def _say_at_once(town: Town, batches: list[list]) -> list[str]:
    gate, states, errors = threading.Barrier(len(batches)), [], []

    def work(batch: list) -> None:
        gate.wait()
        try:
            states.extend(each.receipt.state for each in town.record(*batch))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    return states


def test_one_new_person_declared_at_two_places_at_once_is_one_person(town: Town) -> None:
    for number in range(ROUNDS):
        person = make_person(personal_number=f"0010950004{number:02d}", document=None)
        batches = [
            [town.say(make_declaration(person=person, unit="0101"))],
            [town.say(make_declaration(person=person, premises_id="htl-sao-mai", unit="201"))],
        ]
        assert sorted(_say_at_once(town, batches)) == ["accepted", "accepted"]
    assert len([row for row in town.rows(tables.persons) if row.declaration_id]) == ROUNDS


def test_one_statement_delivered_twice_at_once_is_recorded_once_with_one_receipt(town: Town) -> None:
    for number in range(ROUNDS):
        statement = town.say(make_declaration(person=make_person(personal_number=f"0010950005{number:02d}", document=None)))
        _say_at_once(town, [[statement], [statement], [statement]])
    assert len(town.rows(tables.declarations)) == ROUNDS
    assert len(town.rows(tables.receipts)) == ROUNDS
    assert town.rows(tables.quarantine) == []


def test_large_batches_about_the_same_people_in_other_orders_do_not_block_each_other(town: Town) -> None:
    people = [make_person(personal_number=f"0010950006{number:02d}", document=None) for number in range(30)]
    one = [town.say(make_declaration(person=each, unit="0101")) for each in people]
    other = [town.say(make_declaration(person=each, premises_id="htl-sao-mai", unit="201")) for each in reversed(people)]
    assert set(_say_at_once(town, [one, other])) == {"accepted"}
    assert len([row for row in town.rows(tables.persons) if row.declaration_id]) == len(people)


def test_somebody_who_comes_in_twice_at_the_same_moment_has_one_account(town: Town) -> None:
    town.record(town.say(make_declaration()))
    (person_id,) = {row.person_id for row in town.rows(tables.stays)}
    gate, made = threading.Barrier(4), []

    def come_in() -> None:
        gate.wait()
        with town.registry.writing() as connection:
            made.append(resident_account(connection, person_id, commune_code="demo-01", now=EVENING, random_bytes=secrets.token_bytes))  # fmt: skip

    threads = [threading.Thread(target=come_in) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 4
    assert len({each.account_id for each in made}) == 1
