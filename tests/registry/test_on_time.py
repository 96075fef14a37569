"""Whose delay a late declaration is: the deadline, the kiosk's clock, and what that clock is worth."""

from datetime import datetime, timedelta

import msgspec
import pytest
from factories import make_declaration
from recording_town import Town

from registry import tables
from residence.clock import VIETNAM, rfc3339

DUE = datetime(2026, 7, 10, 23, 0, tzinfo=VIETNAM)
BEFORE, AFTER = DUE - timedelta(hours=1), DUE + timedelta(hours=1)
DAY_AFTER = DUE + timedelta(hours=20)

# received, kept by the kiosk's clock, state of that clock, on time?
DELAYS = {
    "received before the deadline, whatever the clock says": (BEFORE, AFTER.replace(year=1970), "unset", True),
    "received at the deadline": (DUE, DUE, "synced", False),
    "kept in time by a synchronised clock, delivered the day after": (DAY_AFTER, BEFORE, "synced", True),
    "kept in time by an unconfirmed clock": (DAY_AFTER, BEFORE, "rtc_only", None),
    "kept in time by a clock somebody set back": (DAY_AFTER, BEFORE, "jumped", None),
    "kept late by its own unconfirmed clock": (DAY_AFTER, AFTER, "rtc_only", None),
    "an unconfirmed clock that is months behind": (DAY_AFTER, BEFORE - timedelta(days=90), "rtc_only", None),
    "a clock somebody set ahead": (DAY_AFTER, DAY_AFTER + timedelta(days=90), "jumped", None),
    "a kiosk without any clock": (DAY_AFTER, BEFORE.replace(year=1970), "unset", None),
    "a kiosk without any clock that says a late year": (DAY_AFTER, BEFORE.replace(year=2099), "unset", None),
    "a synchronised clock that says the future": (DAY_AFTER, DAY_AFTER + timedelta(days=2), "synced", False),
    "a synchronised clock that says last year": (DAY_AFTER, BEFORE.replace(year=2025), "synced", False),
}


@pytest.mark.parametrize(("received", "kept", "clock", "on_time"), DELAYS.values(), ids=DELAYS.keys())
def test_whether_a_declaration_was_on_time(town: Town, received, kept, clock, on_time):
    town.now = received
    statement = town.say(make_declaration(arrival=rfc3339(BEFORE), declared_at=rfc3339(BEFORE), planned_departure=None))
    source = msgspec.structs.replace(statement.source, kept_at=rfc3339(kept), time_state=clock)
    (recorded,) = town.record(msgspec.structs.replace(statement, source=source))
    assert recorded.receipt.state == "accepted"
    assert recorded.receipt.due is not None
    assert recorded.receipt.on_time is on_time
    assert [stay.on_time for stay in town.rows(tables.stays)] == [on_time]
