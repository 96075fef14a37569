"""Who is overdue, what follows, and every innocent explanation that must hold somebody's name off the list."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.cases.covering import is_covered
from residence.cases.late import Kept, punctuality
from residence.cases.outages import Outage
from residence.cases.undeclared import Patience, PremisesState, SentNotice, Sighting, find_undeclared
from residence.clock import parse_instant
from residence.places.premises import Premises, PremisesKind
from residence.stays.deadlines import deadline
from residence.stays.known import KnownResidence, KnownStay
from residence.stays.rules import load_rule_book

RULES = load_rule_book()
PLACE = Premises(premises_id="blk", kind=PremisesKind.APARTMENT_BLOCK, commune_code="demo-01", name="Chung cư Hòa Bình")


def at(text):
    return parse_instant(f"2026-07-{text}:00+07:00")


def seen(when, kind="entry", *, who="p1", number=1, **changes):
    return Sighting(
        **{"presence_id": f"s{number}", "who": who, "premises_id": "blk", "kind": kind, "seen_at": at(when), **changes}
    )


def stay(start, end=None, **changes):
    return KnownStay(
        **{
            "stay_id": "t1",
            "person_id": "p1",
            "premises_id": "blk",
            "start": at(start).isoformat(),
            "planned_end": at(end).isoformat() if end else None,
            **changes,
        }
    )


def long_stay(start, **changes):
    whole = {"stay_id": "t1", "person_id": "p1", "premises_id": "blk", "start": start, "planned_end": "2036-01-01T00:00:00Z"}
    return KnownStay(**{**whole, **changes})


def notice(when, answered=None):
    return SentNotice(
        notice_id="n1", who="p1", premises_id="blk", sent_at=at(when), answered_at=at(answered) if answered else None
    )


def uncovered(sightings, stays=(), residences=()):
    """Leave out what a stay or residence explains, as the registry does before a sighting becomes a row."""
    return tuple(
        each
        for each in sightings
        if not is_covered(
            each.seen_at,
            each.premises_id,
            person=each.person,
            stays=[stay for stay in stays if stay.person_id == each.who],
            residences=[home for home in residences if home.person_id == each.who],
            rules=RULES,
        )
    )


def find(now, *sightings, **parts):
    silent, outages = parts.pop("silent_since", None), parts.pop("outages", ())
    known = {name: parts.pop(name, ()) for name in ("stays", "residences")}
    return find_undeclared(
        uncovered(sightings, **known),
        **{
            "notices": (),
            "premises": {"blk": PremisesState(premises=PLACE, silent_since=at(silent) if silent else None, outages=outages)},
            "rules": RULES,
            "now": at(now),
            **parts,
        },
    )


EVENING = seen("10T21:00")
NIGHT = seen("11T02:00", "night_check", number=2)
NEXT_EVENINGS = tuple(seen(f"{day}T19:00", number=day) for day in (11, 12))
NEXT_LATE = seen("11T22:30", number=2)
GATEWAY_AWAY = Outage(cause="gateway_down", began_at=at("10T22:40"), ended_at=at("11T02:00"))
SUNDAYS = (seen("05T10:00", number=1), seen("12T10:00", number=2))
SENT = {"notices": (notice("10T23:01"),)}
# name -> (now, sightings, surroundings, (step, rule) or None)
TABLE = {
    "before the deadline nothing is said": ("10T22:59", (EVENING,), {}, None),
    "at the deadline a notice goes out": ("10T23:00", (EVENING,), {}, ("notice", "seen_past_deadline")),
    "an entry alone stays a notice": ("10T23:30", (EVENING,), SENT, None),
    "a night check without a notice is a notice first": ("11T09:00", (EVENING, NIGHT), {}, ("notice", "night_check")),
    "a night check is no case while the notice may still be answered": ("11T23:00", (EVENING, NIGHT), SENT, None),
    "a night check after a notice nobody answered in time is a case": (
        "11T23:01",
        (EVENING, NIGHT),
        SENT,
        ("case", "night_check"),
    ),
    "who comes on two evenings is a visitor": ("12T00:30", (EVENING, NEXT_EVENINGS[0]), SENT, None),
    "who comes on three evenings, the notice unanswered, is a case": (
        "12T23:01",
        (EVENING, *NEXT_EVENINGS),
        SENT,
        ("case", "evening_entries"),
    ),
    "who comes late on two nights is a case": (
        "11T23:01",
        (seen("10T22:50"), NEXT_LATE),
        {"notices": (notice("10T23:00"),)},
        ("case", "late_entries"),
    ),
    "coming twice in one night is one night": (
        "12T10:00",
        (seen("10T22:50"), seen("11T01:30", number=2), seen("11T04:59", number=3)),
        {"notices": (notice("10T23:00"),)},
        None,
    ),
    "an evening nobody was seen on is forgiven": (
        "14T10:00",
        (EVENING, NEXT_EVENINGS[0], seen("13T19:00", number=13)),
        SENT,
        ("case", "evening_entries"),
    ),
    "who teaches three times a week is none": (
        "18T10:00",
        tuple(seen(f"{day}T18:00", number=day) for day in (13, 15, 17)),
        {"notices": (notice("13T23:01"),)},
        None,
    ),
    "an afternoon is no evening": (
        "14T10:00",
        tuple(seen(f"{day}T15:59", number=day) for day in (10, 11, 12, 13)),
        SENT,
        None,
    ),
    "who came no more after the notice is none": (
        "14T23:01",
        (seen("08T19:00", number=1), seen("09T19:00", number=2), seen("10T19:00", number=3)),
        {"notices": (notice("10T23:00"),)},
        None,
    ),
    "who cleans every morning is none": (
        "14T09:00",
        tuple(seen(f"{day}T08:00", number=day) for day in range(10, 15)),
        {"notices": (notice("10T23:01"),)},
        None,
    ),
    "an outage of ours before the deadline lets no notice out": ("11T09:00", (EVENING,), {"outages": (GATEWAY_AWAY,)}, None),
    "until it is over and the grace with it": (
        "12T14:00",
        (EVENING,),
        {"outages": (GATEWAY_AWAY,)},
        ("notice", "seen_past_deadline"),
    ),
    "what was seen until then makes no case": (
        "14T20:00",
        (EVENING, NIGHT, seen("11T19:00", number=3), seen("12T13:59", "night_check", number=4)),
        {"outages": (GATEWAY_AWAY,), "notices": (notice("12T14:00"),)},
        None,
    ),
    "what is seen after it does": (
        "14T20:00",
        (EVENING, NIGHT, seen("11T19:00", number=3), seen("13T02:00", "night_check", number=4)),
        {"outages": (GATEWAY_AWAY,), "notices": (notice("12T14:00"),)},
        ("case", "night_check"),
    ),
    "an outage after the deadline holds nothing off": (
        "11T09:00",
        (EVENING,),
        {"outages": (Outage(cause="kiosk_offline", began_at=at("10T23:00"), ended_at=at("11T08:00")),)},
        ("notice", "seen_past_deadline"),
    ),
    "an outage before anybody was seen holds nothing off": (
        "10T23:30",
        (EVENING,),
        {"outages": (Outage(cause="kiosk_offline", began_at=at("10T12:00"), ended_at=at("10T20:59")),)},
        ("notice", "seen_past_deadline"),
    ),
    "an outage within the grace of another lengthens it": (
        "12T15:00",
        (EVENING,),
        {"outages": (GATEWAY_AWAY, Outage(cause="gateway_down", began_at=at("11T10:00"), ended_at=at("11T12:00")))},
        None,
    ),
    "seen twice before the deadline is not": ("10T23:30", (EVENING, seen("10T22:00", number=2)), SENT, None),
    "a notice nobody answers is no case by itself: silence is no evidence": ("15T23:01", (EVENING,), SENT, None),
    "an answered notice ends it": ("13T23:00", (EVENING, NIGHT), {"notices": (notice("10T23:01", "11T08:00"),)}, None),
    "a night check after the answer opens it again": (
        "12T03:00",
        (EVENING, seen("12T02:00", "night_check", number=2)),
        {"notices": (notice("10T23:01", "11T08:00"),)},
        ("case", "night_check"),
    ),
    "a declared stay covers": ("11T09:00", (EVENING, NIGHT), {"stays": (stay("10T20:00", "12T12:00"),)}, None),
    "a stay declared for a later hour than the door saw covers": (
        "11T09:00",
        (EVENING, NIGHT),
        {"stays": (stay("10T23:30", "12T12:00"),)},
        None,
    ),
    "a stay in another unit of the premises covers": ("11T09:00", (EVENING,), {"stays": (stay("10T20:00", unit="9"),)}, None),
    "a disputed stay covers": ("11T09:00", (EVENING,), {"stays": (stay("10T20:00", status="disputed"),)}, None),
    "a withdrawn stay covers nothing": (
        "11T09:00",
        (EVENING,),
        {"stays": (stay("10T20:00", status="withdrawn"),)},
        ("notice", "seen_past_deadline"),
    ),
    "a stay of last week covers nothing": (
        "11T09:00",
        (EVENING,),
        {"stays": (stay("01T20:00", "03T12:00"),)},
        ("notice", "seen_past_deadline"),
    ),
    "a stay said to last for years covers no longer than thirty days": (
        "10T23:30",
        (EVENING,),
        {"stays": (long_stay("2026-06-10T20:59:59+07:00"),)},
        ("notice", "seen_past_deadline"),
    ),
    "and covers to the end of them": ("10T23:30", (EVENING,), {"stays": (long_stay("2026-06-10T21:00:00+07:00"),)}, None),
    "a stay that ended years ahead is no better": (
        "10T23:30",
        (EVENING,),
        {"stays": (long_stay("2026-06-10T20:59:59+07:00", ended_at="2036-01-01T00:00:00Z", status="ended"),)},
        ("notice", "seen_past_deadline"),
    ),
    "a stay without an end covers for thirty days": (
        "10T23:30",
        (EVENING,),
        {"stays": (long_stay("2026-06-10T20:59:59+07:00", planned_end=None),)},
        ("notice", "seen_past_deadline"),
    ),
    "a foreigner's stay covers as long as it was stated": (
        "11T23:30",
        (seen("10T21:00", person="foreigner"),),
        {"stays": (long_stay("2026-05-01T12:00:00+07:00"),)},
        None,
    ),
    "a foreigner's stay without an end does not cover for ever": (
        "11T23:30",
        (seen("10T21:00", person="foreigner"),),
        {"stays": (long_stay("2026-05-01T12:00:00+07:00", planned_end=None),)},
        ("notice", "seen_past_deadline"),
    ),
    "a registered residence covers": (
        "11T09:00",
        (EVENING, NIGHT),
        {"residences": (KnownResidence(person_id="p1", premises_id="blk", kind="permanent", valid_from="2020-01-01"),)},
        None,
    ),
    "a residence that ended covers nothing": (
        "11T09:00",
        (EVENING,),
        {
            "residences": (
                KnownResidence(
                    person_id="p1", premises_id="blk", kind="temporary", valid_from="2020-01-01", valid_to="2026-07-09"
                ),
            )
        },
        ("notice", "seen_past_deadline"),
    ),
    "somebody who comes every Sunday is no case": (
        "12T23:30",
        SUNDAYS,
        {"notices": (notice("05T23:01"),)},
        ("notice", "seen_past_deadline"),
    ),
    "a kiosk that cannot deliver holds everything off": ("11T09:00", (EVENING, NIGHT), {"silent_since": "10T20:00"}, None),
    "a kiosk that fell silent after the deadline holds nothing off": (
        "11T09:00",
        (EVENING,),
        {"silent_since": "11T08:00"},
        ("notice", "seen_past_deadline"),
    ),
    "a long silence lets a notice out, never a case": (
        "14T09:00",
        (EVENING, NIGHT),
        {"silent_since": "10T20:00"},
        ("notice", "night_check"),
    ),
    "not even with a notice sent": ("14T09:00", (EVENING, NIGHT), {"silent_since": "10T20:00", **SENT}, None),
    "premises nobody knows are left out": ("11T09:00", (seen("10T21:00", premises_id="other"),), {}, None),
    "a foreigner has twelve hours": ("11T08:59", (seen("10T21:00", person="foreigner"),), {}, None),
}


@pytest.mark.parametrize("case", TABLE.values(), ids=TABLE.keys())
def test_step(case):
    now, sightings, surroundings, expected = case
    found = find(now, *sightings, **surroundings)
    assert [(each.step, each.rule) for each in found] == ([expected] if expected else [])


def test_a_result_carries_its_rule_its_article_and_what_was_tried():
    (found,) = find("11T23:10", EVENING, NIGHT, **SENT)
    assert found.rule_set == "stay-2026-07-01"
    assert "30" in found.article
    assert found.due == at("10T23:00")
    assert found.presence_ids == ("s1", "s2")
    assert found.notice_id == "n1"
    assert set(found.explanations_tried) >= {
        "stay_here",
        "resident_here",
        "stay_pending",
        "visitor",
        "child_of_declared",
        "name_form",
    }


def test_patience_is_a_setting():
    hasty = Patience(unanswered_after=timedelta(hours=1), answer_within=timedelta(minutes=30))
    assert find("11T00:02", EVENING, **SENT, patience=hasty)[0].rule == "notice_unanswered"


moments = st.integers(0, 5 * 24).map(lambda hour: at("10T00:00") + timedelta(hours=hour))
sightings = st.lists(
    st.builds(
        Sighting,
        presence_id=st.uuids().map(str),
        who=st.sampled_from(["p1", "p2"]),
        premises_id=st.just("blk"),
        kind=st.sampled_from(["entry", "night_check"]),
        seen_at=moments,
        person=st.just("citizen"),
    ),
    max_size=8,
)


def judge(found, now, **parts):
    state = {"blk": PremisesState(premises=PLACE)}
    return find_undeclared(tuple(found), **{"notices": (), "premises": state, "rules": RULES, "now": now, **parts})


@given(sightings, moments)
def test_nobody_becomes_a_case_without_a_notice_before(found, now):
    assert {each.step for each in judge(found, now)} <= {"notice"}


@given(sightings, moments, st.booleans())
def test_the_order_of_sightings_does_not_matter(found, now, notified):
    notices = (notice("10T23:01"),) if notified else ()
    assert judge(found, now, notices=notices) == judge(list(reversed(found)), now, notices=notices)


@given(sightings, moments)
def test_who_is_covered_is_never_on_the_list(found, now):
    cover = (stay("09T00:00", "17T00:00"), stay("09T00:00", "17T00:00", person_id="p2", stay_id="t2"))
    assert judge(uncovered(found, cover), now, notices=(notice("10T23:01"),)) == ()


@given(sightings, moments)
def test_nobody_is_listed_before_a_deadline_has_passed(found, now):
    assert all(each.due <= now and each.first_seen <= now for each in judge(found, now))


LIMIT = deadline(at("10T21:00"), premises_kind="hotel", person="citizen", rules=RULES)


@pytest.mark.parametrize(
    ("received", "kept", "expected"),
    [
        ("10T22:59", None, "on_time"),
        ("10T23:00", None, "late"),
        ("11T06:00", Kept(at=at("10T22:00"), time_state="synced"), "kept_in_time"),
        ("11T06:00", Kept(at=at("10T22:00"), time_state="rtc_only"), "late_by_unsure_clock"),
        ("11T06:00", Kept(at=at("10T23:00"), time_state="synced"), "late"),
        ("11T06:00", Kept(at=at("10T23:00"), time_state="jumped"), "late_by_unsure_clock"),
        ("10T22:59", Kept(at=at("11T06:00"), time_state="unset"), "on_time"),
    ],
)
def test_whose_delay_a_late_declaration_is(received, kept, expected):
    assert punctuality(LIMIT, received_at=at(received), kept=kept) == expected


outage_times = st.lists(st.tuples(moments, moments).map(sorted), max_size=3)


@given(sightings, outage_times, moments)
def test_nothing_follows_from_what_lies_within_an_outage_and_its_grace(found, times, now):
    outages = tuple(Outage(cause="gateway_down", began_at=began, ended_at=ended) for began, ended in times)
    state = {"blk": PremisesState(premises=PLACE, outages=outages)}
    for each in judge(found, now, premises=state, notices=(notice("10T00:00"),)):
        hit = [one for one in outages if one.began_at < each.due and one.ended_at > each.first_seen]
        assert all(now >= one.ended_at + Patience().pending_grace for one in hit)


@given(sightings, moments)
def test_a_case_waits_until_its_notice_could_be_answered(found, now):
    cases = [each for each in judge(found, now, notices=(notice("12T12:00"),)) if each.step == "case"]
    assert not cases or now >= at("13T12:00")
