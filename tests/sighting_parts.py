"""Somebody is seen at a door and the sweep goes round: the shortest way to say it in a test."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from gateway.sweep import sweep
from luutru.system import random_bytes
from registry import tables
from residence.clock import VIETNAM

DUE = datetime(2026, 7, 10, 23, 0, tzinfo=VIETNAM)
EVENING = DUE - timedelta(hours=2)


def run(office, at):
    return sweep(office.registry, rules=office.rules, now=at, random_bytes=random_bytes)


def rows(office, table):
    with office.registry.reading() as connection:
        return connection.execute(select(tables.metadata.tables[table])).all()


def see(office, person, at, *, received=None, kind="entry"):
    office.clock.instant = received or at
    kiosk = office.kiosk()
    office.intake.take([office.deliver(kiosk, office.presence(kiosk, person=person, seen_at=at.isoformat(), kind=kind))])


def declare(office, person, arrival, *, received, **changes):
    office.clock.instant = received
    kiosk = office.kiosk()
    stated = {"arrival": arrival.isoformat(), "planned_departure": None} | changes
    declaration = office.declaration(kiosk, person=person, **stated)
    (receipt,) = office.receipts(office.intake.take([office.deliver(kiosk, declaration)]))
    return receipt


def find_in_the_night(office, person):
    """A notice in the evening, found past the deadline, and so a case when the notice stays unanswered."""
    run(office, DUE)
    see(office, person, DUE + timedelta(hours=3), kind="night_check")
    run(office, DUE + timedelta(hours=25))
