"""A number of a kiosk's own count that never came although later ones did is known to every gateway, over restarts, until it comes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.port import Delivery
from luutru.benchmarks.fleet import COMMUNE
from registry import tables
from registry.kiosk_counts import Counted, look_through, withheld_of


def bent(delivery):
    return Delivery(topic=delivery.topic, payload=delivery.payload[:-1] + bytes([delivery.payload[-1] ^ 1]))


def missing(office, *intakes, after=timedelta(0)):
    """Let gateways bring their counts up to date; returns what has been missing for so long, as (kiosk, first, last)."""
    for intake in intakes:
        intake.sequences.look_through(office.registry, office.clock.now())
    with office.registry.reading() as connection:
        found = withheld_of(connection, COMMUNE, before=office.clock.now() - after)
    return [(kiosk, each.first, each.last) for kiosk, gaps in sorted(found.items()) for each in gaps]


def test_a_gap_stands_over_a_restart_and_between_two_gateways_and_goes_when_the_number_comes(office):
    kiosk = office.kiosk()
    first, lost, third, also_lost, fifth = (office.deliver(kiosk) for _ in range(5))
    office.intake.take([first])
    assert missing(office, office.intake) == [], "a kiosk that is silent withholds nothing"
    other = office.make_intake()  # another gateway, or the same one after kill -9: it remembers nothing
    other.take([third])
    assert missing(office, other) == [("kiosk-000", 2, 2)]
    office.intake.take([fifth])  # this one never saw the third, and does not call it missing
    assert missing(office, office.intake, other) == [("kiosk-000", 2, 2), ("kiosk-000", 4, 4)]
    assert missing(office, after=timedelta(hours=1)) == [], "no alarm before the patience is over"
    office.clock.pass_time(hours=2)
    assert missing(office, after=timedelta(hours=1)) == [("kiosk-000", 2, 2), ("kiosk-000", 4, 4)]
    office.make_intake().take([also_lost])
    late = office.make_intake()
    late.take([lost])
    assert missing(office, late, after=timedelta(hours=1)) == []


def test_what_was_set_aside_or_refused_has_come_whoever_looks_and_whenever(office):
    kiosk = office.kiosk()
    office.intake.take([office.deliver(kiosk), bent(office.deliver(kiosk)), office.deliver(kiosk)])
    heir = office.make_intake()  # the first died before it looked
    heir.take([office.deliver(kiosk)])
    assert missing(office, heir) == []


def test_numbers_that_nobody_vouches_for_fill_nothing_and_open_nothing(office):
    kiosk, other = office.kiosk(), office.kiosk(1)
    first, lost, third = (office.deliver(kiosk) for _ in range(3))
    office.intake.take([first, third, Delivery(topic=other.topics.declarations, payload=lost.payload)])
    assert missing(office, office.intake) == [("kiosk-000", 2, 2)]


def test_two_gateways_that_look_at_once_find_the_same(office):
    kiosk = office.kiosk()
    sent = [office.deliver(kiosk) for _ in range(6)]
    heir = office.make_intake()
    office.intake.take([sent[0], sent[3]])
    heir.take([sent[5]])
    assert (
        missing(office, heir, office.intake) == missing(office, office.intake, heir) == [("kiosk-000", 2, 3), ("kiosk-000", 5, 5)]
    )


def test_what_was_recorded_for_another_commune_has_come(small_office):
    office, kiosk = small_office, small_office.kiosk()
    office.intake.take([office.deliver(kiosk) for _ in range(3)])
    with office.registry.writing() as connection:
        connection.execute(tables.receipts.update().where(tables.receipts.c.sequence == 2).values(commune_code="elsewhere"))
    assert missing(office, office.intake) == []


@pytest.mark.parametrize("page", [1, 3])
def test_a_long_count_is_looked_through_by_pages_and_what_is_gone_later_is_not_missing(small_office, monkeypatch, page):
    monkeypatch.setattr("registry.kiosk_counts.PAGE", page)
    office, kiosk = small_office, small_office.kiosk()
    sent = [office.deliver(kiosk) for _ in range(9)]
    office.intake.take([each for number, each in enumerate(sent, 1) if number not in {4, 8}])
    for _ in range(20):
        assert missing(office, office.intake) in ([], [("kiosk-000", 4, 4)], [("kiosk-000", 4, 4), ("kiosk-000", 8, 8)])
    assert missing(office) == [("kiosk-000", 4, 4), ("kiosk-000", 8, 8)]
    office.intake.take([sent[7]])
    assert missing(office, office.intake) == [("kiosk-000", 4, 4)], (
        "one that comes long after is found among all that came meanwhile"
    )
    with office.registry.writing() as connection:
        count = Counted(*connection.execute(select(*(tables.kiosk_counts.c[name] for name in Counted._fields))).one())
        connection.execute(tables.receipts.delete().where(tables.receipts.c.sequence == 2))
        look_through(connection, count, now=office.clock.now())
    assert missing(office) == [("kiosk-000", 4, 4)]
