"""Which looks are asked about: what each rule asks, what it leaves alone, what is never asked twice; and the numbers as the page says them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luutru.benchmarks.fishing import run
from residence.access.fishing import OfficersLook, Question, Ties, questions
from residence.access.look_rules import BOUNDS, LookRules, changed
from residence.access.purposes import Purpose
from residence.errors import Refused

MORNING = datetime(2026, 7, 6, 2, tzinfo=UTC)  # a Monday, nine o'clock in Vietnam
NIGHT = datetime(2026, 7, 6, 17, tzinfo=UTC)  # midnight
LATER = MORNING + timedelta(days=20)
TIES = {"me": Ties(own=frozenset({"myself"}), kin=frozenset({"mother"}), places=frozenset({"my-house"}))}


def look(number: int, at: datetime = MORNING, *, done: timedelta | None = None, **changes) -> OfficersLook:
    """Return a look at a stranger somewhere, by default without a step."""
    made = OfficersLook(
        access_id=f"look-{number}", account_id="me", at=at, person_id=f"person-{number}", about=f"case-{number}",
        purpose=Purpose.UNDECLARED_CASE.value, premises_id=f"house-{number}", steps=() if done is None else (at + done,),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def ask(looks, **options) -> list[Question]:
    return questions(looks, TIES, rules=LookRules(), **{"now": LATER} | options)


def asked(looks, **options) -> list[tuple[str, int]]:
    return [(each.rule, len(each.access_ids)) for each in ask(looks, **options)]


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CASES = {
    "at oneself, even with a step": ([look(1, person_id="myself", done=HOUR)], [("self", 1)]),
    "at a relative": ([look(1, person_id="mother")], [("relative", 1)]),
    "at somebody of an own address": ([look(1, premises_id="my-house", done=HOUR)], [("neighbour", 1)]),
    "at a relative at home: once, as a relative": ([look(1, person_id="mother", premises_id="my-house")], [("relative", 1)]),
    "six of one house without a step": ([look(n, premises_id="block") for n in range(6)], [("one-address", 6)]),
    "five of one house": ([look(n, premises_id="block") for n in range(5)], []),
    "six of one house, one with a step": ([look(n, premises_id="block", done=HOUR if n == 3 else None) for n in range(6)], []),
    "one person of a house six times a day": ([look(1, MORNING + n * HOUR, access_id=f"again-{n}") for n in range(6)], []),
    "six of one house in six weeks": ([look(n, MORNING + n * 7 * DAY - 20 * DAY, premises_id="block") for n in range(6)], []),
    "four of one house on the last day of a time that an earlier look began, and four on the next": (
        [look(n, MORNING + (0 if n == 0 else 6 if n < 5 else 7) * DAY - 20 * DAY, premises_id="block") for n in range(9)],
        [("one-address", 8)],
    ),
    "eight without a step": ([look(n) for n in range(8)], [("no-step", 8)]),
    "eight without a step among thirty": ([look(n, done=HOUR if n >= 8 else None) for n in range(30)], []),
    "eight with a step too late": ([look(n, done=73 * HOUR) for n in range(8)], [("no-step", 8)]),
    "eight numbers of people who came with a paper": ([look(n, purpose=Purpose.NUMBER_CHANGE.value) for n in range(8)], []),
    "four at night without a step": ([look(n, NIGHT + n * HOUR) for n in range(4)], [("off-hours", 4)]),
    "four at night, written down in the morning": ([look(n, NIGHT, done=8 * HOUR) for n in range(4)], []),
    "four at night, written down in the afternoon": ([look(n, NIGHT, done=14 * HOUR) for n in range(4)], [("off-hours", 4)]),
    "four at night among twenty that were followed": ([look(n, NIGHT, done=HOUR if n >= 4 else None) for n in range(20)], []),
    "three at night": ([look(n, NIGHT) for n in range(3)], []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_asks_about(case: str) -> None:
    looks, expected = CASES[case]
    assert asked(looks) == expected


def test_nothing_is_asked_before_the_time_for_a_step_is_over() -> None:
    looks = [look(n) for n in range(8)]
    assert asked(looks, now=MORNING + timedelta(hours=71)) == []
    assert asked(looks, now=MORNING + timedelta(hours=72)) == [("no-step", 8)]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 400), st.sampled_from(["a", "b", "my-house"])), max_size=60))
def test_what_was_asked_about_is_not_asked_about_again_and_no_look_is_in_two_questions_of_a_rule(drawn) -> None:
    looks = [
        look(n, MORNING + hours * HOUR, person_id=f"person-{who}", premises_id=where)
        for n, (who, hours, where) in enumerate(drawn)
    ]
    first = ask(looks)
    known: dict[str, frozenset[str]] = {}
    for each in first:
        assert not known.get(each.rule, frozenset()) & set(each.access_ids)
        known[each.rule] = known.get(each.rule, frozenset()) | set(each.access_ids)
    assert {(each.account_id, len(set(each.access_ids)) == len(each.access_ids)) for each in first} <= {("me", True)}
    tied = ("self", "relative", "neighbour")
    assert [each for each in ask(looks, asked=known) if each.rule in tied] == []
    again = {(each.rule, access_id) for each in ask(looks, asked=known) for access_id in each.access_ids}
    assert not again & {(rule, access_id) for rule, ids in known.items() for access_id in ids}


def test_a_number_out_of_its_bounds_is_refused_and_one_within_counts() -> None:
    for name, (least, most) in BOUNDS.items():
        assert least <= getattr(LookRules(), name) <= most
        for wrong in (least - 1, most + 1):
            with pytest.raises(Refused) as refused:
                changed(LookRules(), {name: wrong})
            assert refused.value.pointer == f"/{name}"
    with pytest.raises(Refused):
        changed(LookRules(), {"nothing": 1})
    assert asked_by(changed(LookRules(), {"address_people": 3})) == ["one-address"]


def asked_by(rules: LookRules) -> list[str]:
    looks = [look(n, premises_id="block") for n in range(3)]
    return [each.rule for each in questions(looks, TIES, rules=rules, now=LATER)]


def test_the_page_says_the_numbers_and_bounds_that_count() -> None:
    page = (Path(__file__).parents[2] / "docs" / "looks.md").read_text("utf-8")
    told = {
        name: tuple(map(int, rest))
        for name, *rest in re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    }
    assert told == {name: (getattr(LookRules(), name), *bounds) for name, bounds in BOUNDS.items()}


def test_on_an_invented_quarter_most_of_what_is_asked_was_planted_and_it_beats_asking_the_busiest() -> None:
    result = run(quick=True)
    right = sum(result.figures[rule]["asked"] * result.figures[rule]["precision"] for rule in ("self", "relative", "neighbour", "one-address", "no-step", "off-hours"))  # fmt: skip
    assert right / result.figures["questions"] > 2 * result.baselines["busiest_week_precision"]
    assert result.figures["self"]["recall"] == result.figures["neighbour"]["recall"] == 1.0
    assert result.figures["relative"]["recall"] < 1.0  # those the register does not know
