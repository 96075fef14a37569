"""What is sent when: windows, resends, pauses. No broker, no clock."""

import pytest
from factories import StandingClock, make_declaration
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from kiosk_parts import make_outbox

from edge_agent.delivery import Delivery
from edge_agent.line import ConnectionState, Line
from edge_agent.sending import AWAITING, PAUSE_CAP, WINDOW, SendPlan, backoff
from edge_agent.uplink import Uplink
from residence.wire.envelope import read_header


def whole() -> float:
    return 1.0


@given(attempt=st.integers(0, 10_000), r=st.floats(0, 1, exclude_max=True))
def test_a_reconnect_wait_lies_anywhere_below_its_cap(attempt, r):
    assert 0 <= backoff(attempt, jitter=lambda: r) <= min(120.0, 2.0 ** min(attempt, 20))


def test_five_thousand_kiosks_do_not_come_back_in_the_same_second():
    import random

    chance = random.Random(1)
    waits = sorted(backoff(7, jitter=chance.random) for _ in range(5000))
    assert max(sum(1 for each in waits if start <= each < start + 1) for start in range(120)) < 90


def test_a_row_taken_is_sent_again_after_silence_later_each_time():
    plan = SendPlan(jitter=whole, resend_after=10)
    now = 0.0
    for wait in (10, 20, 40, 80):
        plan.sent("a")
        plan.taken("a", at=now)
        assert plan.due(at=now + wait - 0.1) == []
        assert plan.due(at=now + wait) == ["a"]
        now += wait


def test_a_settled_row_is_forgotten():
    plan = SendPlan(jitter=whole)
    plan.sent("a")
    plan.taken("a", at=0)
    plan.settled("a")
    assert plan.due(at=1e9) == []
    assert plan.room(at=0) == WINDOW


def test_after_a_refusal_one_row_probes_and_the_first_success_opens_the_window():
    plan = SendPlan(jitter=whole)
    for number in range(WINDOW):
        plan.sent(str(number))
    for number in range(WINDOW):
        plan.refused(str(number), at=0)
    assert plan.room(at=0.5) == 0
    assert plan.room(at=1.0) == 1
    plan.sent("0")
    assert plan.room(at=1.0) == 0
    plan.taken("0", at=1.1)
    assert plan.room(at=1.1) == WINDOW


def test_refusals_in_a_row_pause_longer_up_to_a_cap():
    plan, now, pauses = SendPlan(jitter=whole), 0.0, []
    for _ in range(10):
        plan.sent("a")
        plan.refused("a", at=now)
        pause = plan.next_due() - now
        pauses.append(pause)
        now += pause
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == PAUSE_CAP


def test_a_lost_connection_sends_the_unacknowledged_again_and_waits_for_the_rest():
    plan = SendPlan(jitter=whole)
    plan.sent("taken")
    plan.taken("taken", at=0)
    plan.sent("open")
    plan.connection_lost()
    assert plan.cursor == 0
    assert plan.waiting("taken")
    assert not plan.waiting("open")


def test_a_resend_does_not_hide_an_older_row_that_was_in_flight(tmp_path):
    """Found by the simulation, seed 42: the older row was not looked at again before the next connection."""
    outbox = make_outbox(tmp_path / "kiosk.db")
    for _ in range(2):
        outbox.keep(make_declaration())
    delivery, sent = Delivery(outbox, SendPlan(jitter=whole, resend_after=10)), []

    def publish(envelope):
        sent.append(read_header(envelope).sequence)
        return len(sent)

    delivery.send_rows(at=0, publish=publish)
    delivery.acknowledged(2, 0, at=0)  # the broker took the younger row and died before it took the older
    delivery.connection_lost()
    delivery.send_rows(at=20, publish=publish)
    assert sorted(sent) == [1, 1, 2, 2]
    outbox.close()


def test_nobody_wakes_for_a_row_that_cannot_be_sent_yet():
    plan = SendPlan(jitter=whole)
    for each in ("probe", "other"):
        plan.sent(each)
        plan.refused(each, at=0)
    plan.reopen()
    assert plan.next_due() == 1.0
    plan.refused("other", at=0)
    plan.sent("probe")
    assert plan.next_due() is None  # only the broker's answer makes room
    plan.taken("probe", at=5)
    assert plan.next_due() == 1.0


@pytest.mark.parametrize("state", [ConnectionState.CONNECTING, ConnectionState.HOLDING])
def test_a_line_that_cannot_send_does_not_wake_for_rows_that_are_due(state, tmp_path):
    nowhere = tmp_path / "none.pem"
    line = Line(host="h", port=1, site="s", kiosk_id="k", ca_file=nowhere, certificate_file=nowhere, key_file=nowhere)
    clock, outbox = StandingClock(), make_outbox(tmp_path / "kiosk.db")
    uplink = Uplink(outbox, line, clock=clock, jitter=whole)
    uplink._plan.sent("due")
    uplink._plan.taken("due", at=-100.0)
    uplink._state_due = uplink._hold_until = 300.0
    assert uplink._plan.next_due() < uplink._seconds()
    uplink._change(state=state)
    assert uplink._idle_seconds() == 1.0
    uplink._change(state=ConnectionState.UP)
    assert uplink._idle_seconds() == 0.01
    outbox.close()


def test_a_waiting_list_that_is_full_stops_new_rows_and_not_resends():
    plan = SendPlan(jitter=whole)
    for number in range(AWAITING):
        plan.sent(str(number))
        plan.taken(str(number), at=0)
    assert plan.room(at=100) == 0
    assert plan.room_for_resends(at=100) == WINDOW


class PlanUnderFire(RuleBasedStateMachine):
    """Any order of answers, losses and waits."""

    def __init__(self):
        super().__init__()
        self.plan = SendPlan(jitter=whole)
        self.now = 0.0
        self.rows = {}

    @rule()
    def send(self):
        if self.plan.room(at=self.now):
            name = str(len(self.rows))
            self.rows[name] = "waiting"
            self.plan.sent(name)

    @rule(pick=st.integers(0, 40), answer=st.sampled_from(["taken", "refused", "settled"]))
    def answer(self, pick, answer):
        name = str(pick)
        if name in self.rows:
            getattr(self.plan, answer)(name, **({} if answer == "settled" else {"at": self.now}))
            if answer == "settled":
                self.rows[name] = "settled"

    @rule(seconds=st.floats(0, 700))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def lose(self):
        self.plan.connection_lost()

    @invariant()
    def the_window_holds(self):
        assert len(self.plan._in_flight) <= WINDOW

    @invariant()
    def nothing_settled_is_due(self):
        assert all(self.rows[name] == "waiting" for name in self.plan.due(at=1e12))

    @invariant()
    def sending_never_stops_for_ever(self):
        assert self.plan.room_for_resends(at=self.now + PAUSE_CAP) > 0 or self.plan._in_flight


TestPlanUnderFire = PlanUnderFire.TestCase
