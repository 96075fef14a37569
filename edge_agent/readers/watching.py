"""Watches a frame source for cards: decodes the newest frame and delivers what is newly shown.

- Newest frame only: a frame that came while another was decoded is dropped, so what is delivered is what is in view now.
- A frame may take ``budget_ns``, and the slow stages no more than their share of a core over time (``scanning/budget.py``).
- While nothing moves (``scanning/attention.py``) ten frames a second are held against the scene, and two of them are decoded whole and searched, by
  every stage; a camera is told that it may rest in between. While somebody is asked for a card every one of the ten is searched, by the quickest stage at least.
- A frame without a code is searched for a passport's machine-readable zone where a ``ZoneWatch`` is given and something moves.
- A part of a message in several codes is refused when it is newly shown (``refusal_of``), whatever it says; the reader's health
  tells so until the next code that is delivered.
- A code that is no card (a poster behind the person) does not end the search for one in the same frame.
- What several frames say together counts as read (``scanning/following.py``); it is wiped with the visit.
- While somebody is asked for a card, a frame searched in vain gives a hint to them, four times a second at most.
- A source that fails is closed and opened again (``supervising.py``); a video that does not loop ends the reader.
- Frames live in memory for the time of one decode. Nothing is written, logged or kept.

Example: ``FrameReader(Camera(0, clock=clock), clock=clock).start(deliver, report)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge_agent.readers.port import Adjustable, Capture, Deliver, Frame, FrameSource, Report, Restful
from edge_agent.readers.supervising import Supervisor
from edge_agent.scanning.attention import Attention
from edge_agent.scanning.budget import Budget
from edge_agent.scanning.cascade import QUICK, Stage, refusal_of
from edge_agent.scanning.codes import Code, has_card
from edge_agent.scanning.following import Following
from edge_agent.scanning.hint_codes import HintCode
from edge_agent.scanning.hints import Hints, is_dark
from edge_agent.scanning.locating import locate
from edge_agent.scanning.shown import NewlyShown
from edge_agent.scanning.views import View
from residence.clock import Clock

if TYPE_CHECKING:
    from edge_agent.mrz_reading.watching import ZoneWatch

BUDGET_NS: Final = 80_000_000
GLANCE_NS: Final = 250_000_000
IDLE_SECONDS: Final = (
    0.09  # from a frame of a scene where nothing moves until the next is asked for: of ten a second none is missed
)
SETTLED_FRAMES: Final = 5  # a camera's settings hold by then
_WAIT_FOR_FRAME: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Guide:
    """Who is told how to hold the card: whether somebody is asked for one now, and what to show them."""

    wanted: Callable[[], bool]
    show: Callable[[HintCode | None], None]


class FrameReader:
    """A ``Reader`` over any ``FrameSource``."""

    def __init__(
        self,
        source: FrameSource,
        *,
        clock: Clock,
        stages: Sequence[Stage] = QUICK,
        budget_ns: int = BUDGET_NS,
        guide: Guide | None = None,
        zones: ZoneWatch | None = None,
    ) -> None:
        self.name: Final = source.name
        self._source = source
        self._stages = stages
        self._guide = guide
        self._zones = zones
        self._shown = NewlyShown()
        self._attention = Attention()
        self._following = Following()
        self._budget = Budget(timer_ns=clock.monotonic_ns, frame_ns=budget_ns)
        self._hints = Hints()
        self._glanced_ns = 0
        self._looked = 0
        self._refusing = False
        self._clock = clock
        self._supervisor = Supervisor(source.name, clock=clock)

    def start(self, deliver: Deliver, report: Report) -> None:
        """Begin watching on an own daemon thread."""
        self._supervisor.start(lambda: self._session(deliver), report)

    def stop(self) -> None:
        """End watching and close the source."""
        self._supervisor.stop()

    @property
    def beat_ns(self) -> int | None:
        """Return when the thread last showed that it is not stuck."""
        return self._supervisor.beat_ns

    def _session(self, deliver: Deliver) -> None:
        try:
            self._source.open()
            self._following.forget()
            self._looked = 0
            while not self._supervisor.stopping.is_set():
                frame = self._source.newest(_WAIT_FOR_FRAME)
                if frame is None:
                    continue
                self._say_how_it_is()
                self._look(frame, deliver)
                if not self._attention.is_stirring(frame.taken_ns):
                    self._rest(frame.taken_ns)
        finally:
            self._source.close()

    def _say_how_it_is(self) -> None:
        self._looked += 1
        if self._looked == 1 or (self._looked == SETTLED_FRAMES and not self._refusing):
            self._say_that_it_works()

    def _say_that_it_works(self) -> None:
        self._refusing = False
        is_settled = self._looked >= SETTLED_FRAMES
        settings = self._source.settings if is_settled and isinstance(self._source, Adjustable) else ()
        if all(each.taken for each in settings):
            self._supervisor.say("ok", settings=settings)
        else:
            self._supervisor.say("degraded", "reader.setting_refused", settings=settings)

    def _look(self, frame: Frame, deliver: Deliver) -> None:
        awake = self._attention.is_awake(frame.glimpse, now_ns=frame.taken_ns)
        if not awake and not (self._guide is not None and self._guide.wanted()):
            return  # the scene is as it was when it was last searched, half a second ago at most
        self._budget.begin(awake=self._attention.is_stirring(frame.taken_ns))
        codes, view = self._following.read(
            frame.grey,
            now_ns=frame.taken_ns,
            stages=self._stages,
            time_left=lambda: awake and self._budget.time_left(),
            enough=has_card,
        )
        self._budget.end()
        for code in codes:
            if self._shown.is_new(code.payload, frame.taken_ns):
                self._hand_on(code, view, frame, deliver)
        if not codes and view.refusals:
            self._refuse(view.refusals[0])
        if awake and not codes:
            self._look_for_a_zone(frame, deliver)
        if self._guide is not None:
            self._glance(self._guide, frame, view, is_read=has_card(codes))

    def _hand_on(self, code: Code, view: View, frame: Frame, deliver: Deliver) -> None:
        if refusal := refusal_of(view, code):
            self._refuse(refusal)
            return
        if self._refusing:
            self._say_that_it_works()
        deliver(self._capture(code, frame))

    def _refuse(self, refusal: str) -> None:
        self._refusing = True
        self._supervisor.say("degraded", refusal)

    def _capture(self, code: Code, frame: Frame) -> Capture:
        return Capture(
            payload=code.payload, symbology=code.format, reader=f"{self.name}:{code.reader}", seen_at_ns=frame.taken_ns
        )

    def _glance(self, guide: Guide, frame: Frame, view: View, *, is_read: bool) -> None:
        """Tell the person how to hold a card that was seen and not read."""
        if is_read or not guide.wanted():
            if self._hints.current is not None:
                guide.show(None)
            self._hints.forget()
            self._following.forget()
        elif (view.searched or view.looks) and frame.taken_ns - self._glanced_ns >= GLANCE_NS:
            self._glanced_ns = frame.taken_ns
            dark = self._attention.is_stirring(frame.taken_ns) and is_dark(frame.grey)
            guide.show(self._hints.see(locate(view), dark=dark, now_ns=frame.taken_ns))

    def _rest(self, taken_ns: int) -> None:
        seconds = IDLE_SECONDS - (self._clock.monotonic_ns() - taken_ns) / 1e9
        if not 0 < seconds <= IDLE_SECONDS:
            return
        if isinstance(self._source, Restful):
            self._source.rest(seconds)
        self._supervisor.stopping.wait(seconds)

    def _look_for_a_zone(self, frame: Frame, deliver: Deliver) -> None:
        zone = self._zones.look(frame.grey) if self._zones is not None else None
        if zone is not None and self._shown.is_new(zone.payload, frame.taken_ns):
            from edge_agent.mrz_reading.watching import SYMBOLOGY  # its alphabets are loaded only where zones are looked for

            reader = f"{self.name}:{zone.reader}"
            deliver(Capture(payload=zone.payload, symbology=SYMBOLOGY, reader=reader, seen_at_ns=frame.taken_ns, kind="mrz"))
