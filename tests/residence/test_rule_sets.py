"""The dated rules themselves: no gap, no overlap, a source for each, and the right figures on both sides of a change."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from residence.clock import parse_instant
from residence.errors import Refused
from residence.stays.rules import load_rule_book

RULES = load_rule_book()


@pytest.mark.parametrize("dated", [RULES.sets, RULES.fines, RULES.temporary], ids=["rule sets", "fines", "temporary residence"])
def test_dated_rules_follow_each_other_without_gap_or_overlap(dated):
    for earlier, later in pairwise(dated):
        assert earlier.valid_to + timedelta(days=1) == later.valid_from
    assert dated[-1].valid_to is None
    assert len({each.id for each in dated}) == len(dated)


@pytest.mark.parametrize("each", [*RULES.sets, *RULES.fines, *RULES.temporary], ids=lambda each: each.id)
def test_every_set_names_its_article_and_how_sure_it_is(each):
    assert each.article
    assert len(each.source) > 20


def test_what_changed_on_1_july_2026():
    old, new = (RULES.rule_set_for(parse_instant(f"{day}T12:00:00+07:00")) for day in ("2026-06-30", "2026-07-01"))
    assert set(new.required_fields) - set(old.required_fields) == {"birth_date"}
    assert set(old.accepted_ids) - set(new.accepted_ids) == {"cmnd"}
    assert set(new.duty_holders) - set(old.duty_holders) == {"transport-owner-or-manager", "other-lodging-facility"}
    assert (old.relatives_once, new.relatives_once) == (True, False)
    assert (old.trigger, new.trigger) == ("comes to stay", "stays overnight")
    assert (
        (old.cutoff_hour, old.late_deadline_hour, old.max_days)
        == (new.cutoff_hour, new.late_deadline_hour, new.max_days)
        == (23, 8, 30)
    )


@pytest.mark.parametrize(
    ("at", "unnotified", "expected"),
    [
        ("2025-12-14T12:00:00+07:00", 1, (1_000_000, 2_000_000)),
        ("2025-12-15T00:00:00+07:00", 0, None),
        ("2025-12-15T00:00:00+07:00", 1, (2_000_000, 4_000_000)),
        ("2026-07-10T12:00:00+07:00", 3, (2_000_000, 4_000_000)),
        ("2026-07-10T12:00:00+07:00", 4, (4_000_000, 8_000_000)),
        ("2026-07-10T12:00:00+07:00", 8, (4_000_000, 8_000_000)),
        ("2026-07-10T12:00:00+07:00", 9, (8_000_000, 12_000_000)),
        ("2026-07-10T12:00:00+07:00", 900, (8_000_000, 12_000_000)),
    ],
)
def test_the_count_of_unnotified_guests_sets_the_band(at, unnotified, expected):
    fines = RULES.fines_for(parse_instant(at))
    band = fines.band_for(unnotified)
    assert (band and (band.vnd_from, band.vnd_to)) == expected


@pytest.mark.parametrize("day", ["2021-07-01", "2026-06-30", "2026-07-01", "2027-01-01"])
def test_where_a_stay_ends_temporary_residence_begins(day):
    stays, temporary = RULES.rule_set_for(parse_instant(f"{day}T12:00:00+07:00")), RULES.temporary_for(date.fromisoformat(day))
    assert stays.max_days == temporary.from_days
    assert (temporary.max_months, temporary.renewal_window_days) == (24, 15)
    assert temporary.move_out_told_by == (("landlord",) if day >= "2026-07-01" else ())


def test_before_the_first_set_nothing_is_judged():
    with pytest.raises(Refused) as refusal:
        RULES.rule_set_for(parse_instant("2020-01-01T00:00:00Z"))
    assert refusal.value.code == "rules.none_for_date"
    assert RULES.fines_for(parse_instant("2020-01-01T00:00:00Z")) is None
    with pytest.raises(Refused, match=r"rules\.none_for_date"):
        RULES.temporary_for(date(2021, 6, 30))


def test_a_commune_can_decide_an_open_question_and_nothing_else_changes():
    chosen = RULES.with_choices(relatives_once=True, after_midnight_policy="night_before")
    assert all(each.relatives_once and each.after_midnight_policy == "night_before" for each in chosen.sets)
    assert [each.id for each in chosen.sets] == ["stay-2021-07-01+night-before", "stay-2026-07-01+night-before+relatives-once"]
    assert RULES.with_choices(cutoff_inclusive=True) == RULES
    assert chosen.with_choices(after_midnight_policy="night_before") == chosen
    with pytest.raises(Exception, match="after_midnight_policy"):
        RULES.with_choices(after_midnight_policy="whenever")
