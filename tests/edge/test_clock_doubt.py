"""A kiosk whose confirmed clock the authority has refused: it says so no more, goes on taking declarations, and believes the right time again."""

from datetime import timedelta

import pytest
from factories import EVENING, StandingClock, make_declaration
from kiosk_parts import KEYS, answer, make_outbox

from residence.clock import rfc3339
from residence.errors import Untrusted
from residence.wire.envelope import read_header
from residence.wire.messages import ReceiptFinding
from residence.wire.times import CLOCK_IMPOSSIBLE

YEARS = timedelta(days=3 * 365)
REFUSED = {"state": "received", "findings": (ReceiptFinding(code=CLOCK_IMPOSSIBLE, severity="error"),)}


@pytest.fixture
def clock():
    return StandingClock(EVENING + YEARS)


@pytest.fixture
def outbox(tmp_path, clock):
    outbox = make_outbox(tmp_path / "kiosk.db", clock=clock)
    yield outbox
    outbox.close()


def keep(outbox):
    kept = outbox.keep(make_declaration())
    return outbox.row(kept.declaration_id).envelope


def told(outbox, *, at=EVENING, **changes):
    """One statement kept, and answered at ``at`` by the authority's clock; return the state of the clock it was kept by."""
    envelope = keep(outbox)
    outbox.settle(answer(envelope, accepted_at=rfc3339(at), **changes))
    return read_header(envelope).times.time_state


def test_once_refused_the_clock_is_called_confirmed_no_more_and_declarations_go_on(outbox):
    assert told(outbox, **REFUSED) == "synced"
    assert told(outbox) == "rtc_only"
    assert outbox.depth() == 0


def test_it_is_believed_again_when_a_receipt_is_as_old_as_it_says(outbox, clock):
    told(outbox, **REFUSED)
    clock.instant = EVENING + timedelta(minutes=1)  # put right: the floor of the wrong time is gone, too
    assert told(outbox, at=EVENING) == "jumped"  # not confirmed, and moved
    assert told(outbox) == "synced"


def test_a_receipt_of_another_day_says_nothing_about_the_clock(outbox, clock):
    told(outbox, **REFUSED)
    clock.instant = EVENING + timedelta(days=2)
    told(outbox, at=EVENING)
    assert outbox.time_state() == "rtc_only"


def test_the_doubt_outlives_a_restart(tmp_path, clock):
    before = make_outbox(tmp_path / "kiosk.db", clock=clock)
    told(before, **REFUSED)
    before.close()
    after = make_outbox(tmp_path / "kiosk.db", clock=clock)
    assert after.time_state() == "rtc_only"
    after.close()


def test_a_clock_that_was_behind_keeps_its_floor(outbox, clock):
    clock.instant = EVENING
    told(outbox)
    clock.instant = EVENING - YEARS / 20
    told(outbox, at=EVENING + timedelta(hours=1), **REFUSED)
    assert outbox.time_state() == "unset"  # before what it had confirmed: as without any doubt


def test_nobody_but_the_authority_can_make_a_kiosk_doubt_its_clock(outbox):
    envelope = keep(outbox)
    with pytest.raises(Untrusted):
        outbox.settle(answer(envelope, signer=KEYS.updates, **REFUSED))
    assert outbox.time_state() == "synced"


def test_a_refusal_for_another_reason_says_nothing_about_the_clock(outbox):
    assert told(outbox, state="refused", findings=(ReceiptFinding(code="intake.id_mismatch", severity="error"),)) == "synced"
    assert outbox.time_state() == "synced"
