"""Until the next look that was promised, the same rows are judged the same: nobody waits for a look that does not come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from residence.cases.looking_again import next_looks
from residence.cases.outages import Outage
from residence.cases.triage import EVIDENCE_KEPT
from residence.cases.undeclared import Patience, PremisesState, SentNotice, Sighting, find_undeclared
from residence.places.premises import Premises, PremisesKind
from residence.stays.rules import load_rule_book

RULES = load_rule_book()
START = datetime(2026, 7, 1, tzinfo=UTC)
PLACES = {
    kind: Premises(premises_id=kind.value, kind=kind, commune_code="demo-01", name="Thử")
    for kind in (PremisesKind.APARTMENT_BLOCK, PremisesKind.HOTEL)
}
# Quarter hours over more than the time evidence is kept: deadlines, graces and ages fall on them.
MOMENTS = st.integers(0, 4 * 24 * 20).map(lambda quarters: START + timedelta(minutes=15 * quarters))
NAMES = st.sampled_from(["a", "b"])
SIGHTINGS = st.lists(
    st.builds(
        Sighting,
        presence_id=st.uuids().map(str),
        who=NAMES,
        premises_id=st.sampled_from([each.value for each in PLACES]),
        kind=st.sampled_from(["entry", "night_check"]),
        seen_at=MOMENTS,
    ),
    min_size=1,
    max_size=8,
)
NOTICES = st.lists(
    st.builds(
        SentNotice,
        notice_id=st.uuids().map(str),
        who=NAMES,
        premises_id=st.sampled_from([each.value for each in PLACES]),
        sent_at=MOMENTS,
        answered_at=st.none() | MOMENTS,
    ),
    max_size=3,
)
OUTAGES = st.lists(
    st.tuples(MOMENTS, st.integers(1, 20)).map(
        lambda each: Outage(cause="gateway_down", began_at=each[0], ended_at=each[0] + timedelta(hours=each[1]))
    ),
    max_size=2,
).map(tuple)
PATIENCE = st.sampled_from([Patience(), Patience(unanswered_after=timedelta(days=3))])


@settings(max_examples=300, deadline=None)
@given(SIGHTINGS, NOTICES, OUTAGES, st.none() | MOMENTS, PATIENCE, MOMENTS, st.integers(1, 1000))
def test_nothing_follows_from_the_clock_before_the_next_look(sightings, notices, outages, silent, patience, now, share):
    states = {place.premises_id: PremisesState(premises=place, silent_since=silent, outages=outages) for place in PLACES.values()}

    def of(at):
        """What the sweep is given at a moment: rows that are not too old."""
        return (
            tuple(each for each in sightings if each.seen_at >= at - EVIDENCE_KEPT),
            tuple(each for each in notices if each.sent_at >= at - EVIDENCE_KEPT),
        )

    def judged(at):
        seen, sent = of(at)
        found = find_undeclared(seen, notices=sent, premises=states, rules=RULES, now=at, patience=patience)
        return {(each.premises_id, each.who, each.step, each.rule, each.presence_ids, each.notice_id) for each in found}

    seen, sent = of(now)
    looks = next_looks(seen, notices=sent, premises=states, rules=RULES, now=now, patience=patience)
    assert set(looks) == set(states)
    for premises_id, look in looks.items():
        until = START + timedelta(days=60) if look is None else look - timedelta(microseconds=1)
        for at in {now + (until - now) * share / 1000, until} if until > now else ():
            assert {each for each in judged(at) if each[0] == premises_id} == {
                each for each in judged(now) if each[0] == premises_id
            }


def test_somebody_overdue_where_a_kiosk_is_silent_is_looked_at_every_round():
    place = PLACES[PremisesKind.HOTEL]
    sighting = Sighting(presence_id="s", who="a", premises_id="hotel", kind="entry", seen_at=START)
    state = PremisesState(premises=place, silent_since=START)
    now = START + timedelta(days=1)
    assert next_looks([sighting], notices=[], premises={"hotel": state}, rules=RULES, now=now) == {"hotel": now}
