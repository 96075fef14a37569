"""The kiosk process: where profile, keys, outbox, uplink, readers, agent and page are put together.

- What must survive is the outbox; everything else is made anew at each start. ``kill -9`` loses nothing that was kept.
- It starts in any order with the broker: without a network it takes declarations and says so.
- SIGTERM and SIGINT end the page first, then the readers, then say goodbye to the broker; the exit status is 0.
- Readers come from the profile, or from the command line for a trial; with sample cards the page offers them.
- Under systemd it says when it is ready, and feeds its watchdog while its parts answer (``kiosk_watchdog.py``).
- The page is served on loopback only, and only to itself. A crash writes nothing of the memory to disk.

Example: ``run(load_profile(Path("kiosk.toml")))``
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from luutru import __version__, system
from luutru.keys import read_signing_key
from luutru.processes.kiosk_chips import chips_of, noted, trust_papers_of
from luutru.processes.kiosk_configuration import following_of
from luutru.processes.kiosk_diagnostics import diagnostics_route
from luutru.processes.kiosk_door import door_of
from luutru.processes.kiosk_events import event_book_of, event_keeper_of, event_post_of
from luutru.processes.kiosk_line import uplink_of
from luutru.processes.kiosk_readers import Readers, readers_of
from luutru.processes.kiosk_renewing import looked_after
from luutru.processes.kiosk_vitals import vitals_of
from luutru.processes.kiosk_watchdog import watchdog_of
from luutru.tracing import Tracing, tracing_of
from residence.clock import Clock
from residence.errors import Malformed, Refused

if TYPE_CHECKING:
    from edge_agent.agent import KioskAgent
    from edge_agent.configuration.following import Following
    from edge_agent.configuration.slots import Slots
    from edge_agent.diagnostics import LogRing
    from edge_agent.event_book import EventBook
    from edge_agent.event_keeper import EventKeeper
    from edge_agent.outbox import Outbox
    from edge_agent.printers.printing import SlipPrinter
    from edge_agent.sim.video import SampleCards
    from edge_agent.uplink import Uplink
    from edge_agent.vitals import Vitals
    from edge_agent.voices.speaking import Voice
    from firmware_config.profiles import KioskProfile, ReaderSection
    from luutru.processes.kiosk_door import KioskDoor
    from residence.choices import Choices

# The wall clock of a kiosk that shows an earlier time than this is wrong (architecture: clock trust has a floor).
BUILT_AT: Final = datetime(2026, 11, 1, tzinfo=UTC)
_log = structlog.get_logger("luutru.kiosk")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kiosk:
    """One assembled kiosk. ``start`` begins everything but the page; ``stop`` ends it in the opposite order."""

    agent: KioskAgent
    outbox: Outbox
    uplink: Uplink
    book: EventBook
    events: EventKeeper
    readers: Readers
    printer: SlipPrinter | None = None
    door: KioskDoor | None = None
    vitals: Callable[[], Vitals]
    following: Following | None = None
    tracing: Tracing | None = None

    def start(self) -> None:
        """Connect, read cards, run the dialogue; the door first, for it needs nobody."""
        self.events.start()
        if self.door is not None:
            self.door.keeper.start()
        self.uplink.start()
        if self.printer is not None:
            self.printer.start()
        self.agent.start()
        if self.following is not None:
            self.following.start()

    def stop(self) -> None:
        """Stop following and reading, lock the door, say goodbye to the broker, close the outbox."""
        if self.following is not None:
            self.following.stop()
        self.agent.stop()
        if self.printer is not None:
            self.printer.stop()
        if self.door is not None:
            self.door.keeper.stop()
        self.events.stop()
        self.uplink.stop()
        self.outbox.close()
        if self.tracing is not None:
            self.tracing.close()


def open_outbox(profile: KioskProfile, *, clock: Clock) -> Outbox:
    """Open the outbox with the kiosk's keys, or raise what is missing."""
    from edge_agent.declaring import Machine
    from edge_agent.outbox import Outbox
    from edge_agent.store import open_store
    from residence.wire.keyring import load_keyring

    signer = read_signing_key(profile.path(profile.keys.signing_key_file), use="kiosk-sign")
    if profile.keys.signing_key_id not in {"", signer.key_id}:
        raise Malformed("key.file_malformed", "/keys/signing_key_id", f"the key file is for {signer.key_id}")
    try:
        keyring = load_keyring(profile.path(profile.keys.keyring_file).read_bytes())
    except OSError as error:
        raise Refused("key.file_missing", "/keys/keyring_file", str(error)) from error
    machine = Machine(clock=clock, boot_id=system.boot_id(), random_bytes=system.random_bytes, clock_synced=system.clock_synced)
    return Outbox(
        open_store(profile.path(profile.store.path)),
        kiosk_id=profile.kiosk.id,
        signer=signer,
        provisioned=keyring,
        machine=machine,
        built_at=BUILT_AT,
    )


