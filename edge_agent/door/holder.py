"""The process that holds a relay: on for as long as it was told, and never for longer than a few seconds at a time.

- One process a door, with one pin and nothing else, so that nothing else can hang it. It reads milliseconds, one number a line, from
  standard input: drive the relay for so long from now; 0: let go. It answers each with ``on`` or ``off``, and says when a lease is over.
- Whoever told it may crash, hang or be killed: the lease ends, the relay rests. When the line to him ends, so does this process after it.
- Its first act is to let go: whatever an earlier one left behind ends with the next start.
- It imports next to nothing: it is there as long as the kiosk is, and every mebibyte of it is the kiosk's.
- If this process itself is killed, the agent notices and starts another. Should both die at once, what remains is the next start of the
  service, and a monostable relay board (docs/doors.md).

Example: ``python -m edge_agent.door.holder --pin 17 --active high --pins gpio``
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from edge_agent.door.pins import open_pins

MOST_MS: Final = 5_000  # whatever is asked for, it is held no longer
_LONGEST_LINE: Final = 64


class Relay:
    """A relay that is on until a moment, and then is off."""

    def __init__(self, switch: Callable[[bool], None], say: Callable[[str], None]) -> None:
        self._switch = switch
        self._say = say
        self._until: float | None = None
        switch(False)

    def hold(self, milliseconds: int, *, now: float) -> None:
        """Drive the relay for so long from now, or let go; say which."""
        self._until = now + min(milliseconds, MOST_MS) / 1000 if milliseconds > 0 else None
        self._switch(self._until is not None)
        self._say("on" if self._until is not None else "off")

    def look(self, *, now: float) -> float | None:
        """Let go when the lease is over; return how long it still lasts."""
        if self._until is None:
            return None
        if now < self._until:
            return self._until - now
        self.hold(0, now=now)
        return None


def serve(relay: Relay, *, source: int, clock: Callable[[], float]) -> None:
    """Take numbers from a pipe until it ends and the last lease is over."""
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        unread, open_ = b"", True
        while True:
            left = relay.look(now=clock())
            if not open_ and left is None:
                return
            if not open_:
                time.sleep(left or 0)
                continue
            if selector.select(left):
                chunk = os.read(source, 4096)
                open_ = bool(chunk)
                *lines, unread = (unread + chunk).split(b"\n")
                unread = unread[-_LONGEST_LINE:]
                for line in lines[-1:]:  # only the newest word counts
                    relay.hold(int(line) if line.isdigit() else 0, now=clock())


def main() -> None:
    """Hold one relay until the line ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pin", type=int, required=True)
    parser.add_argument("--active", choices=("high", "low"), default="high")
    parser.add_argument("--pins", choices=("gpio", "pretend"), default="gpio")
    chosen = parser.parse_args()
    from gpiozero import OutputDevice

    device: Any = OutputDevice(
        chosen.pin, active_high=chosen.active == "high", initial_value=False, pin_factory=open_pins(chosen.pins)
    )

    def switch(on: bool) -> None:  # noqa: FBT001 - a switch
        device.value = on

    def leave(*_about: object) -> None:
        switch(False)
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the agent; our line ends with it
    serve(Relay(switch, _say), source=sys.stdin.fileno(), clock=time.monotonic)
    device.close()


def _say(word: str) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more; the relay matters
        os.write(sys.stdout.fileno(), f"{word}\n".encode())


if __name__ == "__main__":
    main()
