"""The order of a queue: what can be checked only for a while comes first, waiting holds the clock, and nobody's person decides it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import EVENING
from hypothesis import given
from hypothesis import strategies as st

from residence.cases.closing import CLOSING, ClosingCode, closing_rule, codes_for
from residence.cases.transitions import CLOSED, CLOSING_STEPS, CaseAction, CaseStatus
from residence.cases.triage import CaseFacts, CaseTimes, Urgency, triage
from residence.cases.undeclared import CaseRule
from residence.errors import Refused

TIMES = CaseTimes()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def facts(**changes):
    values = {"rule": "late_entries", "state": CaseStatus.OPEN, "due": EVENING, "last_seen": EVENING, "counted_from": EVENING}
    return CaseFacts(**{**values, **changes})


ASKED = {"state": CaseStatus.ASKED, "asked_at": EVENING + HOUR}
STANDINGS = {
    "a new case is in turn": ({}, DAY, Urgency.IN_TURN, "in_turn", 5 * DAY),
    "the last day is soon": ({}, 4 * DAY + HOUR, Urgency.SOON, "decide_soon", 5 * DAY),
    "beyond it is now": ({}, 5 * DAY, Urgency.NOW, "decide_overdue", 5 * DAY),
    "found last night is now": ({"rule": "night_check"}, 10 * HOUR, Urgency.NOW, "night_check_last_night", 5 * DAY),
    "found two nights ago is in turn": ({"rule": "night_check"}, 30 * HOUR, Urgency.IN_TURN, "in_turn", 5 * DAY),
    "what is deleted soon comes before all": ({}, 12 * DAY, Urgency.NOW, "evidence_ends", 14 * DAY),
    "what is deleted already presses no more": ({}, 15 * DAY, Urgency.NOW, "decide_overdue", 5 * DAY),
    "who was asked may answer": (ASKED, DAY, Urgency.WAITING, "answer_awaited", 2 * DAY + HOUR),
    "who did not answer in time": (ASKED, 3 * DAY, Urgency.NOW, "answer_overdue", 2 * DAY + HOUR),
    "a closed case wants nobody": ({"state": CaseStatus.CLOSED_ACTION}, 9 * DAY, Urgency.DONE, "closed", None),
}


@pytest.mark.parametrize(("changes", "after", "urgency", "why", "at"), STANDINGS.values(), ids=STANDINGS.keys())
def test_where_a_case_stands_and_why(changes, after, urgency, why, at):
    stands = triage(facts(**changes), now=EVENING + after, times=TIMES)
    assert (stands.urgency, stands.why, stands.at) == (urgency, why, None if at is None else EVENING + at)


def test_the_legal_deadline_is_told_as_law_and_the_rest_as_ours():
    clocks = {each.name: each for each in triage(facts(**ASKED), now=EVENING + DAY, times=TIMES).clocks}
    assert {name: each.meaning for name, each in clocks.items()} == {
        "declare": "law",
        "answer": "commune",
        "decide": "commune",
        "evidence": "retention",
    }
    assert clocks["decide"].held
    assert clocks["decide"].at == EVENING + 5 * DAY + (DAY - HOUR), "held since the question"


moments = st.integers(0, 20 * 24 * 60).map(lambda minutes: EVENING + timedelta(minutes=minutes))


@given(st.sampled_from(CaseRule.__args__), st.sampled_from(CaseStatus), moments, moments, moments)
def test_every_open_case_stands_somewhere_with_a_reason_and_every_closed_one_is_done(rule, state, asked, last_seen, now):
    stands = triage(facts(rule=rule, state=state, asked_at=asked, last_seen=last_seen), now=now, times=TIMES)
    assert (stands.urgency is Urgency.DONE) is (state in CLOSED)
    assert (stands.at is None) is (state in CLOSED)


@given(moments, moments)
def test_waiting_for_an_answer_never_makes_a_case_overdue_to_decide(asked, now):
    waits = facts(state=CaseStatus.ASKED, asked_at=asked, counted_from=asked)
    assert triage(waits, now=max(asked, now), times=TIMES).why != "decide_overdue"


def test_every_closing_step_has_codes_and_every_code_one_step():
    codes = [code for action in CLOSING_STEPS for code in codes_for(action)]
    assert sorted(codes) == sorted(ClosingCode) == sorted(CLOSING)
    assert all(codes_for(action) == () for action in set(CaseAction) - set(CLOSING_STEPS))


def test_somebody_can_always_be_found_without_fault():
    assert any(rule.no_fault and not rule.needs_reason for rule in CLOSING.values())
    assert not any(rule.no_fault for rule in CLOSING.values() if rule.status is CaseStatus.CLOSED_ACTION)


def test_a_step_with_one_code_needs_none_said_and_any_other_does():
    assert closing_rule(None, CaseAction.CLOSE_DECLARED) == CLOSING[ClosingCode.DECLARED]
    assert closing_rule(None, CaseAction.ASK) is None
    with pytest.raises(Refused, match=r"code_missing"):
        closing_rule(None, CaseAction.CLOSE_ACTION)
    with pytest.raises(Refused, match=r"code_not_allowed"):
        closing_rule(ClosingCode.ADVISED, CaseAction.ASK)
