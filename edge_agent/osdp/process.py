"""The process on one OSDP line: opens the device, gives up everything else (``sandbox.py``), and talks in lines with the agent.

- Standard input brings the order, then what readers are to show; standard output is what readers say. When the agent is gone, so is this.
- A device that is lost, or not there, is said and ends the process; the agent starts another. Status 0: asked to end.
- libosdp prints; what was standard output is therefore kept for us alone, and its place leads to nowhere.

Example: ``python -m edge_agent.osdp.process``
"""

from __future__ import annotations

import os
import select
import sys
import time
from typing import Any, Final

import msgspec

from edge_agent.osdp.bus import Bus
from edge_agent.osdp.sandbox import seal
from edge_agent.osdp.words import LONGEST_LINE, Alive, LineLost, LineOrder, Said, Show, write
from edge_agent.serial_line import SerialLine
from residence.errors import Refused

TURN_SECONDS: Final = 0.02
ALIVE_SECONDS: Final = 1.0
_LONGEST_ORDER: Final = 64 * 1024


class OpenLine:
    """A serial line as the library takes it. Trouble ends the process: ``lost`` says which."""

    def __init__(self, line: SerialLine) -> None:
        self._line = line
        self.lost = ""

    def read(self, most: int) -> bytes:
        """Return what is there; nothing once the line is lost, for an exception would end the library's turn unseen."""
        try:
            return self._line.read_now(most)
        except Refused as error:
            self.lost = error.code
            return b""

    def write(self, data: bytes) -> int:
        """Send."""
        try:
            self._line.write(data)
        except Refused as error:
            self.lost = error.code
        return len(data)


def serve(source: int, sink: int) -> int:
    """Take the order, work the line until the agent or the device is gone, and return the exit status."""
    order, unread = _read_order(source)
    try:
        line = OpenLine(SerialLine(order.device, order.baud_rate))
        bus = Bus(order, line, clock=time.monotonic)
        seal()
    except Refused as error:
        os.write(sink, write(LineLost(code=error.code)))
        return 1
    decoder, spoke = msgspec.json.Decoder(Show), time.monotonic()
    while True:
        bus.turn()
        words: list[Said] = bus.said()
        if words or time.monotonic() - spoke > ALIVE_SECONDS:
            os.write(sink, b"".join(map(write, words or [Alive()])))
            spoke = time.monotonic()
        if line.lost:
            os.write(sink, write(LineLost(code=line.lost)))
            return 1
        if select.select([source], [], [], TURN_SECONDS)[0]:
            chunk = os.read(source, 4096)
            if not chunk:
                return 0
            *orders, unread = (unread + chunk).split(b"\n")
            unread = unread[-LONGEST_LINE:]
            for each in map(decoder.decode, orders):
                bus.show(each.reader, each.lamp)


def _read_order(source: int) -> tuple[LineOrder, bytes]:
    data = b""
    while b"\n" not in data and len(data) < _LONGEST_ORDER:
        chunk = os.read(source, 4096)
        if not chunk:
            sys.exit(0)
        data += chunk
    first, _, rest = data.partition(b"\n")
    return msgspec.json.decode(first, type=LineOrder), rest


def main() -> Any:
    """Serve one line."""
    sink = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    sys.exit(serve(0, sink))


if __name__ == "__main__":
    main()
