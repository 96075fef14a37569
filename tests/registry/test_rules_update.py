"""New rules come to the gateway in the middle of a day: what was kept before and is delivered after keeps the rules of its arrival."""

from __future__ import annotations

import secrets

import msgspec
from factories import make_declaration, make_person
from recording_town import SIGNER, Town, make_town
from seeded_town import put_seeded_sqlite

from registry.recording import Recorded, Statement, record
from residence.clock import VIETNAM
from residence.stays.rules import RuleBook, load_rule_book

NEXT = "stay-next"


def from_tomorrow_on(town: Town) -> RuleBook:
    """Return the rules with a set that begins tomorrow and ends the day an hour earlier."""
    book = load_rule_book()
    tomorrow = town.now.astimezone(VIETNAM).date().replace(day=town.now.astimezone(VIETNAM).day + 1)
    later = msgspec.structs.replace(book.sets[-1], id=NEXT, valid_from=tomorrow, cutoff_hour=22)
    return msgspec.structs.replace(book, sets=(*book.sets, later))


def recorded(town: Town, statement: Statement, rules: RuleBook) -> Recorded:
    with town.registry.writing() as connection:
        (one,) = record(
            connection,
            [statement],
            vault=town.registry.vault,
            rules=rules,
            signer=SIGNER,
            now=town.now,
            random_bytes=secrets.token_bytes,
        )
    return one


def test_what_was_kept_before_keeps_its_rules_and_its_receipt_and_what_arrives_later_has_the_new(tmp_path) -> None:
    town = make_town(put_seeded_sqlite(tmp_path), tmp_path / "vault")
    before, after = load_rule_book(), from_tomorrow_on(town)
    answered, kept, ahead = (
        town.say(
            make_declaration(
                person=make_person(personal_number=f"001095000{each}", document=None), arrival=f"{day}T14:00:00+07:00"
            )
        )
        for each, day in (("117", "2026-07-10"), ("218", "2026-07-10"), ("319", "2026-07-11"))
    )
    first = recorded(town, answered, before)
    assert (first.receipt.rule_set, first.receipt.due) == ("stay-2026-07-01", "2026-07-10T23:00:00+07:00")
    again = recorded(town, answered, after)
    assert (again.replayed, again.receipt_bytes) == (True, first.receipt_bytes), "its receipt stays what it was"
    late = recorded(town, kept, after)
    assert (late.receipt.rule_set, late.receipt.due) == ("stay-2026-07-01", "2026-07-10T23:00:00+07:00")
    new = recorded(town, ahead, after)
    assert (new.receipt.rule_set, new.receipt.due) == (NEXT, "2026-07-11T22:00:00+07:00")
    town.registry.close()
