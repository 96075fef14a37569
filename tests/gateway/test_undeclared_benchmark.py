"""The invented neighbourhood and what the measure makes of it: the truth stays apart, and a rule that is broken shows in the figures."""

from collections import Counter

import msgspec
import pytest

from luutru.benchmarks import undeclared
from luutru.benchmarks.neighbourhood import AWAY, HABITS, people_of
from registry import tables


def test_the_same_seed_tells_the_same_fortnight():
    assert list(people_of(seed=3, people=50, premises=5)) == list(people_of(seed=3, people=50, premises=5))
    assert list(people_of(seed=3, people=50, premises=5)) != list(people_of(seed=4, people=50, premises=5))


def test_every_habit_occurs_and_only_who_declares_nothing_is_due():
    found = list(people_of(seed=5, people=2000, premises=20))
    assert {each.habit for each in found} == set(HABITS)
    due = Counter(each.habit for each in found if each.case_due)
    assert set(due) == {
        "undeclared",
        "undeclared, comes late",
        "undeclared, found at night",
        "overstays what was declared",
        "temporary residence lapsed",
    }


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory):
    people = list(people_of(seed=7, people=120, premises=undeclared.PREMISES))
    lived = undeclared.Fortnight(tmp_path_factory.mktemp("fortnight"), people)
    lived.live()
    yield lived
    lived.registry.close()


def test_a_case_is_about_who_is_due_and_about_nobody_our_outage_delayed(fortnight):
    table, due = {habit: undeclared.Tally() for habit in HABITS}, {}
    fortnight.count_into(table, due)
    wrong = {habit for habit, row in table.items() if row.cases and not due.get(habit)}
    assert wrong <= {"guest for three dinners"}  # who looks just like it, and whose host did not answer
    assert sum(row.cases for habit, row in table.items() if due.get(habit)) >= 10
    assert table["guest during our outage"].notices == 0


def test_residents_hear_nothing_whatever_their_papers(fortnight):
    told = {fortnight.people[each].habit for each in fortnight.told}
    assert not told & {
        "resident",
        "resident under an old number",
        "resident who shows a passport",
        "child of a resident",
        "guest",
    }


def test_the_outages_were_written_down_as_they_were(fortnight):
    with fortnight.registry.registry.reading() as connection:
        rows = connection.execute(tables.outages.select()).all()
    ours = [row for row in rows if row.cause == "gateway_down"]
    assert [(row.began_at, row.ended_at) for row in ours] == [AWAY]
    assert {row.premises_id for row in rows if row.cause == "kiosk_offline"} == {f"rnt-{each:03d}" for each in range(0, 60, 5)}


def test_comparing_lists_wrongs_many_more(fortnight):
    wronged = [each for each in fortnight.lists if not fortnight.people[each].case_due]
    assert len(wronged) > 10


def test_shares_are_counted_by_truth():
    table = {"good": undeclared.Tally(people=10, cases=1), "bad": undeclared.Tally(people=5, cases=3)}
    precision, recall, *_ = undeclared._shares(table, {"good": False, "bad": True}, "cases")
    assert (precision, recall) == (0.75, 0.6)
    assert msgspec.structs.asdict(table["bad"])["cases"] == 3
