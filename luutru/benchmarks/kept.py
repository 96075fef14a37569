"""From the first readable frame with a card to *kept* on the screen, with everything in between but the person.

- Real parts: rendered camera frames, the frame reader with its decoder, the dialogue, the outbox on disk (sealed, WAL, FULL), and
  the page over HTTP. The person's answers are given at once, so the figure is the machine's own time.
- One visit at a time, each with another card. The clock starts when the frame is handed to the reader and stops when the
  screen's HTML with the receipt code has arrived.
- The baseline is decoding the same frames alone, with the same stages, in the same process.

Example: ``visits = measure(Path(directory), count=40)``
"""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvicorn

from edge_agent.agent import KioskAgent
from edge_agent.declaring import Machine
from edge_agent.kiosk.events import Cancelled, Confirmed, Event, NightsChosen, PersonConfirmed, ReasonChosen, UnitChosen
from edge_agent.kiosk.page import create_page
from edge_agent.kiosk.states import ChooseNights, ChoosePurpose, ChooseReason, ChooseUnit, ConfirmPerson, Result, Review
from edge_agent.kiosk.view import View
from edge_agent.outbox import Outbox
from edge_agent.readers.port import Frame
from edge_agent.readers.watching import FrameReader
from edge_agent.scanning.cascade import QUICK, decode
from edge_agent.sim.cards import draw_card
from edge_agent.sim.frames import DIFFICULTIES, CardPrint, Grey, Pose, Studio
from edge_agent.store import open_store
from firmware_config.profiles import KioskProfile, parse_profile
from luutru import system
from residence.stays.declaration import Reason
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring
from residence.wire.signing import SealingKey, SigningKey

