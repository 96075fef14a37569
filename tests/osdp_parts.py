"""OSDP readers that are not there, for tests: on pseudo-terminals, with throw-away keys."""

from __future__ import annotations

import random
import time
from pathlib import Path

from edge_agent.osdp.bus import Bus
from edge_agent.osdp.process import OpenLine
from edge_agent.osdp.words import CardSaid, LineOrder, LinkSaid, ReaderOnLine
from edge_agent.serial_line import SerialLine
from edge_agent.sim.osdp_reader import SimulatedReader

KEY, OTHER_KEY = random.Random(1).randbytes(16), random.Random(2).randbytes(16)
CARD = bytes.fromhex("05181cc0")
PLAIN = {"key": None, "installing": False}
INSTALLING = {"key": None, "installing": True}
KEYED = {"key": KEY, "installing": False}
WRONG_KEY = {"key": OTHER_KEY, "installing": False}


def eventually(holds, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


class Table:
    """One reader on a line and our bus at the other end, turned by the test."""

    def __init__(self, folder: Path, *, commissioning: bool = False, key: bytes = KEY, reader=KEYED):
        self.link = folder / "rs485"
        self.reader = SimulatedReader(self.link, address=5, **reader)
        self.reader.__enter__()
        self.line = OpenLine(SerialLine(str(self.link), 9600))
        order = LineOrder(
            device=str(self.link),
            baud_rate=9600,
            readers=(ReaderOnLine(name="outside", address=5, key=key),),
            commissioning=commissioning,
        )
        self.bus = Bus(order, self.line, clock=time.monotonic)
        self.heard: list = []

    def close(self):
        self.reader.__exit__()
        self.line._line.close()

    def turn(self, seconds: float, until=lambda: False) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self.bus.turn()
            self.heard += self.bus.said()
            time.sleep(0.005)
        return until()

    @property
    def secure(self) -> bool:
        links = [each for each in self.heard if isinstance(each, LinkSaid)]
        return bool(links) and links[-1].state == "secure"

    @property
    def cards(self) -> list:
        return [each for each in self.heard if isinstance(each, CardSaid)]
