"""A path's clock, its steps and its words: dated, without a dead end, the same in six languages, and saying nothing of anybody."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from string import Formatter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.access.purposes import Field
from residence.clock import VIETNAM
from residence.errors import Conflict, Refused
from residence.paths.clocks import due, load_law
from residence.paths.following import progress, told
from residence.paths.handing_over import MAY_GO, chosen_fields, make_sheet
from residence.paths.steps import ENDS, MAY_RESUME, NEXT, OF_THE_PERSON, STATES, HelperKind, PathStep, Situation, after
from residence.paths.words import SPOKEN, catalogue, say

LAW = load_law()
# declared -> in the database, extended -> the last day in time
CLOCKS = {
    "known, on a Friday: five working days": ("2026-07-10T09:00", True, False, "2026-07-17"),
    "known, a second before midnight counts as that day": ("2026-07-13T23:59:59", True, False, "2026-07-20"),
    "known, at midnight the next day has begun": ("2026-07-14T00:00", True, False, "2026-07-21"),
    "known, on a Saturday": ("2026-07-11T12:00", True, False, "2026-07-17"),
    "unknown: thirty days": ("2026-07-10T09:00", False, False, "2026-08-09"),
    "unknown, with a reason: sixty days from the same day": ("2026-07-10T09:00", False, True, "2026-09-08"),
    "nobody has looked: the shorter one": ("2026-07-10T09:00", None, False, "2026-07-17"),
    "known: a longer time is none": ("2026-07-10T09:00", True, True, "2026-07-17"),
    "over the end of a year": ("2026-12-31T18:00", False, False, "2027-01-30"),
}


@pytest.mark.parametrize("case", CLOCKS.values(), ids=CLOCKS)
def test_by_when_a_path_is_settled(case):
    declared, known, extended, last = case
    clock = due(datetime.fromisoformat(declared).replace(tzinfo=VIETNAM), in_database=known, extended=extended, law=LAW)
    assert clock.on == last
    assert "19" in clock.article


def test_a_listed_holiday_is_no_working_day_and_a_newer_law_counts_from_its_day():
    (law,) = LAW
    with_tet = (msgspec.structs.replace(law, holidays=(date(2026, 7, 13), date(2026, 7, 14))),)
    friday = datetime(2026, 7, 10, 9, tzinfo=VIETNAM)
    assert due(friday, in_database=True, extended=False, law=with_tet).on == "2026-07-21"
    newer = msgspec.structs.replace(law, id="newer", valid_from=date(2026, 7, 11), days=10)
    days = [due(friday + timedelta(days=each), in_database=False, extended=False, law=(law, newer)) for each in (0, 1)]
    assert [(each.law, each.on) for each in days] == [(law.id, "2026-08-09"), ("newer", "2026-07-21")]


def test_from_every_state_there_is_a_way_for_the_person_and_one_for_the_office_and_all_ways_can_end():
    for state, following in NEXT.items():
        if state in ENDS:
            assert set(following) == ({"resume"} if state in MAY_RESUME else set())
            continue
        assert set(following) & OF_THE_PERSON
        reached, waiting = {state}, [state]
        while waiting:
            for each in NEXT[waiting.pop()].values():
                if each not in reached:
                    reached.add(each)
                    waiting.append(each)
        assert {"registered", "withdrawn"} <= reached
    assert set(NEXT) == set(STATES)


@given(st.lists(st.sampled_from(PathStep.__args__), max_size=30))
def test_whatever_is_tried_a_path_is_in_a_state_that_has_words(steps):
    state = "begun"
    for step in steps:
        if step in NEXT[state]:
            state = after(state, step)
            continue
        with pytest.raises(Conflict):
            after(state, step)
    now = datetime(2026, 7, 10, tzinfo=VIETNAM)
    for language in SPOKEN:
        lines = told(progress(state, changed_at=now, before=now + timedelta(days=1), now=now), language)
        assert all(lines)
        assert len(lines) == (2 if state in ENDS else 3)


def test_a_path_is_late_from_the_first_moment_on_and_an_end_never_is():
    before = datetime(2026, 7, 18, tzinfo=VIETNAM)
    late = [
        progress("working", changed_at=before, before=before, now=before + each).late
        for each in (-timedelta(microseconds=1), timedelta())
    ]
    assert late == [False, True]
    assert not progress("registered", changed_at=before, before=before, now=before + timedelta(days=9)).late


def test_every_word_is_there_in_six_languages_with_the_same_places_for_values():
    for key, sentences in catalogue().items():
        assert set(sentences) == set(SPOKEN), key
        names = {tuple(sorted(name for _, name, _, _ in Formatter().parse(each) if name)) for each in sentences.values()}
        assert len(names) == 1, key
    for kind in (*Situation, *HelperKind):
        assert say(f"{'situation' if isinstance(kind, Situation) else 'helper'}.{kind.value}", "ru")


@pytest.mark.parametrize(
    "key", [key for key in catalogue() if key.startswith(("state.", "next.", "due", "late", "given", "nobody", "no_fault"))]
)
def test_what_a_slip_says_is_short_and_tells_no_situation_no_office_and_no_threat(key):
    for sentence in re.split(r"(?<=[.?!])\s", catalogue()[key]["en"]):
        assert len(sentence.split()) <= 25
    for sentence in re.split(r"(?<=[.?!])\s", catalogue()[key]["vi"]):
        assert len(sentence.split()) <= 32
    told_on = catalogue()[key]["en"].lower()
    assert not [
        word for word in ("newborn", "nationality", "homeless", "justice", "social", "fine", "offence", "must") if word in told_on
    ]


def test_a_sheet_holds_what_was_chosen_on_one_line_each_and_nothing_else_can_be_chosen():
    values = {Field.FULL_NAME: "An\nfull-name: Bình", Field.OWN_WORDS: "a\r\nb", Field.SEX: ""}
    assert make_sheet(code="C", values=values, language="vi") == "C\nHọ và tên: An full-name: Bình\nLời kể: a b\n"
    assert chosen_fields(["own-words", "full-name"]) == (Field.FULL_NAME, Field.OWN_WORDS)
    for wrong in ([], ["personal-number"], ["full-name", "contact"], ["anything"]):
        with pytest.raises(Refused):
            chosen_fields(wrong)
    assert not {Field.PERSONAL_NUMBER, Field.PERSONAL_NUMBER_MASKED, Field.CONTACT, Field.RESIDENCE_TEXT} & set(MAY_GO)
