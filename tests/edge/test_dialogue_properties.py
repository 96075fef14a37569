"""What holds for every sequence of events: it ends wiped, keeps once, and never shows a whole number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from factories import StandingClock, make_id
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_page_parts import CARD, DESK, LOBBY, NO_CARD, OTHER_CARD, card_seen, make_profile, moment

from edge_agent.kiosk import effects as effects_of
from edge_agent.kiosk import events as happen
from edge_agent.kiosk.asking import QUESTIONS
from edge_agent.kiosk.dialogue import PATIENCE, begin, seconds_left, step
from edge_agent.kiosk.showing import masked
from edge_agent.kiosk.states import Idle, Keeping, NotKept, PartyResult, Result
from residence.stays.declaration import Reason

PROFILES = {"lobby": make_profile(LOBBY), "desk": make_profile(DESK)}
FIXED_ID = make_id()
MORE_IDS = tuple(make_id() for _ in range(30))
PURPOSES = ("stay", "group", "change", "entry", "extend", "leave", "correct", "withdraw", "resident", "day-visit")
NAMES = ("Trần Văn An", "Lê Thị Mỹ Duyên", "Nguyễn Thị Bình")
NUMBERS = ("001095000117", "079188004321", "001167000228")

ids = st.sampled_from([FIXED_ID, make_id(), make_id()])
acts = st.one_of(
    st.just(happen.Started()),
    st.sampled_from([happen.PurposeChosen(purpose=each) for each in PURPOSES]),
    st.sampled_from(
        [happen.NoCard(), happen.PersonConfirmed(), happen.NotMe(), happen.WentBack(), happen.MoreTime(), happen.Touched()]
    ),
    st.sampled_from([happen.PersonCalled(), happen.CallEnded()]),
    st.sampled_from([happen.LanguageChosen(language=each) for each in ("vi", "en", "ko")]),
    st.builds(
        happen.Typed,
        asked=st.sampled_from(QUESTIONS),
        text=st.sampled_from(["", NAMES[2], "05111967", "1967", "female", "VNM", "other", "KOR", "L898902C3", NUMBERS[2], "12"]),
    ),
    st.builds(happen.UnitChosen, unit=st.sampled_from(["1203", "101", "9999", ""])),
    st.builds(happen.NightsChosen, nights=st.integers(-1, 31)),
    st.builds(happen.ReasonChosen, reason=st.sampled_from(list(Reason))),
    st.builds(happen.ReasonTold, text=st.sampled_from(["", "Trông nhà", "<b>"])),
    st.builds(happen.Confirmed, fresh_id=ids, more_ids=st.just(MORE_IDS)),
    st.sampled_from([happen.NoPapers(), happen.GroupComplete(), happen.HostWanted(), happen.MemberRemoved(index=0)]),
    st.just(happen.CodeGiven(text="AAAA-BBBB-CCCC")),
    st.sampled_from([happen.WordsWanted(), happen.WordsHeard()]),
    st.just(happen.Cancelled()),
)
outside = st.one_of(
    st.sampled_from([card_seen(CARD), card_seen(OTHER_CARD), card_seen(NO_CARD), card_seen("")]),
    st.just(happen.Ticked()),
    st.sampled_from([happen.CodeFound(code="AAAA-BBBB-CCCC", declaration_id=each) for each in (None, FIXED_ID)]),
    st.builds(happen.KeptSafely, declaration_id=ids, code=st.just("AAAA-BBBB-CCCC")),
    st.builds(happen.KeepingFailed, declaration_id=ids, code=st.just("outbox.disk_full")),
    st.builds(
        happen.SettlementChanged,
        declaration_id=ids,
        standing=st.sampled_from(["kept", "sent", "received", "accepted", "refused", "conflicting"]),
    ),
)
# The road a person walks, so that deep screens are reached often; anything may happen in between.
ROAD = (
    happen.Started(),
    happen.PurposeChosen(purpose="stay"),
    card_seen(CARD),
    happen.PersonConfirmed(),
    happen.UnitChosen(unit="1203"),
    happen.UnitChosen(unit="101"),
    happen.NightsChosen(nights=2),
    happen.ReasonChosen(reason=Reason.VISIT),
    happen.Confirmed(fresh_id=FIXED_ID),
    happen.KeptSafely(declaration_id=FIXED_ID, code="AAAA-BBBB-CCCC"),
)
# The same for a family.
FAMILY_ROAD = (
    happen.Started(),
    happen.PurposeChosen(purpose="group"),
    *ROAD[2:8],
    card_seen(OTHER_CARD),
    happen.GroupComplete(),
    happen.Confirmed(fresh_id=FIXED_ID, more_ids=MORE_IDS),
    happen.KeptSafely(declaration_id=FIXED_ID, code="AAAA-BBBB-CCCC"),
    happen.KeepingFailed(declaration_id=MORE_IDS[0], code="outbox.disk_full"),
)
walks = st.tuples(
    st.sampled_from([ROAD, FAMILY_ROAD]),
    st.integers(0, len(FAMILY_ROAD)),
    st.lists(st.tuples(st.one_of(acts, outside), st.floats(0, 20)), max_size=25),
)


def played(kind, walk):
    """Yield (state, effects, clock) after each event."""
    profile, clock = PROFILES[kind], StandingClock()
    state = begin(profile, moment(clock))
    road, along, rest = walk
    for event, seconds in [*((each, 1.0) for each in road[:along]), *rest]:
        clock.pass_time(seconds=seconds)
        state, effects = step(state, event, profile=profile, now=moment(clock))
        yield event, state, effects, clock


@pytest.mark.parametrize("kind", PROFILES)
@given(walk=walks, wall_jump=st.integers(-1_000_000, 1_000_000))
@settings(deadline=None, max_examples=50)
def test_whatever_happened_the_screen_is_wiped_after_the_time_out(kind, walk, wall_jump):
    profile, clock = PROFILES[kind], StandingClock()
    state = begin(profile, moment(clock))
    for _, now_state, _, now_clock in played(kind, walk):
        state, clock = now_state, now_clock
    before = state
    waiting = profile.kiosk.call_seconds if before.calling else 0  # on the first screen an answer to a call is waited for
    clock.pass_time(seconds=30 * PATIENCE + 20 + waiting)
    clock.instant += timedelta(seconds=wall_jump)  # the wall clock may be corrected; time-outs do not look at it
    state, effects = step(before, happen.Ticked(), profile=profile, now=moment(clock))
    assert state == begin(profile, moment(clock))
    assert (effects_of.Wipe() in effects) == (not isinstance(before.screen, Idle))


@pytest.mark.parametrize("kind", PROFILES)
@given(walk=walks)
@settings(deadline=None, max_examples=50)
def test_what_happens_from_outside_never_holds_the_screen(kind, walk):
    """Cards, ticks and news alone, in any order, cannot keep a person on the screen."""
    profile = PROFILES[kind]
    for _, state, _, clock in played(kind, walk):
        if not isinstance(state.screen, (Idle, Result, PartyResult)):
            left = seconds_left(state, profile=profile, now=moment(clock))
            after, _ = step(state, happen.Ticked(), profile=profile, now=moment(clock))
            assert seconds_left(after, profile=profile, now=moment(clock)) in {left, None}


@pytest.mark.parametrize("kind", PROFILES)
@given(walk=walks)
@settings(deadline=None, max_examples=60)
def test_one_confirmation_keeps_once(kind, walk):
    confirmations = keeps = 0
    for event, _, effects, _ in played(kind, walk):
        confirmations += isinstance(event, happen.Confirmed)
        made = [each.declaration.declaration_id for each in effects if isinstance(each, effects_of.Keep)]
        assert not made or (isinstance(event, happen.Confirmed) and len(set(made)) == len(made))
        assert made[1:] == list(MORE_IDS[: max(0, len(made) - 1)])  # one for each person of a group, one alone otherwise
        keeps += bool(made)
    assert keeps <= confirmations


@pytest.mark.parametrize("kind", PROFILES)
@given(walk=walks)
@settings(deadline=None, max_examples=50)
def test_nothing_of_a_person_is_left_once_kept_or_wiped(kind, walk):
    for _, state, effects, _ in played(kind, walk):
        if isinstance(state.screen, (Idle, Keeping, Result, PartyResult, NotKept)):
            held = personal_text(state)
            assert not [each for each in (*NAMES, *NUMBERS) if each in held]
        if effects_of.Wipe() in effects:
            assert isinstance(state.screen, Idle) or not personal_text(state).count(NAMES[0])


@pytest.mark.parametrize("kind", PROFILES)
@given(walk=walks)
@settings(deadline=None, max_examples=40)
def test_no_page_ever_shows_a_whole_number(kind, walk):
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from edge_agent.kiosk.showing import shown
    from edge_agent.kiosk.view import Health, View
    from edge_agent.voices.prompts import heard

    templates = Environment(loader=PackageLoader("edge_agent.kiosk"), autoescape=True, undefined=StrictUndefined)
    health = Health(connection="up", depth=0, oldest_unsent_at=None, full=False, readers=())
    seen = None
    for _, state, _, _ in played(kind, walk):
        if state.screen == seen:
            continue
        seen = state.screen
        view = View(state=state, version=1, visit=1, health=health, seconds_left=20.0)
        context = shown(view, profile=PROFILES[kind], now=datetime(2026, 7, 10, 7, tzinfo=UTC))
        html = templates.get_template("screen.html").render(
            {**context, **heard(state), "can_speak": True, "token": "t", "deck": ()}
        )
        bare = html.replace(" ", "")
        assert not [number for number in NUMBERS if number in bare or number[3:] in bare]


@given(st.text(min_size=0, max_size=20, alphabet="0123456789ABC"))
def test_a_mask_shows_three_characters_at_most(number):
    text = masked(number).replace(" ", "")
    assert len(text) == len(number)
    assert sum(1 for character in text if character != "•") <= 3


def personal_text(value) -> str:
    """Return every string reachable from a state, as one text (repr leaves personal fields out on purpose)."""
    import dataclasses

    import msgspec

    if dataclasses.is_dataclass(value):
        return " ".join(personal_text(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, msgspec.Struct):
        return " ".join(personal_text(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, (tuple, list)):
        return " ".join(personal_text(each) for each in value)
    return str(value)
