"""Several clocks speak of one stay: whoever speaks later by ours wins or is told that something stands in the way, and nothing is swallowed."""

from __future__ import annotations

from datetime import datetime, timedelta

import factories
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_registry import MemoryRegistry

from residence.clock import rfc3339, uuid7
from residence.stays.declaration import Declarant, StayDeclaration

NOON = factories.EVENING
TOLD = {"stays.overtaken", "stays.about_withdrawn", "stays.departure_before_arrival"}
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Heard = tuple[StayDeclaration, datetime]  # and when it reached us


def said(kind: str, *, minute: float, ahead: float = 0, about: str | None = None, number: int = 1, **more: object) -> Heard:
    """Return what a sender whose clock is ``ahead`` minutes wrong says, received at a minute of ours."""
    at = NOON + timedelta(minutes=minute)
    claimed = at + timedelta(minutes=ahead)
    declaration = factories.make_declaration(
        declaration_id=str(uuid7(claimed, number.to_bytes(10, "big"))),
        declared_at=rfc3339(claimed),
        kind=kind,
        about=about,
        declarant=Declarant(role="facility"),
        **more,
    )
    return declaration, at


FOLLOWING = st.tuples(
    st.sampled_from(["extension", "extension", "departure", "correction", "withdrawal"]),
    st.sampled_from([-2000, -10, -1, 0, 0, 0, 1, 10, 600000]),  # how wrong the sender's clock is, in minutes
    st.integers(2, 9),  # what it says
    st.sampled_from([0.5, 1, 5]),  # how much later it is said
)


def story(steps: list[tuple[str, float, int, float]], *, arrivals: int = 1) -> list[Heard]:
    """Return arrivals and what was said of them, in the order in which it reached us."""
    heard = [said("arrival", minute=place / 10, ahead=place * 7, number=place) for place in range(arrivals)]
    minute = 1.0
    for place, (kind, ahead, value, later) in enumerate(steps):
        minute += later
        change = {
            "extension": {"planned_departure": f"2026-07-{12 + value}T12:00:00+07:00"},
            "departure": {"planned_departure": rfc3339(NOON + timedelta(seconds=value))},
            "correction": {"unit": str(value)},
            "withdrawal": {},
        }[kind]
        about = heard[value % arrivals][0].declaration_id
        heard.append(said(kind, minute=minute, ahead=ahead, about=about, number=100 + place, **change))
    return heard


def stands(registry: MemoryRegistry, declaration: StayDeclaration) -> bool:
    """Tell whether the stay says what a statement says."""
    (stay,) = (each for each in registry.stays.values() if declaration.declaration_id in each.declaration_ids)
    end = rfc3339(factories.EVENING.fromisoformat(declaration.planned_departure).astimezone(NOON.tzinfo))
    match declaration.kind:
        case "extension":
            return stay.ended_at is None and stay.planned_end == end
        case "departure":
            return stay.ended_at == end
        case "correction":
            return stay.unit == declaration.unit
    return stay.status == "withdrawn"


@SLOW
@given(st.lists(FOLLOWING, min_size=1, max_size=6))
def test_whoever_speaks_later_wins_or_is_told_and_a_clock_ahead_locks_nobody_out(steps):
    registry = MemoryRegistry()
    (arrival, at), *following = story(steps)
    registry.receive(arrival, at=at)
    withdrawn = False
    for (declaration, received), (kind, ahead, _, _) in zip(following, steps, strict=True):
        result = registry.receive(declaration, at=received)
        told = {each.code for each in result.findings if declaration.declaration_id in each.about} & TOLD
        assert (result.state == "conflicting") == bool(told), result
        assert told or stands(registry, declaration), (kind, ahead)
        if ahead >= 0 and not withdrawn:
            assert not told, (kind, ahead)
        withdrawn = withdrawn or kind == "withdrawal"


