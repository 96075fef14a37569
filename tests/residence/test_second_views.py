"""Second views: what a draw is, what two views come to, how far they agree, and which counts may be published."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.cases.agreement import agreement, agreement_about, kappa, wilson
from residence.cases.second_views import CANNOT_TELL, Closure, Result, draw_holds, draw_text, drawn, result_of
from residence.cases.small_cells import parts

CODES = ("visitor", "declared", "procedure")
closures = st.lists(
    st.builds(
        Closure, event_id=st.uuids().map(str), case_id=st.just("c"), code=st.sampled_from(CODES), closed_by=st.sampled_from("ab")
    ),
    max_size=40,
    unique_by=lambda each: each.event_id,
).map(sorted)


def strata(found):
    return Counter((each.code, each.closed_by) for each in found)


@given(closures, st.binary(min_size=32, max_size=32), st.integers(0, 100))
def test_each_stratum_gives_its_share_and_the_same_seed_the_same_draw(found, seed, percent):
    chosen = drawn(found, seed=seed, percent=percent)
    assert chosen == drawn(reversed(found), seed=seed, percent=percent)
    many, all_of = strata(chosen), strata(found)
    assert set(chosen) <= set(found)
    assert all(0 <= many[each] - all_of[each] * percent // 100 <= (all_of[each] * percent % 100 > 0) for each in all_of)
    text = draw_text(found, chosen, seed=seed, percent=percent, salt="x", where="demo-01")
    assert draw_holds(text)
    assert not draw_holds(text + b"drawn another\n")
    assert not chosen or not draw_holds(text.replace(f"drawn {chosen[0].event_id}\n".encode(), b""))


def test_over_many_nights_every_closure_has_the_same_chance_also_a_rare_one():
    found = sorted(
        [Closure(event_id=f"e{n:02}", case_id="c", code="visitor", closed_by="a") for n in range(13)]
        + [Closure(event_id="rare", case_id="c", code="procedure", closed_by="b")]
    )
    nights = 2000
    times = Counter(each.event_id for n in range(nights) for each in drawn(found, seed=n.to_bytes(32, "big"), percent=20))
    assert all(abs(times[each.event_id] / nights - 0.2) < 0.04 for each in found)


# closed as, what the second saw, what the third saw -> what it comes to
SEEN = [
    ("visitor", "visitor", None, Result.SAME),
    ("visitor", None, None, Result.WAITS),
    ("visitor", "declared", None, Result.WAITS),
    ("visitor", CANNOT_TELL, "visitor", Result.UPHELD),
    ("visitor", "declared", "moved-on", Result.OTHERWISE),
]


@pytest.mark.parametrize(("closed", "second", "third", "comes_to"), SEEN)
def test_two_settle_it_and_else_a_third(closed, second, third, comes_to):
    assert result_of(closed, second=second, third=third) is comes_to


def test_kappa_is_that_of_the_textbook_and_its_interval_that_of_the_paper():
    """Cohen's 1960 table as Fleiss, Cohen and Everitt worked it out in 1969: kappa 0.429, standard error 0.054 (their example 1)."""
    shares = {
        ("a", "a"): 53,
        ("a", "b"): 5,
        ("a", "c"): 2,
        ("b", "a"): 11,
        ("b", "b"): 14,
        ("b", "c"): 5,
        ("c", "a"): 1,
        ("c", "b"): 6,
        ("c", "c"): 3,
    }
    found = kappa([pair for pair, many in shares.items() for _ in range(2 * many)])
    assert found.value == 0.429
    assert found.most - found.value == pytest.approx(1.96 * 0.054, abs=0.002)


def test_where_all_is_one_code_kappa_says_nothing_and_raw_agreement_does():
    found = agreement([("visitor", "visitor")] * 12)
    assert (found.kappa, found.raw.value, found.raw.least) == (None, 1.0, 0.758)
    assert agreement([]) == agreement_about("visitor", [])
    assert wilson(0, 0) is None
    of_one = agreement_about("visitor", [("visitor", "visitor"), ("visitor", "declared"), ("declared", "declared")])
    assert (of_one.pairs, of_one.same, of_one.kappa.value) == (2, 1, 0.4)


@pytest.mark.parametrize(("least", "highest", "many"), [(3, 12, 3), (5, 14, 3), (3, 8, 4)])
def test_nobody_works_out_a_count_that_is_left_out_not_even_knowing_how_it_is_done(least, highest, many):
    """Every table there is, by what is published of it: each count left out could be another."""
    published, with_total = defaultdict(list), defaultdict(list)
    for counts in product(range(highest + 1), repeat=many):
        said = parts({str(place): count for place, count in enumerate(counts)}, least=least)
        assert not [each for each in said.counts.values() if each is not None and 0 < each < least]
        published[said.total, *said.counts.values()].append(counts)
        with_total[sum(counts), *said.counts.values()].append(counts)  # whoever learned the total elsewhere
    told = [
        (said, tables)
        for said, tables in [*published.items(), *with_total.items()]
        if max(map(max, tables)) < highest  # beyond it there are tables that were not tried
        and any(each is None and len({one[place] for one in tables}) == 1 for place, each in enumerate(said[1:]))
    ]
    assert told == []
