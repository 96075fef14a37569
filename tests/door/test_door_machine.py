"""The door itself: what it does by grant, button, contact, order and time, and that nothing leaves the lock energised wrongly."""

import msgspec
import pytest
from door_parts import DOOR
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_agent.door.holder import MOST_MS
from edge_agent.door.lease import LEASE_MS, lease_for, unlocks
from edge_agent.door.machine import (
    LATE_NS,
    SECOND_NS,
    ContactSaid,
    DoorState,
    ExitAsked,
    FireSaid,
    FreeBySchedule,
    Granted,
    ModeOrdered,
    TamperSaid,
    Ticked,
    alarm,
    released,
    step,
)
from residence.doors.words import DoorMode, DoorStatus

OPEN, SHUT, LOST = (ContactSaid(status=each) for each in (DoorStatus.OPENED, DoorStatus.CLOSED, DoorStatus.UNKNOWN))
FREE, NOT_FREE = (FreeBySchedule(on=each) for each in (True, False))
GRANT = "grant"
START = 100 * SECOND_NS


def play(*script, door=DOOR):
    """Run events at seconds; return the state, what was written down and the last moment."""
    state, written, now = DoorState(), [], START
    for at, what in script:
        now = START + int(at * SECOND_NS)
        event = Granted(decided_ns=now) if what == GRANT else what
        state, logs = step(state, event, door=door, now_ns=now)
        written += [f"{each.what} {each.detail}".strip() for each in logs]
    return state, written, now


