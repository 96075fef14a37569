"""A clock without a battery: nobody is turned away by it, and no stay begins in another century."""

from datetime import UTC, datetime, timedelta

import pytest
from factories import EVENING, StandingClock
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_page_parts import CARD, LOBBY, capture_of

from edge_agent.kiosk import events as happen
from edge_agent.kiosk.states import Result, Review
from edge_agent.reckoned_clock import ReckonedClock
from firmware_config.profiles import load_profile
from luutru import keys
from luutru.processes.kiosk import BUILT_AT, build
from luutru.system import random_bytes
from residence.clock import parse_instant
from residence.stays.declaration import Reason
from residence.wire.envelope import EnvelopeOpener, verify_envelope
from residence.wire.keyring import Keyring, dump_keyring
from residence.wire.messages import decode_message

MILLENNIUM = datetime(2000, 1, 1, tzinfo=UTC)
VISIT = (
    happen.PersonConfirmed(),
    happen.UnitChosen(unit="1203"),
    happen.NightsChosen(nights=2),
    happen.ReasonChosen(reason=Reason.VISIT),
)


@pytest.fixture
def folder(tmp_path):
    def make(name, use, owner):
        made = {"key_id": f"{name}-1", "use": use, "owner": owner, "now": BUILT_AT - timedelta(days=9)}
        return keys.make_key(tmp_path / f"{name}.key", **made, random_bytes=random_bytes)

    signing, seal = make("signing", "kiosk-sign", "kiosk-lobby-1"), make("seal", "seal", "authority")
    (tmp_path / "keyring.json").write_bytes(dump_keyring(Keyring([seal], serial=1)))
    (tmp_path / "kiosk.toml").write_text(LOBBY.replace("presence = true", "presence = false"), "utf-8")
    return tmp_path, Keyring([signing, seal], serial=1)


def declared_by(kiosk):
    """Have one person declare at the kiosk."""
    agent = kiosk.agent
    agent.start()
    agent.deliver(capture_of(CARD))
    agent.act(happen.Ticked()).result(20)
    for event in VISIT:
        agent.act(event).result(20)
    assert isinstance(agent.view().state.screen, Review)
    screen = agent.act(happen.Confirmed(fresh_id=agent.fresh_id())).result(20).state.screen
    agent.stop()
    assert isinstance(screen, Result)


@pytest.mark.parametrize("wall", [MILLENNIUM, datetime(1970, 1, 1, 0, 1, tzinfo=UTC)], ids=["2000", "1970"])
def test_whoever_stands_there_is_taken_and_begins_to_stay_when_it_can_have_been(folder, wall):
    where, ring = folder
    kiosk = build(load_profile(where / "kiosk.toml"), clock=StandingClock(wall))
    declared_by(kiosk)
    envelope = verify_envelope(kiosk.outbox.unsettled(1)[0].envelope, keyring=ring, at=BUILT_AT)
    said = decode_message(
        envelope.header.schema, EnvelopeOpener([keys.read_sealing_key(where / "seal.key")]).open(envelope).message_json
    )
    kiosk.outbox.close()
    assert BUILT_AT - timedelta(hours=1) <= parse_instant(said.arrival) <= BUILT_AT + timedelta(hours=1)
    assert (envelope.header.times.time_state, parse_instant(envelope.header.times.wall)) == ("unset", wall), (
        "the header says what was"
    )


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["wait", "set", "hear"]), st.integers(-400, 400), st.integers(1, 90_000)), max_size=12
    )
)
@settings(max_examples=60, deadline=None)
def test_it_is_never_before_its_floor_nor_later_than_what_passed_since_and_a_right_clock_is_believed(steps):
    clock, floor = StandingClock(MILLENNIUM), [EVENING]
    reckoned, before = ReckonedClock(clock, floor=lambda: floor[0]), EVENING
    for what, days, seconds in steps:
        if what == "wait":
            clock.pass_time(seconds=seconds)
            before += timedelta(seconds=seconds)
        elif what == "set":
            clock.instant = EVENING + timedelta(days=days)
        else:
            floor[0] = max(floor[0], EVENING + timedelta(seconds=seconds))
        before = max(before, floor[0])
        if clock.now() >= floor[0]:
            assert reckoned.now() == clock.now()
        else:
            assert floor[0] <= reckoned.now() <= before