def build(profile: KioskProfile, *, clock: Clock, slots: Slots | None = None) -> Kiosk:
    """Put one kiosk together; nothing is started yet."""
    from edge_agent.agent import KioskAgent
    from edge_agent.asked import Asked, KioskPost
    from edge_agent.hearing import Hearing
    from edge_agent.readers.watching import Guide
    from edge_agent.reckoned_clock import ReckonedClock

    agent: KioskAgent
    uplink: Uplink
    printer, outbox = _printer_of(profile), open_outbox(profile, clock=clock)
    reckoned = ReckonedClock(clock, floor=outbox.not_before)  # for whoever stands at the screen
    # The agent is made after the readers it is given.
    guide = Guide(wanted=lambda: agent.wants_card(), show=lambda hint: agent.guide(hint))  # noqa: PLW0108
    readers = readers_of(profile, clock=clock, guide=guide)
    book = event_book_of(outbox)
    hearing = Hearing(clock.now)
    events = event_keeper_of(profile, book, outbox=outbox, hearing=hearing)
    door = door_of(profile, outbox, book, hear=events.hear)
    papers = trust_papers_of(profile, outbox)
    ring, changed = (lambda: outbox.anchor.keyring), (lambda: agent.outbox_changed())  # noqa: PLW0108
    heard, fresh = outbox.clock_floor.heard, outbox.clock_floor.told_fresh
    asked = Asked(kiosk_id=profile.kiosk.id, keyring=ring, monotonic_ns=clock.monotonic_ns, on_answer=changed, heard=heard)
    line = lambda: uplink.health()  # noqa: E731, PLW0108
    following = following_of(profile, slots, clock=clock, heard=fresh, agent=lambda: agent, line=line, door=door)
    health = lambda: agent.readers_health()  # noqa: E731, PLW0108
    vitals = vitals_of(profile, outbox, hearing=hearing, readers=health, door=door, following=following)
    post = KioskPost(asked, event_post_of(outbox, book), door.papers if door is not None else None)
    uplink = uplink_of(profile, outbox, vitals=vitals, changed=changed, post=post, trust=papers)
    heard_by_all = events.at(readers.readers)
    agent = KioskAgent(
        profile=profile,
        clock=reckoned,
        random_bytes=system.random_bytes,
        outbox=outbox,
        readers=hearing.at(door.listening(heard_by_all) if door is not None else heard_by_all),
        chips=noted(chips_of(profile, clock=reckoned, keyring=ring, papers=papers), hear=events.hear, clock=clock),
        asked=asked,
        connection=lambda: uplink.health().state.value,
        print_slip=printer.print if printer is not None else None,
        sign_ticket=_tickets_of(profile, clock=reckoned),
    )
    agent.watch(hearing.watch)
    outbox.listen(agent.outbox_changed)
    if readers.deck is not None:
        _hold_cards_for_whoever_waits(agent, readers.deck)
    parts = Kiosk(agent=agent, outbox=outbox, uplink=uplink, book=book, events=events, readers=readers, vitals=vitals)
    tracing = _traced(profile, outbox, clock)
    return replace(parts, following=following, printer=printer, door=door, tracing=tracing)