STORIES = {
    "a grant, in and shut": (
        [(0, SHUT), (1, GRANT), (2, OPEN), (4, SHUT)],
        ["door-status opened", "door-status closed"],
        "normal",
    ),
    "a grant nobody used": ([(0, SHUT), (1, GRANT), (7, Ticked())], ["no-entry-after-grant"], "normal"),
    "without a contact nobody knows": ([(1, GRANT), (7, Ticked())], [], "normal"),
    "forced": ([(0, SHUT), (5, OPEN)], ["door-status opened", "alarm forced-open"], "forced-open"),
    "forced and shut again": (
        [(0, SHUT), (5, OPEN), (6, SHUT)],
        ["door-status opened", "alarm forced-open", "door-status closed", "alarm normal"],
        "normal",
    ),
    "open when the kiosk starts is not forced": ([(0, OPEN)], [], "normal"),
    "and not forced after the contact was lost": ([(0, SHUT), (1, LOST), (2, OPEN)], ["door-status unknown"], "normal"),
    "open when the kiosk starts, and still": ([(0, OPEN), (31, Ticked())], ["alarm door-open-too-long"], "door-open-too-long"),
    "held open": (
        [(0, SHUT), (1, GRANT), (2, OPEN), (33, Ticked())],
        ["door-status opened", "alarm door-open-too-long"],
        "door-open-too-long",
    ),
    "open while it is free for everybody, and for its time after it": (
        [(0, SHUT), (1, FREE), (2, OPEN), (99, Ticked()), (100, NOT_FREE), (129, Ticked()), (131, Ticked())],
        ["door-status opened", "alarm door-open-too-long"],
        "door-open-too-long",
    ),
    "free for everybody ends an alarm for standing open": (
        [
            (0, OPEN),
            (31, Ticked()),
            (40, ModeOrdered(mode=DoorMode.FREE_ACCESS)),
            (90, ModeOrdered(mode=DoorMode.NORMAL)),
            (119, Ticked()),
        ],
        ["alarm door-open-too-long", "mode free-access", "alarm free-access", "mode normal", "alarm normal"],
        "normal",
    ),
    "after a fire": (
        [(0, FireSaid(on=True)), (1, OPEN), (99, FireSaid(on=False)), (128, Ticked())],
        ["alarm egress-open", "alarm normal"],
        "normal",
    ),
    "let in while it stands open, and it shuts before them": (
        [(0, SHUT), (1, GRANT), (2, OPEN), (3, GRANT), (4, SHUT), (5, OPEN), (6, SHUT), (9, Ticked())],
        ["door-status opened", "door-status closed", "door-status opened", "door-status closed"],
        "normal",
    ),
    "let in while it stands open, and nobody can say whether they went": (
        [(0, SHUT), (1, GRANT), (2, OPEN), (3, GRANT), (4, SHUT), (9, Ticked())],
        ["door-status opened", "door-status closed"],
        "normal",
    ),
    "out by the button": (
        [(0, SHUT), (1, ExitAsked()), (2, OPEN), (3, SHUT)],
        ["request-to-exit", "door-status opened", "door-status closed"],
        "normal",
    ),
    "a lid taken off": ([(0, TamperSaid(on=True)), (1, TamperSaid(on=False))], ["alarm tamper", "alarm normal"], "normal"),
    "lock-down": ([(0, ModeOrdered(mode=DoorMode.LOCK_DOWN))], ["mode lock-down", "alarm lock-down"], "lock-down"),
    "fire": ([(0, FireSaid(on=True))], ["alarm egress-open"], "egress-open"),
    "nothing at all": ([(0, Ticked()), (9, Ticked())], [], "normal"),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_at_the_door_is_written_down_as_it_was(name):
    script, written, state_of_alarm = STORIES[name]
    state, found, _ = play(*script)
    assert (found, alarm(state)) == (written, state_of_alarm)


UNLOCKED = {
    "a grant runs": ([(0, GRANT), (4.9, Ticked())], True),
    "a grant is over": ([(0, GRANT), (5, Ticked())], False),
    "shut behind them": ([(0, SHUT), (1, GRANT), (2, OPEN), (3, SHUT)], False),
    "let in while it stands open, it shuts": ([(0, SHUT), (1, GRANT), (2, OPEN), (4, GRANT), (5, SHUT), (8.9, Ticked())], True),
    "let in while it stands open, for their time": (
        [(0, SHUT), (1, GRANT), (2, OPEN), (4, GRANT), (5, SHUT), (9, Ticked())],
        False,
    ),
    "that opening was theirs": ([(0, SHUT), (1, GRANT), (2, OPEN), (3, GRANT), (4, SHUT), (5, OPEN), (6, SHUT)], False),
    "the button while it stands open, it shuts": ([(0, SHUT), (1, GRANT), (2, OPEN), (3, ExitAsked()), (4, SHUT)], True),
    "lock-down ends a grant to an open door": (
        [(0, OPEN), (1, GRANT), (2, ModeOrdered(mode=DoorMode.LOCK_DOWN)), (3, SHUT)],
        False,
    ),
    "lock-down ends a grant": ([(0, GRANT), (1, ModeOrdered(mode=DoorMode.LOCK_DOWN))], False),
    "lock-down holds nobody inside": ([(0, ModeOrdered(mode=DoorMode.LOCK_DOWN)), (1, ExitAsked())], True),
    "fire, even in a lock-down": ([(0, ModeOrdered(mode=DoorMode.LOCK_DOWN)), (1, FireSaid(on=True))], True),
    "the fire is over": ([(0, FireSaid(on=True)), (1, FireSaid(on=False))], False),
    "emergency free access": ([(0, ModeOrdered(mode=DoorMode.FREE_ACCESS)), (999, Ticked())], True),
    "free by schedule": ([(0, FreeBySchedule(on=True))], True),
    "a schedule frees nothing in a lock-down": ([(0, FreeBySchedule(on=True)), (1, ModeOrdered(mode=DoorMode.LOCK_DOWN))], False),
}


@pytest.mark.parametrize("name", UNLOCKED)
def test_the_lock_is_released_for_a_reason_and_no_longer(name):
    script, wanted = UNLOCKED[name]
    state, _, now = play(*script)
    assert released(state, now_ns=now) is wanted


def test_somebody_who_needs_longer_gets_it():
    state, _ = step(DoorState(), Granted(decided_ns=START, extended=True), door=DOOR, now_ns=START)
    assert state.unlock_until_ns == START + 15 * SECOND_NS


def test_a_handle_that_opens_by_itself_is_no_forced_door():
    by_handle = msgspec.structs.replace(DOOR, exit_unlocks=False)
    state, written, now = play((0, SHUT), (1, ExitAsked()), (3, OPEN), door=by_handle)
    assert written == ["request-to-exit", "door-status opened"]
    assert not released(state, now_ns=now)


@pytest.mark.parametrize("age", [LATE_NS + 1, 60 * SECOND_NS, -1])
def test_a_grant_that_comes_late_does_nothing_but_is_written_down(age):
    state, logs = step(DoorState(), Granted(decided_ns=START - age), door=DOOR, now_ns=START)
    assert not released(state, now_ns=START)
    assert [each.what for each in logs] == ["grant-too-late"]


class LockUnderStress(RuleBasedStateMachine):
    """A door with its relay: the agent crashes, hangs and comes back; grants come late; the network is here and away."""

    @initialize(lock=st.sampled_from(["fail-secure", "fail-safe"]))
    def begin(self, lock):
        self.door = msgspec.structs.replace(DOOR, lock=lock)
        self.now, self.alive, self.state = START, True, DoorState()
        self.lease_ends = 0  # the relay is on until then; what ``holder.py`` does
        self.granted_until = 0
        self.last_renewal = START
        self.fire = self.free = False
        self.mode = DoorMode.NORMAL
        self._drive()

    def _drive(self):
        lease = lease_for(self.state, lock=self.door.lock, now_ns=self.now)
        self.lease_ends = self.now + min(lease.milliseconds, MOST_MS) * 1_000_000
        self.last_renewal = self.now
        self.standing = self.fire or self.free or self.mode is DoorMode.FREE_ACCESS

    def _take(self, event):
        if self.alive:
            self.state, _ = step(self.state, event, door=self.door, now_ns=self.now)
            self._drive()

    @rule(age_ms=st.sampled_from([0, 10, 2_900, 3_001, 60_000]), extended=st.booleans())
    def grant(self, age_ms, extended):
        decided = self.now - age_ms * 1_000_000
        if self.alive and self.now - decided <= LATE_NS:
            length = self.door.extended_seconds if extended else self.door.unlock_seconds
            self.granted_until = max(self.granted_until, decided + length * SECOND_NS)
        self._take(Granted(decided_ns=decided, extended=extended))

    @rule()
    def press_exit(self):
        if self.alive:
            self.granted_until = max(self.granted_until, self.now + self.door.unlock_seconds * SECOND_NS)
        self._take(ExitAsked())

    @rule(event=st.sampled_from([OPEN, SHUT, LOST, TamperSaid(on=True), TamperSaid(on=False)]))
    def wire(self, event):
        self._take(event)

    @rule(on=st.booleans())
    def fire_panel(self, on):
        self.fire = on
        self._take(FireSaid(on=on))

    @rule(mode=st.sampled_from(DoorMode))
    def order(self, mode):
        if self.alive:
            self.granted_until = 0 if mode is DoorMode.LOCK_DOWN is not self.mode else self.granted_until
            self.mode = mode
        self._take(ModeOrdered(mode=mode))

    @rule(on=st.booleans())
    def schedule(self, on):
        if self.alive:
            self.free = on
        self._take(FreeBySchedule(on=on))

    @rule(milliseconds=st.integers(1, 20_000))
    def time_passes(self, milliseconds):
        end = self.now + milliseconds * 1_000_000
        while self.now < end:  # a living agent looks four times a second
            self.now = min(end, self.now + 250_000_000)
            self._take(Ticked())

    @rule()
    def crash(self):
        self.alive = False

    @rule()
    def start_again(self):
        if not self.alive:
            self.alive, self.state = True, DoorState()  # nothing is remembered; orders, schedule and wires say themselves again
            self._take(ModeOrdered(mode=self.mode))
            self._take(FreeBySchedule(on=self.free))
            self._take(FireSaid(on=self.fire))

    @property
    def driven(self) -> bool:
        return self.now < self.lease_ends

    @invariant()
    def a_relay_is_on_only_by_a_lease_that_is_short(self):
        assert self.lease_ends <= self.last_renewal + LEASE_MS * 1_000_000

    @invariant()
    def an_unlocked_strike_has_a_reason_that_is_not_over(self):
        if self.door.lock == "fail-secure" and self.driven:
            assert self.now < self.granted_until or self.standing

    @invariant()
    def a_lock_down_is_a_lock_down_but_for_who_goes_out(self):
        """A running grant ends with it; what comes after is a pass that overrides, or the exit button."""
        if self.alive and self.mode is DoorMode.LOCK_DOWN and not self.fire and self.now >= self.granted_until:
            assert not unlocks(driven=self.driven, lock=self.door.lock)

    @invariant()
    def a_fire_unlocks_whatever_else_holds(self):
        if self.fire and self.alive:
            assert unlocks(driven=self.driven, lock=self.door.lock)

    @invariant()
    def a_dead_kiosk_holds_nobody_behind_a_magnet(self):
        if self.door.lock == "fail-safe" and not self.alive and self.now >= self.last_renewal + LEASE_MS * 1_000_000:
            assert not self.driven


LockUnderStress.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLockUnderStress = LockUnderStress.TestCase
