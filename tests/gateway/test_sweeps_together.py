"""Two sweeps at the same moment, as two workers or an impatient operator make them: one notice, one case."""

import threading
from datetime import datetime, timedelta

from sqlalchemy import func, select

from gateway.sweep import sweep
from luutru.system import random_bytes
from registry import tables
from residence.clock import VIETNAM

SEEN = datetime(2026, 7, 10, 21, 0, tzinfo=VIETNAM)
DUE = datetime(2026, 7, 10, 23, 0, tzinfo=VIETNAM)
PEOPLE = 12


def test_sweeps_at_the_same_moment_make_each_notice_and_each_case_once(office):
    office.clock.instant = SEEN
    kiosk = office.kiosk()
    people = [office.person() for _ in range(PEOPLE)]

    def see_all(at, kind="entry"):
        office.clock.instant = at
        seen = [office.deliver(kiosk, office.presence(kiosk, person=each, seen_at=at.isoformat(), kind=kind)) for each in people]
        office.intake.take(seen)

    see_all(SEEN)
    for at in (DUE, DUE + timedelta(hours=25)):
        if at > DUE:
            see_all(DUE + timedelta(hours=3), kind="night_check")  # past the deadline, after the notice
        start, failed = threading.Barrier(3), []

        def once(at=at, start=start, failed=failed):
            registry = office.open_registry()
            start.wait()
            failed.append(sweep(registry, rules=office.rules, now=at, random_bytes=random_bytes).failed)
            registry.close()

        sweeps = [threading.Thread(target=once) for _ in range(3)]
        for each in sweeps:
            each.start()
        for each in sweeps:
            each.join()
        assert failed == [0, 0, 0]
    with office.registry.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.notices)) == PEOPLE
        assert connection.scalar(select(func.count()).select_from(tables.cases)) == PEOPLE
        assert connection.scalar(select(func.count()).select_from(tables.case_events)) == PEOPLE
