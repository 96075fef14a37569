"""The agent: one thread owns the dialogue, nothing that goes wrong around it stops it."""

from __future__ import annotations

import threading

from factories import make_id
from kiosk_page_parts import CARD, LOBBY, OTHER_CARD, capture_of, running_kiosk
from kiosk_parts import answer, make_outbox

from edge_agent.agent import QUEUE_LIMIT, KioskAgent
from edge_agent.kiosk import events as happen
from edge_agent.kiosk.states import ConfirmPerson, Idle, NotKept, Result, Review
from edge_agent.readers.port import ReaderHealth
from residence.stays.declaration import Reason

NO_PRESENCE = LOBBY.replace("presence = true", "presence = false")


def walk_to_review(kiosk):
    kiosk.show()
    for event in (
        happen.PersonConfirmed(),
        happen.UnitChosen(unit="1203"),
        happen.NightsChosen(nights=1),
        happen.ReasonChosen(reason=Reason.VISIT),
    ):
        kiosk.agent.act(event).result(5)
    assert isinstance(kiosk.screen, Review)


def confirm(kiosk):
    return kiosk.agent.act(happen.Confirmed(fresh_id=kiosk.agent.fresh_id())).result(5)


def test_a_confirmation_is_kept_before_the_screen_says_so():
    with running_kiosk(NO_PRESENCE) as kiosk:
        walk_to_review(kiosk)
        view = confirm(kiosk)
        assert isinstance(view.state.screen, Result)
        assert [each.declaration_id for each in kiosk.outbox.messages] == [view.state.screen.declaration_id]


def test_many_taps_at_once_keep_once():
    with running_kiosk(NO_PRESENCE) as kiosk:
        walk_to_review(kiosk)
        taps = [threading.Thread(target=confirm, args=(kiosk,)) for _ in range(20)]
        for tap in taps:
            tap.start()
        for tap in taps:
            tap.join()
        assert len(kiosk.outbox.messages) == 1


def test_a_failing_outbox_ends_in_an_honest_screen_and_the_next_person_can_go_on():
    with running_kiosk(NO_PRESENCE) as kiosk:
        kiosk.outbox.broken = True
        walk_to_review(kiosk)
        assert confirm(kiosk).state.screen == NotKept(code="kiosk.not_kept")
        kiosk.outbox.broken = False
        kiosk.agent.act(happen.Cancelled()).result(5)
        walk_to_review(kiosk)
        assert isinstance(confirm(kiosk).state.screen, Result)


def test_a_step_that_fails_gives_the_visit_up_and_the_thread_lives(monkeypatch):
    from edge_agent import agent as module

    with running_kiosk(NO_PRESENCE) as kiosk:
        kiosk.show()
        visit = kiosk.agent.view().visit
        real = module.step

        def failing(state, event, **more):
            divisor = 0 if event == happen.PersonConfirmed() else 1
            assert 1 / divisor  # a mistake in a rule
            return real(state, event, **more)

        monkeypatch.setattr(module, "step", failing)
        view = kiosk.agent.act(happen.PersonConfirmed()).result(5)
        assert isinstance(view.state.screen, Idle)
        assert view.visit == visit + 1
        kiosk.show(OTHER_CARD)
        assert isinstance(kiosk.screen, ConfirmPerson)


def test_time_alone_wipes_the_screen_and_ends_the_visit():
    with running_kiosk(NO_PRESENCE) as kiosk:
        kiosk.show()
        visit = kiosk.agent.view().visit
        kiosk.clock.pass_time(seconds=31)
        kiosk.wait_for(lambda: kiosk.agent.view().state.warning)
        kiosk.clock.pass_time(seconds=20)
        kiosk.wait_for(lambda: isinstance(kiosk.screen, Idle))
        assert kiosk.agent.view().visit == visit + 1


def test_a_flood_of_captures_is_dropped_and_a_touch_still_gets_through(monkeypatch):
    from edge_agent import agent as module

    with running_kiosk(NO_PRESENCE) as kiosk:
        gate, real = threading.Event(), module.step

        def slow(state, event, **more):
            gate.wait(10)
            return real(state, event, **more)

        monkeypatch.setattr(module, "step", slow)
        for _ in range(QUEUE_LIMIT * 20):
            kiosk.agent.deliver(capture_of(CARD))
        assert kiosk.agent._queue.qsize() <= QUEUE_LIMIT + 2
        touched = kiosk.agent.act(happen.Cancelled())
        gate.set()
        assert isinstance(touched.result(10).state.screen, Idle)


def test_a_reader_that_is_lost_is_shown_and_one_that_comes_back_too():
    with running_kiosk(NO_PRESENCE) as kiosk:
        assert kiosk.agent.view().health.can_read
        kiosk.agent.report(ReaderHealth(reader="camera", state="lost", code="reader.device_lost"))
        kiosk.wait_for(lambda: not kiosk.agent.view().health.can_read)
        assert kiosk.agent.readers_health() == {"camera": "lost"}
        kiosk.agent.report(ReaderHealth(reader="camera", state="ok"))
        kiosk.wait_for(lambda: kiosk.agent.view().health.can_read)


def test_the_real_outbox_fits_and_a_real_receipt_reaches_the_screen(tmp_path):
    with running_kiosk(NO_PRESENCE) as kiosk:
        outbox = make_outbox(tmp_path / "outbox.db", clock=kiosk.clock)
        agent = KioskAgent(
            profile=kiosk.agent.profile, clock=kiosk.clock, random_bytes=lambda n: make_id().encode()[:n], outbox=outbox
        )
        outbox.listen(agent.outbox_changed)
        kiosk.agent, before = agent, kiosk.agent
        agent.start()
        try:
            walk_to_review(kiosk)
            screen = confirm(kiosk).state.screen
            assert screen.standing == "kept"
            (row,) = outbox.unsettled(5)
            outbox.mark_sent(row.declaration_id)
            kiosk.wait_for(lambda: kiosk.screen.standing == "sent")
            outbox.settle(answer(row.envelope, due="2026-07-10T23:00:00+07:00", on_time=True))
            kiosk.wait_for(lambda: kiosk.screen.standing == "accepted")
            assert kiosk.screen.on_time
            assert kiosk.screen.code == screen.code
            assert agent.view().health.depth == 0
        finally:
            agent.stop()
            kiosk.agent = before
            outbox.close()


def test_readers_are_started_and_stopped_with_the_agent():
    class Recorded:
        name = "recorded"
        started = stopped = 0

        def start(self, deliver, report):
            self.started += 1
            report(ReaderHealth(reader=self.name, state="ok"))
            deliver(capture_of(CARD))

        def stop(self):
            self.stopped += 1

    reader = Recorded()
    with running_kiosk(NO_PRESENCE, readers=[reader]) as kiosk:
        kiosk.wait_for(lambda: isinstance(kiosk.screen, ConfirmPerson))
        assert kiosk.agent.readers_health() == {"recorded": "ok"}
    assert (reader.started, reader.stopped) == (1, 1)


def test_whoever_watches_is_told_of_changes_and_then_no_more():
    with running_kiosk(NO_PRESENCE) as kiosk:
        told = []
        stop = kiosk.agent.watch(lambda view: told.append(view.cue))
        kiosk.show()
        assert "card-read" in told
        stop()
        count = len(told)
        kiosk.agent.act(happen.Cancelled()).result(5)
        assert len(told) == count
