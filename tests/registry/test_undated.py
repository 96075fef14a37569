"""A declaration kept while the kiosk's clock was not confirmed is dated by the same start once it is, and by no other; its receipt stays."""

from datetime import datetime, timedelta

import msgspec
import pytest
from factories import StandingClock, make_declaration, make_person
from recording_town import Town

from registry import tables
from registry.answering import LONGEST_OFFLINE
from registry.deletions import carry_out
from registry.door_events import record_events
from registry.retention_policy import read_policy
from residence.clock import VIETNAM, rfc3339
from residence.wire.door_events import DoorEvent, DoorEventBatch

DUE = datetime(2026, 7, 10, 23, 0, tzinfo=VIETNAM)
LATER = DUE + timedelta(hours=20)  # when the network was there again
BOOT, OTHER_BOOT = "b0070000-0000-4000-8000-000000000001", "b0070000-0000-4000-8000-000000000002"
SECOND_NS = 1_000_000_000
WRONG = LATER - timedelta(days=3)
START = DUE - timedelta(hours=5)  # of the kiosk


def statement(town, at, *, state, boot=BOOT, wall=None, **changes):
    """What a kiosk that started at ``START`` seals at a true moment."""
    number = changes.pop("number", "001095000117")
    changes = {"arrival": rfc3339(START), "declared_at": rfc3339(START), "planned_departure": None} | changes
    card = msgspec.structs.replace(make_person().document, number=number)
    made = town.say(make_declaration(person=make_person(personal_number=number, document=card), **changes))
    source = msgspec.structs.replace(
        made.source, kept_at=rfc3339(wall or at), time_state=state, boot_id=boot, monotonic_ns=int((at - START).total_seconds() * SECOND_NS)
    )  # fmt: skip
    return msgspec.structs.replace(made, source=source)


def confirmed(town, at=LATER, *, boot=BOOT):
    """Somebody else's declaration, in time, under a confirmed clock."""
    return statement(town, at, state="synced", boot=boot, number="001095000222", arrival=rfc3339(at - timedelta(minutes=1)))


def on_time(town, receipt):
    declared = {row.declaration_id: row.on_time for row in town.rows(tables.declarations)}[receipt.declaration_id]
    (stayed,) = {row.on_time for row in town.rows(tables.stays) if receipt.declaration_id in row.declaration_ids}
    assert declared is stayed
    return declared


CASES = {
    "kept in time, its clock days behind": (DUE - timedelta(hours=1), "rtc_only", None, True),
    "kept in time, its clock without any time": (DUE - timedelta(hours=1), "unset", None, True),
    "kept in time, its clock ahead of the deadline": (DUE - timedelta(hours=1), "jumped", DUE + timedelta(hours=2), True),
    "kept late, its clock before the deadline": (DUE + timedelta(hours=1), "rtc_only", None, False),
}


@pytest.mark.parametrize("case", CASES)
def test_a_later_confirmed_moment_of_the_same_start_dates_it(town: Town, case):
    at, state, wall, expected = CASES[case]
    town.now = LATER
    (unsure,) = town.record(statement(town, at, state=state, wall=wall or WRONG))
    assert on_time(town, unsure.receipt) is not True
    town.record(confirmed(town, boot=OTHER_BOOT))
    assert on_time(town, unsure.receipt) is not True, "another start says nothing of this one"
    town.record(confirmed(town, LATER + timedelta(seconds=5)))
    assert on_time(town, unsure.receipt) is expected
    dated = [row.kept_at for row in town.rows(tables.undated_declarations)]
    assert dated == [at]
    stored = {row.declaration_id: bytes(row.receipt_bytes) for row in town.rows(tables.receipts)}
    assert stored[unsure.receipt.declaration_id] == unsure.receipt_bytes, "the receipt is the one that was given"


def test_both_in_one_message_and_a_door_event_do_the_same(town: Town):
    town.now = LATER
    at = DUE - timedelta(hours=1)
    together = town.record(statement(town, at, state="rtc_only", wall=WRONG), confirmed(town))
    assert on_time(town, together[0].receipt) is True
    (unsure,) = town.record(statement(town, at, state="rtc_only", wall=WRONG, boot=OTHER_BOOT, number="001095000333"))
    assert on_time(town, unsure.receipt) is not True
    there = DoorEvent(
        1, OTHER_BOOT, int((LATER - START).total_seconds() * SECOND_NS), rfc3339(LATER), "synced", "lobby", "granted"
    )
    with town.registry.writing() as connection:
        batch = DoorEventBatch(kiosk_id="kiosk-lobby-1", epoch="e", oldest_held=1, events=(there,))
        record_events(connection, batch, commune_code="demo-01", now=LATER)
    assert on_time(town, unsure.receipt) is True


def test_what_cannot_be_is_not_believed(town: Town):
    town.now = LATER
    (unsure,) = town.record(statement(town, DUE - timedelta(hours=1), state="rtc_only", wall=WRONG))
    odd = confirmed(town)
    before_this_start = msgspec.structs.replace(odd.source, monotonic_ns=odd.source.monotonic_ns - 60 * 86400 * SECOND_NS)
    town.record(msgspec.structs.replace(odd, source=before_this_start))  # by it the other was kept in two months
    assert on_time(town, unsure.receipt) is not True
    report = carry_out(town.registry, read_policy(), clock=StandingClock(LATER + LONGEST_OFFLINE), by="test")
    assert {each.name: each.rows for each in report.deleted}["undated declaration"] == 1
