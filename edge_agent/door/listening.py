"""Readers that serve two: what is a pass goes to the door, all else to the dialogue.

- The dialogue never sees a pass, the door never sees a card. A wrapped reader is a reader as any other.

Example: ``agent = KioskAgent(readers=[DoorListening(each, keeper=keeper) for each in readers], ...)``
"""

from __future__ import annotations

from edge_agent.door.keeper import DoorKeeper
from edge_agent.door.presenting import looks_like_pass
from edge_agent.readers.port import Capture, Deliver, Reader, Report


class DoorListening:
    """A reader with a door's ear at it."""

    def __init__(self, reader: Reader, *, keeper: DoorKeeper) -> None:
        self._reader = reader
        self._keeper = keeper

    @property
    def name(self) -> str:
        """Return the reader's own name."""
        return self._reader.name

    def start(self, deliver: Deliver, report: Report) -> None:
        """Begin reading."""

        def sort(capture: Capture) -> None:
            if looks_like_pass(capture.payload):
                self._keeper.show(capture.payload, reader=capture.reader)
            else:
                deliver(capture)

        self._reader.start(sort, report)

    def stop(self) -> None:
        """End reading."""
        self._reader.stop()