def _traced(profile: KioskProfile, outbox: Outbox, clock: Clock) -> Tracing | None:
    tracing = tracing_of(system.telemetry(), service="luutru-kiosk", instance=profile.kiosk.id, version=__version__)
    if tracing is not None:
        from luutru.tracing_kiosk import KioskTrace

        outbox.listen(KioskTrace(outbox, tracing, clock).changed)
    return tracing


def _tickets_of(profile: KioskProfile, *, clock: Clock) -> Callable[[str, str], str]:
    """Return what makes the tickets that open a page on a phone, with the key that signs declarations."""
    from residence.wire.way_in import sign_ticket

    signer = read_signing_key(profile.path(profile.keys.signing_key_file), use="kiosk-sign")
    return lambda declaration_id, own_code: sign_ticket(declaration_id, own_code, signer, now=clock.now())


def _printer_of(profile: KioskProfile) -> SlipPrinter | None:
    if not profile.printer.device:
        return None
    from edge_agent.printers.printing import SlipPrinter

    return SlipPrinter(profile.printer)


def _voice_of(profile: KioskProfile) -> Voice:
    from edge_agent.voices.speaking import Voice

    return Voice(profile.voice, folder=profile.path(profile.voice.recordings))


def _hold_cards_for_whoever_waits(agent: KioskAgent, deck: SampleCards) -> None:
    """Let the simulated visitor hold a card up when the screen asks for one and nobody chose."""
    from edge_agent.kiosk.states import ShowCard

    agent.watch(lambda view: deck.wait_for_card(isinstance(view.state.screen, ShowCard)))


def run(
    profile: KioskProfile,
    *,
    ring: LogRing | None = None,
    on_ready: Callable[[str], None] = lambda _url: None,
    slots: Slots | None = None,
) -> None:
    """Run one kiosk until a signal asks it to stop; ``ring`` has the last lines of its log, ``slots`` the settings it was sent."""
    from edge_agent.kiosk.page import create_page
    from luutru.processes.kiosk_page_server import page_server

    system.no_core_dumps()
    system.keep_memory_together()
    clock = system.system_clock()
    kiosk = build(profile, clock=clock, slots=slots)
    more = [diagnostics_route(kiosk, kiosk.vitals, ring), *(kiosk.door.panel().routes() if kiosk.door is not None else ())]
    page = create_page(
        kiosk.agent,
        random_bytes=system.random_bytes,
        clock=kiosk.agent.clock,
        deck=kiosk.readers.deck,
        voice=_voice_of(profile),
        more=more,
    )
    server = page_server(page, profile)
    _log.info("kiosk starts", version=__version__, kiosk_id=profile.kiosk.id, readers=[each.kind for each in profile.readers])
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn ends on these and then raises them again; by then there is nothing left to do but leave in order. Before it listens to them
        # itself, whoever ends a kiosk that still begins must be heard, too.
        signal.signal(number, lambda _number, _frame: setattr(server, "should_exit", True))
    watchdog = watchdog_of(profile, kiosk, clock=clock)
    kiosk.start()
    watchdog.start()
    on_ready(f"http://{profile.page.host}:{profile.page.port}/")
    try:
        with looked_after(profile, clock=clock, attempts=lambda: kiosk.uplink.health().attempts):
            server.run()
    finally:
        watchdog.stop()
        kiosk.stop()
    _log.info("kiosk ended")


def with_choices(profile: KioskProfile, choices: Choices) -> KioskProfile:
    """Return the profile with what was chosen on law and formats; the dialogue reads cards and judges stays by it."""
    import msgspec

    return msgspec.structs.replace(profile, choices=choices)


def with_readers(profile: KioskProfile, sections: Sequence[ReaderSection]) -> KioskProfile:
    """Return the profile with other readers, as the command line asks."""
    import msgspec

    return msgspec.structs.replace(profile, readers=tuple(sections))
