"""Work queues are data: what stands where follows from state, urgency and holder; work is shared evenly and nobody decides their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.cases.distribution import distribute
from residence.cases.queues import Filter, QueuedCase, passes, read_filter, read_queues, stands_in
from residence.cases.transitions import CLOSED, CaseStatus
from residence.cases.triage import Urgency
from residence.errors import Malformed
from server.police.queue_file import default_queues

NOW = datetime(2026, 7, 11, 1, 10, tzinfo=UTC)
QUEUES = {each.name: each for each in default_queues()}
SAID = '{ vi = "a", en = "b" }'
ONE = f"[[queue]]\nname = 'x'\nstates = ['open']\ncolumns = ['place']\ncall = 'open-next'\ntitle = {SAID}\nabout = {SAID}\nempty = {SAID}\n"


def case(**changes):
    known = {"state": CaseStatus.OPEN, "rule": "night_check", "premises_id": "blk", "urgency": Urgency.NOW, "holder": None}
    return QueuedCase(**(known | changes))


def where(item):
    return {name for name, queue in QUEUES.items() if stands_in(queue, item, me="me", now=NOW)}


@pytest.mark.parametrize(
    ("changes", "queues"),
    [
        ({}, {"now", "free", "all"}),
        ({"urgency": Urgency.IN_TURN}, {"free", "all"}),
        ({"holder": "me"}, {"now", "mine", "all"}),
        ({"holder": "another", "urgency": Urgency.SOON}, {"all"}),
        ({"state": CaseStatus.ASKED, "holder": "me", "urgency": Urgency.WAITING}, {"mine", "asked", "all"}),
        ({"state": CaseStatus.CLAIMED, "holder": "me", "held_until": NOW + timedelta(hours=1)}, {"held"}),
        ({"state": CaseStatus.CLAIMED, "holder": "me", "held_until": NOW - timedelta(hours=1)}, {"now", "mine", "all"}),
        ({"state": CaseStatus.CLOSED_EXPLAINED, "urgency": Urgency.DONE}, {"closed"}),
        ({"state": CaseStatus.CLOSED_EXPLAINED, "urgency": Urgency.DONE, "held_until": NOW + timedelta(hours=1)}, {"closed"}),
    ],
)
def test_a_case_stands_in_the_queues_its_state_urgency_and_holder_ask_for(changes, queues):
    assert where(case(**changes)) == queues


def test_no_case_is_in_no_queue():
    for state, urgency, holder, held in product(
        CaseStatus, Urgency, (None, "me", "another"), (None, NOW - timedelta(1), NOW + timedelta(1))
    ):
        assert where(case(state=state, urgency=urgency, holder=holder, held_until=held)), (state, urgency, holder, held)


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ({}, True),
        ({"rule": "night_check", "place": "blk", "urgency": "NOW", "whose": "nobody"}, True),
        ({"rule": "late_entries"}, False),
        ({"urgency": "SOON"}, False),
        ({"place": "htl"}, False),
        ({"whose": "mine"}, False),
        ({"whose": "others"}, False),
    ],
)
def test_a_filter_passes_what_it_asks_for(asked, holds):
    assert passes(read_filter(asked), case(), me="me") is holds


def test_a_filter_is_the_same_when_read_back_from_its_address():
    from urllib.parse import parse_qsl

    asked = Filter(rule="night_check", place="nhà số 1 & 2", whose="mine")
    assert read_filter(dict(parse_qsl(asked.written))) == asked
    assert read_filter({"rule": " ", "csrf": "x", "page": "2"}) == Filter()


@pytest.mark.parametrize("asked", [{"rule": "looks_odd"}, {"urgency": "DONE_"}, {"whose": "my neighbour's"}])
def test_a_filter_nobody_offers_is_refused(asked):
    with pytest.raises(Malformed) as refused:
        read_filter(asked)
    assert refused.value.code == "queue.filter"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "queue.setting"),
        ("queue = []", "queue.names"),
        ("queue = [", "queue.not_toml"),
        (ONE + ONE, "queue.names"),
        (ONE + "score = 3\n", "queue.setting"),
        (ONE.replace("place", "nationality"), "queue.setting"),
        (ONE.replace("['open']", "['open', 'closed-action']"), "queue.states"),
        (ONE.replace(', en = "b"', ""), "queue.setting"),
    ],
)
def test_a_file_of_queues_that_cannot_be_meant_is_refused_with_its_code(text, code):
    with pytest.raises(Malformed) as refused:
        read_queues(text.encode())
    assert refused.value.code == code


def test_a_file_of_ones_own_is_read_in_its_order():
    assert [each.name for each in read_queues((ONE + ONE.replace("'x'", "'y'")).encode())] == ["x", "y"]
    assert not any(set(each.states) & CLOSED for each in read_queues(ONE.encode()))


PEOPLE = st.sampled_from(["an", "binh", "chi", "dung"])
LOADS = st.dictionaries(PEOPLE, st.integers(0, 30), min_size=1)
CASES = st.lists(st.uuids().map(str), max_size=40, unique=True)


@given(waiting=CASES, load=LOADS, data=st.data())
def test_nobody_is_given_what_they_are_barred_from_and_nothing_lies_that_somebody_could_take(waiting, load, data):
    barred = {each: data.draw(st.frozensets(PEOPLE)) for each in waiting}
    given_to = distribute(waiting, load=load, barred=barred)
    assert set(given_to) == set(waiting)
    for each, to in given_to.items():
        free = set(load) - barred[each]
        assert to in free if free else to is None


@given(waiting=CASES, load=LOADS)
def test_where_nobody_is_barred_the_loads_come_as_near_as_they_can(waiting, load):
    given_to = distribute(waiting, load=load, barred={})
    after = {each: has + sum(to == each for to in given_to.values()) for each, has in load.items()}
    for each, has in after.items():
        assert has <= max(load[each], min(after.values()) + 1)
