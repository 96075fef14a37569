"""Watches a frame source for cards: opens it, decodes the newest frame, delivers what is newly shown, and never gives up.

- Newest frame only: a frame that came while another was decoded is dropped, so what is delivered is what is in view now.
- A frame may take ``budget_ns``; the slower decoder stages are skipped when it is used up.
- An empty scene is given only the quickest stage, but for two frames a second (``edge_agent/scanning/attention.py``).
- A source that fails is closed and opened again after a pause that doubles from a quarter second up to two seconds.
- A video that does not loop ends the reader: ``lost`` with ``reader.finished``.
- Frames live in memory for the time of one decode. Nothing is written, logged or kept.

Example: ``FrameReader(Camera(0, clock=clock), clock=clock).start(deliver, report)``
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import structlog

from edge_agent.readers.port import Capture, Deliver, Frame, FrameSource, HealthState, ReaderHealth, Report
from edge_agent.scanning.attention import Attention
from edge_agent.scanning.cascade import QUICK, Stage, decode
from edge_agent.scanning.shown import NewlyShown
from residence.clock import Clock
from residence.errors import LuutruError

BUDGET_NS: Final = 80_000_000
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 2.0
_WAIT_FOR_FRAME: Final = 0.5
_STOP_WITHIN: Final = 3.0

log = structlog.get_logger(__name__)


class FrameReader:
    """A ``Reader`` over any ``FrameSource``."""

    def __init__(self, source: FrameSource, *, clock: Clock, stages: Sequence[Stage] = QUICK, budget_ns: int = BUDGET_NS) -> None:
        self.name: Final = source.name
        self._source = source
        self._clock = clock
        self._stages = stages
        self._budget_ns = budget_ns
        self._shown = NewlyShown()
        self._attention = Attention()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._health: tuple[HealthState, str] | None = None

    def start(self, deliver: Deliver, report: Report) -> None:
        """Begin watching on an own daemon thread."""
        self._stopping.clear()
        self._health = None
        self._thread = threading.Thread(target=self._run, args=(deliver, report), name=f"reader-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End watching and close the source."""
        self._stopping.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_WITHIN)

    def _run(self, deliver: Deliver, report: Report) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            healthy = False
            try:
                self._source.open()
                healthy = self._watch(deliver, report)
            except LuutruError as error:
                healthy = self._health == ("ok", "")
                self._say(report, "lost", error.code)
                if error.code == "reader.finished":
                    break
            except Exception as error:  # noqa: BLE001 -- a device's library may raise anything; the thread must live on
                # The traceback stays out of the log: its frames hold payloads.
                log.error("reader failed", reader=self.name, error=type(error).__name__)  # noqa: TRY400
                self._say(report, "lost", "reader.failed")
            finally:
                self._source.close()
            pause = FIRST_PAUSE if healthy else min(pause * 2, LONGEST_PAUSE)
            self._stopping.wait(pause)

    def _watch(self, deliver: Deliver, report: Report) -> bool:
        while not self._stopping.is_set():
            frame = self._source.newest(_WAIT_FOR_FRAME)
            if frame is None:
                continue
            self._say(report, "ok", "")
            for capture in self._captures(frame):
                deliver(capture)
        return True

    def _captures(self, frame: Frame) -> list[Capture]:
        deadline = self._clock.monotonic_ns() + self._budget_ns
        awake = self._attention.is_awake(frame.grey, now_ns=frame.taken_ns)
        codes = decode(frame.grey, stages=self._stages, time_left=lambda: awake and self._clock.monotonic_ns() < deadline)
        return [
            Capture(payload=code.payload, symbology=code.format, reader=f"{self.name}:{code.reader}", seen_at_ns=frame.taken_ns)
            for code in codes
            if self._shown.is_new(code.payload, frame.taken_ns)
        ]

    def _say(self, report: Report, state: HealthState, code: str) -> None:
        if self._health != (state, code):
            self._health = (state, code)
            report(ReaderHealth(reader=self.name, state=state, code=code, at_ns=self._clock.monotonic_ns()))
