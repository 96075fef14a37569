"""A batch does not wait for one person somebody else is working on: the others are on record meanwhile, and what waited follows in its order, once."""

from __future__ import annotations

import threading
import time

import msgspec
import pytest
from sqlalchemy import select

from registry import tables
from registry.people_locks import lock_people, part_free

BUSY, FREE = "001195000222", "001195000333"


def recorded(office):
    with office.registry.reading() as connection:
        return set(connection.scalars(select(tables.declarations.c.declaration_id)))


@pytest.mark.parametrize("office", ["postgresql"], indirect=True)
def test_who_is_free_is_on_record_while_the_others_wait_and_what_is_about_them_waits_too(office):
    kiosk = office.kiosk()
    busy, free = (
        msgspec.structs.replace(office.person(), personal_number=each, sex="female", document=None) for each in (BUSY, FREE)
    )
    came = office.declaration(kiosk, person=busy)
    left = office.declaration(
        kiosk, kind="departure", about=came.declaration_id, person=msgspec.structs.replace(busy, personal_number=None), planned_departure="2026-07-10T19:30:00+07:00",
    )  # fmt: skip
    other = office.declaration(kiosk, person=free)
    batch = [office.deliver(kiosk, each) for each in (came, left, other)]
    reading = [office.intake.read(each, office.clock.now()).statement for each in batch]
    outcomes = []
    with office.registry.writing() as desk:  # a desk is at work on one of them
        lock_people(desk, reading[:1], office.registry.vault)
        with office.registry.writing() as connection:
            assert part_free(connection, reading, office.registry.vault) == ([2], [0, 1])
        line = threading.Thread(target=lambda: outcomes.append(office.intake.take(batch)))
        line.start()
        until = time.monotonic() + 30
        while recorded(office) != {other.declaration_id}:
            assert time.monotonic() < until, recorded(office)
            line.join(0.02)
        assert outcomes == []
    line.join(30)
    (outcome,) = outcomes
    receipts = office.receipts(outcome)
    assert [each.declaration_id for each in receipts] == [each.declaration_id for each in (came, left, other)]
    assert recorded(office) == {each.declaration_id for each in (came, left, other)}
    again = office.intake.take(batch)
    assert (again.counts, [data for _, data in again.receipts]) == ({"replayed": 3}, [data for _, data in outcome.receipts])