WAIT_SECONDS: Final = 20.0
PROFILE: Final = """
[kiosk]
id = "kiosk-bench"
site = "site-bench"
[premises]
id = "site-bench"
kind = "apartment-block"
commune_code = "bench"
name = "Bench"
units = ["101"]
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visits:
    """Milliseconds per visit, and the bare cost of decoding the same frames."""

    kept_ms: list[float]
    decode_ms: list[float]


class _OnDemand:
    """A frame source: an empty lobby, until a card is held up."""

    name = "bench"

    def __init__(self, empty: Grey) -> None:
        self._empty = empty
        self._asked: queue.SimpleQueue[Grey] = queue.SimpleQueue()
        self._number = 0
        self.shown_ns = 0

    def hold(self, picture: Grey) -> None:
        """Put a card before the camera."""
        self._asked.put(picture)

    def open(self) -> None:
        """Nothing to take."""

    def close(self) -> None:
        """Nothing to give back."""

    def newest(self, wait_seconds: float) -> Frame | None:
        """Return the card once, and the empty lobby ten times a second else."""
        self._number += 1
        try:
            picture = self._asked.get(timeout=min(wait_seconds, 0.1))
        except queue.Empty:
            return Frame(grey=self._empty, number=self._number, taken_ns=time.monotonic_ns())
        self.shown_ns = time.monotonic_ns()
        return Frame(grey=picture, number=self._number, taken_ns=self.shown_ns)


def payload(number: int) -> str:
    """Return the code text of invented card ``number``."""
    return f"079090{number:06d}||Nguyễn Thị Đo {_word(number)}|01011990|Nam|12 Đường Số 7, Phường 12, Quận 10, TP.Hồ Chí Minh|15082021"


def _word(number: int) -> str:
    return "".join("ABCDEGHIKL"[int(digit)] for digit in str(number)).capitalize()


def measure(directory: Path, *, count: int) -> Visits:
    """Let ``count`` people check in, one after the other."""
    studio = Studio(seed=7)
    pose = Pose(x=640, y=330)
    pictures = [
        studio.render(CardPrint(draw_card(payload(number))), pose, DIFFICULTIES[0], shot=number) for number in range(1, count + 1)
    ]
    pictures = [picture for picture in pictures if decode(picture, stages=QUICK)]
    decode_ms = [_timed(lambda picture=picture: decode(picture, stages=QUICK)) for picture in pictures]  # type: ignore[misc]
    source = _OnDemand(studio.empty(DIFFICULTIES[0], shot=0))
    agent, outbox = _kiosk(directory, source)
    port, stop_page = _serve(agent)
    visits = _Visitor(agent, source, port)
    try:
        agent.start()
        kept_ms = [visits.check_in(picture) for picture in pictures]
    finally:
        stop_page()
        agent.stop()
        outbox.close()
    return Visits(kept_ms=kept_ms, decode_ms=decode_ms)


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    act()
    return (time.perf_counter_ns() - start) / 1e6


class _Visitor:
    """Answers every question at once."""

    def __init__(self, agent: KioskAgent, source: _OnDemand, port: int) -> None:
        self._agent = agent
        self._source = source
        self._port = port
        self._kept = threading.Event()
        agent.watch(self._answer)

    def check_in(self, picture: Grey) -> float:
        """Show a card, wait for *kept* on the screen, go away; return the milliseconds."""
        self._kept.clear()
        self._source.hold(picture)
        if not self._kept.wait(WAIT_SECONDS):
            raise RuntimeError(f"not kept; the screen says {type(self._agent.view().state.screen).__name__}")
        screen = self._agent.view().state.screen
        if not isinstance(screen, Result):
            raise TypeError(type(screen).__name__)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=WAIT_SECONDS)
        connection.request("GET", "/screen")
        body = connection.getresponse().read().decode()
        done = time.monotonic_ns()
        connection.close()
        if screen.code[:4] not in body:
            raise RuntimeError("the screen does not show the receipt code")
        self._agent.act(Cancelled()).result(WAIT_SECONDS)
        return (done - self._source.shown_ns) / 1e6

    def _answer(self, view: View) -> None:
        screen = view.state.screen
        if isinstance(screen, Result):
            self._kept.set()
            return
        event = _reply(screen, self._agent.fresh_id)
        if event is not None:
            self._agent.act(event)


def _reply(screen: Any, fresh_id: Callable[[], str]) -> Event | None:
    from edge_agent.kiosk.events import PurposeChosen

    replies: dict[type, Callable[[], Event]] = {
        ChoosePurpose: lambda: PurposeChosen(purpose="stay"),
        ConfirmPerson: PersonConfirmed,
        ChooseUnit: lambda: UnitChosen(unit="101"),
        ChooseNights: lambda: NightsChosen(nights=1),
        ChooseReason: lambda: ReasonChosen(reason=Reason.VISIT),
        Review: lambda: Confirmed(fresh_id=fresh_id()),
    }
    make = replies.get(type(screen))
    return make() if make else None


def _kiosk(directory: Path, source: _OnDemand) -> tuple[KioskAgent, Outbox]:
    profile: KioskProfile = parse_profile(PROFILE, folder=directory)
    clock = system.SystemClock()
    seal = SealingKey("bench-seal", system.random_bytes(32))
    ring = Keyring(
        [KeyEntry(key_id=seal.key_id, use="seal", owner=AUTHORITY, public_key=seal.public_key, valid_from="2020-01-01T00:00:00Z")]
    )
    machine = Machine(clock=clock, boot_id=system.boot_id(), random_bytes=system.random_bytes, clock_synced=lambda: True)
    outbox = Outbox(
        open_store(directory / "outbox.db"),
        kiosk_id=profile.kiosk.id,
        signer=SigningKey("bench-sign", system.random_bytes(32)),
        provisioned=ring,
        machine=machine,
        built_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    reader = FrameReader(source, clock=clock)
    return KioskAgent(profile=profile, clock=clock, random_bytes=system.random_bytes, outbox=outbox, readers=[reader]), outbox


def _serve(agent: KioskAgent) -> tuple[int, Callable[[], None]]:
    """Serve the kiosk's page on a free port; returns the port and how to stop."""
    page = create_page(agent, random_bytes=system.random_bytes, clock=system.SystemClock())
    server = uvicorn.Server(uvicorn.Config(page, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port: int = server.servers[0].sockets[0].getsockname()[1]

    def stop() -> None:
        server.should_exit = True
        thread.join(WAIT_SECONDS)

    return port, stop
