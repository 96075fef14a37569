"""Readers that serve two: what is a pass goes to the door, all else to the dialogue. Health goes to both.

- The dialogue never sees a pass, the door never sees a card. A wrapped reader is a reader as any other.
- A reader that is lost, degraded or well again is an event of the door, durable as all of them.

Example: ``agent = KioskAgent(readers=[DoorListening(each, keeper=keeper, log=log) for each in readers], ...)``
"""

from __future__ import annotations

from edge_agent.door.event_log import DoorEventLog
from edge_agent.door.keeper import DoorKeeper
from edge_agent.door.presenting import looks_like_pass
from edge_agent.readers.port import Capture, Deliver, Reader, ReaderHealth, Report
from residence.doors.words import DoorFact


class DoorListening:
    """A reader with a door's ear at it."""

    def __init__(self, reader: Reader, *, keeper: DoorKeeper, log: DoorEventLog) -> None:
        self._reader = reader
        self._keeper = keeper
        self._log = log

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

        def hear(health: ReaderHealth) -> None:
            report(health)
            detail = f"{health.state} {health.reader} {health.code}".strip()
            self._log.append(door=self._keeper.door.name, what=DoorFact.READER, detail=detail)

        self._reader.start(sort, hear)

    def stop(self) -> None:
        """End reading."""
        self._reader.stop()
