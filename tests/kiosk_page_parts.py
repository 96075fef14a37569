"""A kiosk for tests: an invented profile, cards as captures, an outbox in memory, a page served on loopback."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from factories import StandingClock, make_id, make_person

from edge_agent.agent import KioskAgent
from edge_agent.kiosk import events as happen
from edge_agent.kiosk.events import CardSeen
from edge_agent.kiosk.page import create_page
from edge_agent.kiosk.states import Moment
from edge_agent.readers.port import Capture
from firmware_config.profiles import parse_profile
from residence.errors import Refused
from residence.wire.messages import Receipt
from residence.wire.receipts import receipt_code

CARD = "001095000117|012345678|Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
OTHER_CARD = "079188004321||Lê Thị Mỹ Duyên|20111988|Nữ|12/3 Hẻm Hoa Mai, Phường 7, Quận 3, Thành phố Hồ Chí Minh|03052022"
NO_CARD = "https://example.org/"

LOBBY = """
[kiosk]
id = "kiosk-lobby-1"
site = "blk-hoa-binh"
presence = true
[premises]
id = "blk-hoa-binh"
kind = "apartment-block"
commune_code = "demo-01"
name = "Chung cư Hòa Bình"
units = ["0305", "1201", "1202", "1203", "1204", "1501"]
"""
DESK = """
[kiosk]
id = "kiosk-desk-1"
site = "htl-sao-mai"
kind = "hotel-desk"
declarant_name = "Khách sạn Sao Mai"
[premises]
id = "htl-sao-mai"
kind = "hotel"
commune_code = "demo-01"
name = "Khách sạn Sao Mai"
units = ["101", "102", "201"]
"""


def make_profile(text: str = LOBBY, **page):
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in page.items())
    return parse_profile(text + (f"[page]\n{lines}" if lines else ""), folder=Path("/nowhere"))


def capture_of(text: str = CARD, *, kind: str = "qr") -> Capture:
    return Capture(payload=text.encode(), symbology="QRCode", reader="camera:zxing", seen_at_ns=0, kind=kind)


def card_seen(text: str = CARD) -> CardSeen:
    return CardSeen(capture=capture_of(text), fresh_id=make_id())


def moment(clock: StandingClock) -> Moment:
    return Moment(wall=clock.now(), monotonic_ns=clock.monotonic_ns())


@dataclass
class KeptInMemory:
    declaration_id: str
    code: str
    own_code: str = "RE29-ZTQ1-PV06"


@dataclass
class SettlementInMemory:
    state: str = "kept"
    receipt: Receipt | None = None


@dataclass
class OutboxInMemory:
    """What the agent needs of an outbox, without keys and disk."""

    full: bool = False
    broken: bool = False
    messages: list = field(default_factory=list)
    settlements: dict = field(default_factory=dict)

    def keep(self, message):
        if self.full:
            raise Refused("outbox.disk_full")
        if self.broken:
            raise RuntimeError("the disk is gone")
        self.messages.append(message)
        self.settlements[message.declaration_id] = SettlementInMemory()
        return KeptInMemory(declaration_id=message.declaration_id, code=receipt_code(message.declaration_id))

    def settlement(self, declaration_id):
        return self.settlements.get(declaration_id)

    def settle(self, declaration_id, state, **changes):
        fields = {
            "declaration_id": declaration_id,
            "code": receipt_code(declaration_id),
            "state": state,
            "schema": "stay-declaration/1",
            "body_digest": "00" * 32,
            "accepted_at": "2026-07-10T07:00:02Z",
            **changes,
        }
        self.settlements[declaration_id] = SettlementInMemory(state, Receipt(**fields))

    def declaration_of(self, code):
        return next((each for each in self.settlements if receipt_code(each) == code), None)

    def depth(self):
        return sum(1 for each in self.settlements.values() if each.state in {"kept", "sent"})

    def oldest_unsent_at(self):
        return None


@dataclass
class TestKiosk:
    __test__ = False
    agent: KioskAgent
    outbox: OutboxInMemory
    clock: StandingClock
    line: list

    @property
    def screen(self):
        return self.agent.view().state.screen

    def show(self, text: str = CARD) -> None:
        self.agent.deliver(capture_of(text))
        self.settle_down()

    def settle_down(self) -> None:
        """Wait until everything handed in so far has been worked off."""
        from edge_agent.kiosk.events import Ticked

        self.agent.act(Ticked()).result(5)

    def wait_for(self, condition, seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"still {self.screen}"
            time.sleep(0.01)


@contextmanager
def running_kiosk(text: str = LOBBY, readers=(), print_slip=None, chips=None, **page):
    """A kiosk's agent at work; ``chips`` makes its reader of chips from the profile."""
    clock = StandingClock()
    outbox = OutboxInMemory()
    line = ["up"]
    counter = iter(range(1, 1 << 40))
    profile = make_profile(text, **page)
    agent = KioskAgent(
        profile=profile,
        clock=clock,
        random_bytes=lambda count: next(counter).to_bytes(count, "big"),
        outbox=outbox,
        readers=readers,
        chips=chips(profile) if chips else None,
        connection=lambda: line[0],
        print_slip=print_slip,
    )
    agent.start()
    try:
        yield TestKiosk(agent=agent, outbox=outbox, clock=clock, line=line)
    finally:
        agent.stop()


@contextmanager
def served(kiosk: TestKiosk, *, port: int = 0, deck=None, voice=None):
    """Serve the kiosk's page on loopback; yields its address."""
    from luutru.system import random_bytes

    page = create_page(kiosk.agent, random_bytes=random_bytes, clock=kiosk.clock, deck=deck, voice=voice)
    with on_loopback(page, port=port, end=page.end) as address:
        yield address


@contextmanager
def on_loopback(app, *, port: int = 0, end=lambda: None):
    """Serve an application from a thread; yields its address. ``end`` is called before it is asked to stop."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            end()
            server.should_exit = True
            thread.join(10)


def planted(person=None) -> tuple[str, ...]:
    """What must be nowhere once a visit is over."""
    person = person or make_person()
    return (person.full_name, person.personal_number, "1995")


def at(page, name):
    """Wait until the page shows a state."""
    page.wait_for_selector(f'#state[data-name="{name}"]', state="attached")


def press(page, do, name):
    """Press what a state offers."""
    at(page, name)
    page.locator(f'#stage button[value="{do}"], #bottom button[value="{do}"], #overlay button[value="{do}"]').last.click()


def to_review(kiosk, page, language="vi"):
    """Go from the first screen to the last look, with a card."""
    press(page, f"start:{language}", "idle")
    press(page, "purpose:stay", "purpose")
    at(page, "card")
    kiosk.show()
    press(page, "yes", "person")
    press(page, "unit:1203", "unit")
    press(page, "nights:2", "nights")
    press(page, "reason:visit", "reason")
    at(page, "review")


def to_the_words(kiosk, page, language):
    """Bring somebody without papers to what they want to say themselves."""
    steps = [
        happen.Cancelled(),
        happen.LanguageChosen(language=language),
        happen.Started(),
        happen.PurposeChosen(purpose="stay"),
        happen.NoPapers(),
    ]
    answers = {"name": "La", "birth": "", "sex": "", "nationality": "other", "country": ""}
    for event in (*steps, *(happen.Typed(asked=asked, text=text) for asked, text in answers.items())):
        kiosk.agent.act(event).result(5)
    page.wait_for_selector(f'#state[data-name="typing-words"][data-language^="{language}"]', state="attached")