@SLOW
@given(st.lists(FOLLOWING.filter(lambda each: each[0] in {"extension", "departure"}), min_size=1, max_size=6))
def test_the_last_word_ends_or_lengthens_a_stay_whichever_of_its_arrivals_it_is_about(steps):
    registry = MemoryRegistry()
    heard = story(steps, arrivals=2)
    for place, (declaration, received) in enumerate(heard):
        result = registry.receive(declaration, at=received)
        if place > 1:
            told = {each.code for each in result.findings if declaration.declaration_id in each.about} & TOLD
            assert told or stands(registry, declaration), steps
            assert not told or steps[place - 2][1] < 0
    assert len(registry.stays) == 1


@SLOW
@given(st.lists(FOLLOWING, min_size=1, max_size=6), st.integers(1, 3), st.randoms(use_true_random=False))
def test_the_order_in_which_they_are_recorded_changes_nothing(steps, arrivals, random):
    heard = story(steps, arrivals=arrivals)
    pictures = set()
    for _ in range(2):
        registry = MemoryRegistry()
        for declaration, received in heard:
            registry.receive(declaration, at=received)
        pictures.add(registry.picture())
        random.shuffle(heard)
    assert len(pictures) == 1


def test_what_overtook_is_taken_back_and_what_was_overtaken_holds():
    arrival = said("arrival", minute=0)
    about = arrival[0].declaration_id
    longer = said("extension", minute=10, about=about, planned_departure="2026-07-20T12:00:00+07:00", number=2)
    offline = said("extension", minute=20, ahead=-15, about=about, planned_departure="2026-07-15T12:00:00+07:00", number=3)
    undone = said("withdrawal", minute=30, about=longer[0].declaration_id, number=4)
    registry = MemoryRegistry()
    states = [registry.receive(declaration, at=at).state for declaration, at in (arrival, longer, offline, undone)]
    assert states == ["accepted", "accepted", "conflicting", "accepted"]
    assert stands(registry, offline[0])
    assert "stays.overtaken" not in {each.code for each in registry.findings.values()}


@pytest.mark.parametrize("number", ["ffffffff-ffff-7000-8000-000000000001", "00000000-0000-7000-8000-000000000001"])
def test_an_id_of_no_time_at_all_counts_from_when_it_came(number):
    (arrival, at), (first, first_at), (last, last_at) = (
        said("arrival", minute=0),
        said("extension", minute=1, planned_departure="2026-07-19T12:00:00+07:00", number=2),
        said("extension", minute=2, planned_departure="2026-07-15T12:00:00+07:00", number=3),
    )
    registry = MemoryRegistry()
    registry.receive(arrival, at=at)
    for declaration, received, own_id in ((first, first_at, number), (last, last_at, last.declaration_id)):
        from_nowhere = {"declaration_id": own_id, "declared_at": "1970-01-01T00:00:00Z"} if own_id == number else {}
        stated = factories.msgspec.structs.replace(declaration, about=arrival.declaration_id, **from_nowhere)
        assert registry.receive(stated, at=received).state == "accepted"
        assert stands(registry, stated)


def test_a_correction_does_not_change_the_end_an_extension_gave_and_says_so():
    arrival, at = said("arrival", minute=0)
    registry = MemoryRegistry()
    registry.receive(arrival, at=at)
    for declaration, received in (
        said("extension", minute=1, about=arrival.declaration_id, planned_departure="2026-07-19T12:00:00+07:00", number=2),
        said(
            "correction",
            minute=2,
            about=arrival.declaration_id,
            unit="7",
            planned_departure="2026-07-15T12:00:00+07:00",
            number=3,
        ),
    ):
        result = registry.receive(declaration, at=received)
    assert [(each.code, each.pointer) for each in result.findings if declaration.declaration_id in each.about] == [
        ("stays.end_not_corrected", "/planned_departure")
    ]
    (stay,) = registry.stays.values()
    assert (result.state, stay.unit, stay.planned_end) == ("accepted", "7", "2026-07-19T05:00:00Z")
