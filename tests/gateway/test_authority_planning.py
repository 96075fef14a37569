"""What is to be told next, as a pure function: from the stay, what the authority knows, its terms and the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gateway.authorities.lines import Line, Patience, pause_after
from gateway.authorities.planning import Rest, StayFacts, Tell, Told, Wait, plan
from gateway.authorities.terms import rule_sets, terms_for
from residence.clock import VIETNAM, rfc3339

START = datetime(2026, 7, 10, 7, 0, tzinfo=UTC)
NOW = START + timedelta(hours=1)
TERMS = terms_for("kbtt", START)


def day(number, hour=5):
    return datetime(2026, 7, number, hour, tzinfo=UTC)


def stay(**changes):
    return StayFacts(**{"status": "open", "start": START, "who": "w", "planned_end": day(12), **changes})


def told(**changes):
    fields = {"start": rfc3339(START), "until": rfc3339(day(12)), "who": "w", **changes}
    return Told(**fields)


# (stay, told, hours after arrival) -> what comes of it
STEPS = {
    "new": (stay(), None, 1, ("arrival", day(12))),
    "left before it was told": (stay(status="ended", ended_at=day(11)), None, 30, ("arrival", day(11))),
    "told": (stay(), told(), 1, "accepted"),
    "shortened, still there": (stay(planned_end=day(11)), told(), 1, "accepted"),
    "extended": (stay(planned_end=day(14)), told(), 1, ("extension", day(14))),
    "extended to thirty days": (stay(planned_end=START + timedelta(days=30)), told(), 1, ("extension", START + timedelta(days=30))),
    "extended beyond": (stay(planned_end=START + timedelta(days=30, seconds=1)), told(), 1, "authority.longer_than_taken"),
    "extended when they were thought gone": (stay(planned_end=day(14)), told(), 48, "authority.extension_too_late"),
    "left early": (stay(status="ended", ended_at=day(11)), told(), 24, ("departure", day(11))),
    "left early, heard of after the planned end": (stay(status="ended", ended_at=day(11)), told(), 72, "accepted"),
    "left as planned": (stay(status="ended", ended_at=day(12)), told(), 46, "accepted"),
    "left late": (stay(status="ended", ended_at=day(13)), told(), 70, "authority.extension_too_late"),
    "departure told": (stay(status="ended", ended_at=day(11)), told(until=rfc3339(day(11)), ended=True), 72, "accepted"),
    "departure corrected": (stay(status="ended", ended_at=day(12)), told(until=rfc3339(day(11)), ended=True), 72, "authority.no_correction"),
    "came back to life": (stay(), told(until=rfc3339(day(11)), ended=True), 72, "authority.no_correction"),
    "withdrawn, not told": (stay(status="withdrawn"), None, 1, "nothing"),
    "withdrawn, told": (stay(status="removed"), told(), 1, "authority.no_withdrawal"),
    "another name": (stay(who="x"), told(), 1, "authority.no_correction"),
    "no departure": (stay(planned_end=None), None, 1, "authority.departure_missing"),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "known", "hours", "expected"), STEPS.values(), ids=STEPS)
def test_the_next_step_of_a_stay_that_is(facts, known, hours, expected):
    step = plan(facts, known, terms=TERMS, now=START + timedelta(hours=hours))
    if isinstance(expected, tuple):
        assert isinstance(step, Tell)
        assert (step.operation, step.until) == expected
        # once it is told there is nothing more to tell
        assert isinstance(plan(facts, step.telling, terms=TERMS, now=START + timedelta(hours=hours)), Rest)
    else:
        assert isinstance(step, Rest)
        assert expected in {step.state, step.code}


ARRIVALS = {"2026-07-08T23:59:59": False, "2026-07-09T00:00:00": True, "2026-07-10T00:00:00": True}


@pytest.mark.parametrize(("arrival", "taken"), ARRIVALS.items())
def test_an_arrival_of_today_or_yesterday_in_vietnam_is_told(arrival, taken):
    start = datetime.fromisoformat(arrival).replace(tzinfo=VIETNAM)
    for now in (datetime(2026, 7, 10, 0, 0, tzinfo=VIETNAM), datetime(2026, 7, 10, 23, 59, tzinfo=VIETNAM)):
        if start <= now:
            assert isinstance(plan(stay(start=start), None, terms=TERMS, now=now), Tell) is taken


def test_an_expected_guest_waits_until_the_arrival():
    assert plan(stay(), None, terms=TERMS, now=START - timedelta(hours=3)) == Wait(until=START)


moments = some.integers(0, 40 * 24).map(lambda hours: START + timedelta(hours=hours))
stays = some.builds(
    StayFacts,
    status=some.sampled_from(["open", "ended", "withdrawn", "disputed"]),
    start=some.just(START),
    who=some.sampled_from(["w", "x"]),
    planned_end=moments | some.none(),
    ended_at=moments | some.none(),
)


@given(changes=some.lists(some.tuples(stays, moments), min_size=1, max_size=6))
def test_whatever_happens_to_a_stay_telling_it_comes_to_rest(changes):
    known = None
    for facts, now in sorted(changes, key=lambda change: change[1]):
        for _ in range(4):
            step = plan(facts, known, terms=TERMS, now=now)
            if not isinstance(step, Tell):
                break
            assert step.operation != "arrival" or known is None  # nobody is declared twice
            known = step.telling
        assert not isinstance(step, Tell)


def test_terms_are_dated_and_say_where_they_are_from():
    assert [each.id for each in rule_sets("kbtt")] == ["kbtt-1.4"]
    assert all(each.source for each in rule_sets("kbtt"))
    assert terms_for("kbtt", START.replace(year=2000)) == rule_sets("kbtt")[0]


def test_pauses_double_up_to_the_longest_and_are_spread():
    patience = Patience(first_pause_seconds=4, longest_pause_seconds=30)
    seconds = [pause_after(attempt, terms=patience, fraction=1.0).total_seconds() for attempt in (1, 2, 3, 4, 99)]
    assert seconds == [4, 8, 16, 30, 30]
    assert pause_after(1, terms=patience, fraction=0.0).total_seconds() == 2


def test_a_line_shuts_after_failures_in_a_row_and_one_success_opens_it():
    patience, line = Patience(shut_after=2, shut_seconds=10, longest_shut_seconds=15), Line()
    for shut_for in (0, 10, 15, 15):
        line = line.after(failed=True, now=NOW, code="authority.unreachable", terms=patience)
        assert line.is_shut(NOW + timedelta(seconds=shut_for - 1)) is (shut_for > 0)
        assert not line.is_shut(NOW + timedelta(seconds=shut_for))
    assert line.after(failed=False, now=NOW, code=None, terms=patience) == Line()
