"""A simulated scanner on a pseudo-terminal: what a buyer tries without hardware, and what the tests pull and disturb.

- A link (as udev's) names the terminal; ``pull`` takes both away, ``plug_in`` brings another terminal under the same link.
- The rate is real as far as a pseudo-terminal goes: when the host's rate is another than the scanner's, both sides hear rubbish.
- ``Behaviour`` says what goes wrong. Faults are counted, so the same run always goes the same way.
- Bytes leave at the pace of the scanner's rate when ``paced``, in pieces cut anywhere, also inside a letter.

Example: ``with SimulatedScanner(GrowBrain("gm65"), link=Path("/run/qr0")) as scanner: scanner.show(payload)``
"""

from __future__ import annotations

import os
import pty
import select
import termios
import threading
import tty
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, Self

import msgspec

from edge_agent.sim.scanner_commands import DyscanBrain, MenuBrain
from edge_agent.sim.scanner_grow import GrowBrain

_BITS_PER_BYTE: Final = 10  # 8N1
_PIECE: Final = 16
_WAIT: Final = 0.02
_SPEEDS: Final = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[0] == "B" and name[1:].isdigit()}


class Brain(Protocol):
    """A scanner without its line."""

    @property
    def baud_rate(self) -> int:
        """Return the rate in force."""
        ...

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes from the host; return the replies."""
        ...

    def show(self, payload: bytes) -> bytes:
        """Return what leaves the scanner when it reads a code."""
        ...

    def show_setup_code(self, changes: Mapping[Any, Any]) -> bytes:
        """Return what leaves the scanner when a setup code is shown."""
        ...

    def power_cut(self) -> None:
        """Forget what was not saved."""
        ...


BRAINS: Final[Mapping[str, Callable[[], Brain]]] = {
    "gm65": lambda: GrowBrain("gm65"),
    "gm812": lambda: GrowBrain("gm812"),
    "de2120": DyscanBrain,
    "honeywell": MenuBrain,
}


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """What goes wrong: the first replies that are lost, then those that are damaged, what stands before a reply, how long it takes."""

    lost_replies: int = 0
    damaged_replies: int = 0
    before_reply: bytes = b""
    reply_after: float = 0.0
    deaf: bool = False  # answers nothing at all, only sends codes
    paced: bool = False


AS_IT_SHOULD: Final = Behaviour()


class SimulatedScanner:
    """One scanner on one link."""

    def __init__(self, brain: Brain, *, link: Path, behaviour: Behaviour = AS_IT_SHOULD) -> None:
        self.brain: Final = brain
        self._link = link
        self._behaviour = behaviour
        self._replies = 0
        self._writing = threading.Lock()
        self._stopping = threading.Event()
        self._ends: tuple[int, int] | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Plug it in."""
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        """Pull it if it is plugged in."""
        self.pull()

    def plug_in(self) -> None:
        """Power it up, put a terminal under the link and begin to answer."""
        scanner, host = pty.openpty()
        tty.setraw(host)
        self._ends = (scanner, host)
        self._link.symlink_to(os.ttyname(host))
        self._stopping.clear()
        self._thread = threading.Thread(target=self._answer, args=(scanner,), name="simulated-scanner", daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Take the cable out; the scanner loses power too."""
        if self._ends is None:
            return
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._link.unlink(missing_ok=True)
        for end in self._ends:
            os.close(end)
        self._ends = None
        self.brain.power_cut()

    def show(self, payload: bytes) -> None:
        """Hold a code before it."""
        self._send(self.brain.show(payload))

    def show_setup_code(self, changes: Mapping[Any, Any]) -> None:
        """Hold a code before it that would change its settings."""
        rate = self.brain.baud_rate
        self._send(self.brain.show_setup_code(changes), rate=rate)

    def send(self, data: bytes) -> None:
        """Put bytes on the line as they are: noise, or a code of another make."""
        self._send(data)

    def _answer(self, scanner: int) -> None:
        while not self._stopping.is_set():
            if not select.select([scanner], [], [], _WAIT)[0]:
                continue
            try:
                heard = os.read(scanner, 512)
            except OSError:
                return
            rate = self.brain.baud_rate
            if self._behaviour.deaf or self._host_rate(scanner) != rate:
                continue
            for reply in self.brain.feed(heard):
                self._reply(reply, rate)

    def _reply(self, reply: bytes, rate: int) -> None:
        """Send one reply at the rate the question came in, however it goes wrong."""
        behaviour, number = self._behaviour, self._replies
        self._replies += 1
        if number < behaviour.lost_replies:
            return
        if number < behaviour.lost_replies + behaviour.damaged_replies:
            reply = reply[:-1] + bytes([reply[-1] ^ 0xFF])
        if behaviour.reply_after:
            self._stopping.wait(behaviour.reply_after)
        self._send(behaviour.before_reply + reply, rate=rate)

    def _send(self, data: bytes, *, rate: int | None = None) -> None:
        if self._ends is None:
            return
        scanner, _ = self._ends
        rate = rate or self.brain.baud_rate
        with self._writing:
            if self._host_rate(scanner) != rate:
                data = bytes(byte & 0x81 | 0x80 for byte in data)  # what a host at another rate makes of it
            for start in range(0, len(data), _PIECE):
                piece = data[start : start + _PIECE]
                os.write(scanner, piece)
                if self._behaviour.paced:
                    self._stopping.wait(len(piece) * _BITS_PER_BYTE / rate)

    @staticmethod
    def _host_rate(scanner: int) -> int:
        return _SPEEDS.get(termios.tcgetattr(scanner)[5], 0)
