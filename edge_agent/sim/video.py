"""An endless invented video: a card comes in, is held for some seconds by a trembling hand, leaves; then the next card.

- It is a ``FrameSource`` like the camera: frames at its own rate, the newest one only, and they go through the real decoder.
- Cards come in the deck's order unless ``show(index)`` asked for some; those come first, in the order asked. Asking ends the
  present card's turn at once, so a person who presses "show the next card" waits about a second and a half.
- With ``cycling=False`` only cards that were asked for appear, until ``wait_for_card(True)``: then the next card of the deck comes
  after ``PATIENCE_SECONDS``, and the deck goes round until the waiting is over. Until then the lobby is empty.
- Deterministic: the pictures depend on the payloads, the seed and the frame's place in the turn, not on when they are asked for.
- Cheap: a card is drawn when its turn comes, a frame is rendered when it is due; only the present card's few held frames
  and the empty lobby's are kept, in memory.

Example: ``video = SampleCards(payloads, clock=clock); video.show(3); FrameReader(video, clock=clock).start(deliver, report)``
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from edge_agent.readers.port import Frame
from edge_agent.sim.cards import draw_card, printed_fields
from edge_agent.sim.frames import DIFFICULTIES, CardPrint, Difficulty, Grey, Pose, Studio
from residence.clock import Clock

COMING_SECONDS: Final = 1.0
HELD_SECONDS: Final = 5.0
LEAVING_SECONDS: Final = 0.6
EMPTY_SECONDS: Final = 2.2  # longer than a code stays "in view" for the reader, so the same card twice counts twice
PATIENCE_SECONDS: Final = 8.0  # time to choose a card oneself
_HELD_PICTURES: Final = 10  # the hand's tremble repeats after this many frames
_EMPTY_PICTURES: Final = 4  # and the noise of the empty lobby after this many

Phase = Literal["empty", "coming", "held", "leaving"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleCard:
    """One card of the deck, for a page's buttons."""

    index: int
    label: str
    payload: str


class SampleCards:
    """The deck before the camera."""

    name: Final = "sample-cards"

    def __init__(
        self,
        payloads: Sequence[str],
        *,
        clock: Clock,
        seed: int = 0,
        difficulty: Difficulty = DIFFICULTIES[1],
        frames_per_second: float = 8.0,
        cycling: bool = True,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.deck: Final = tuple(
            SampleCard(index=index, label=_label(payload), payload=payload) for index, payload in enumerate(payloads)
        )
        self._clock = clock
        self._seed = seed
        self._difficulty = difficulty
        self._rate = frames_per_second
        self._cycling = cycling
        self._sleep = sleep
        self._studio: Studio | None = None
        self._opened_ns = 0
        self._last_number = -1
        self._turn = Turn(frames_per_second, cards=len(self.deck))
        self._print: tuple[int, CardPrint] | None = None
        self._held: dict[int, Grey] = {}
        self._empty: dict[int, Grey] = {}

    def show(self, index: int) -> None:
        """Ask for the card ``index`` of ``deck`` next; callable from any thread."""
        if not 0 <= index < len(self.deck):
            raise IndexError(index)
        self._turn.ask(index)

    def wait_for_card(self, waiting: bool) -> None:  # noqa: FBT001 - said by a screen that waits, or no longer does
        """Tell whether somebody waits for a card; callable from any thread, as often as one likes."""
        if waiting and not self._cycling:
            self._turn.be_patient(round(PATIENCE_SECONDS * self._rate))
        self._cycling = waiting

    @property
    def showing(self) -> int | None:
        """Return the index of the card in view or on its way, or None while the lobby is empty."""
        return self._turn.card if self._turn.phase != "empty" else None

    def open(self) -> None:
        """Set the studio up and start the clock."""
        if self._studio is None:
            self._studio = Studio(seed=self._seed)
        self._opened_ns = self._clock.monotonic_ns()
        self._last_number = -1

    def newest(self, wait_seconds: float) -> Frame | None:
        """Return the frame due now, waiting for it when the last one is still the newest."""
        number, elapsed = self._due()
        if number <= self._last_number:
            until_next = (self._last_number + 1) / self._rate - elapsed
            self._sleep(min(wait_seconds, max(until_next, 0.0) + 1e-4))
            number, elapsed = self._due()
            if number <= self._last_number:
                return None
        for _ in range(number - self._last_number):
            self._turn.advance(cycling=self._cycling)
        self._last_number = number
        return Frame(grey=self._render(), number=number, taken_ns=self._clock.monotonic_ns())

    def close(self) -> None:
        """Forget the pictures."""
        self._held.clear()
        self._empty.clear()
        self._print = None

    def _due(self) -> tuple[int, float]:
        elapsed = (self._clock.monotonic_ns() - self._opened_ns) / 1e9
        return math.floor(elapsed * self._rate), elapsed

    def _render(self) -> Grey:
        studio = self._studio
        if studio is None:
            raise RuntimeError("open() comes first")
        turn = self._turn
        if turn.phase == "empty":
            place = turn.step % _EMPTY_PICTURES
            if place not in self._empty:
                self._empty[place] = studio.empty(self._difficulty, shot=place)
            return self._empty[place]
        if turn.phase != "held":
            return studio.render(self._card(), turn.pose(self._difficulty, studio.size), self._difficulty, shot=turn.step)
        place = turn.step % _HELD_PICTURES
        card = self._card()
        if place not in self._held:
            self._held[place] = studio.render(card, turn.pose(self._difficulty, studio.size), self._difficulty, shot=place)
        return self._held[place]

    def _card(self) -> CardPrint:
        index = self._turn.card
        if self._print is None or self._print[0] != index:
            self._print = (index, CardPrint(draw_card(self.deck[index].payload)))
            self._held.clear()
        return self._print[1]


class Turn:
    """Whose turn it is and how far it has come: one step for each frame of the video."""

    def __init__(self, rate: float, *, cards: int) -> None:
        self.card = -1
        self.phase: Phase = "empty"
        self.step = 0
        self._cards = cards
        self._asked: deque[int] = deque()
        self._patience = 0
        self._lock = threading.Lock()
        seconds: dict[Phase, float] = {
            "empty": EMPTY_SECONDS,
            "coming": COMING_SECONDS,
            "held": HELD_SECONDS,
            "leaving": LEAVING_SECONDS,
        }
        self._length = {phase: max(1, round(length * rate)) for phase, length in seconds.items()}
        self.step = self._length["empty"]  # the first card comes at once

    def ask(self, index: int) -> None:
        """Put a card at the end of the queue and let the present one leave."""
        with self._lock:
            self._asked.append(index)
            if self.phase == "held":
                self._enter("leaving")

    def be_patient(self, frames: int) -> None:
        """Leave the lobby empty for so many frames more, unless a card is asked for."""
        with self._lock:
            self._patience = self.step + frames if self.phase == "empty" else frames

    def advance(self, *, cycling: bool) -> None:
        """Go on by one frame."""
        with self._lock:
            self.step += 1
            wanted = self._asked and self.phase == "held" and self.step >= self._length["coming"]
            if self.step < self._length[self.phase] and not wanted:
                return
            if self.phase == "empty":
                self._next_card(cycling=cycling)
            elif self.phase == "coming":
                self._enter("held")
            elif self.phase == "held":
                self._enter("leaving")
            else:
                self._enter("empty")

    def pose(self, difficulty: Difficulty, size: tuple[int, int]) -> Pose:
        """Place the card for this frame: on its way in, held and trembling, or on its way out."""
        width, height = size
        place = self.step % _HELD_PICTURES if self.phase == "held" else 0
        tremble = np.random.default_rng([self.card, place]).normal(0, 1, 4)
        away = self._away()
        x = width * (0.5 - 0.55 * away) + difficulty.shake * tremble[0]
        y = height * (0.49 + 0.75 * away) + difficulty.shake * tremble[1]
        return Pose(
            x=float(x),
            y=float(y),
            scale=1 - 0.35 * away,
            tilt_x=float(6 + 14 * away + 0.8 * tremble[2]),
            tilt_y=float(-5 - 10 * away + 0.8 * tremble[3]),
            spin=2.5 - 16 * away,
            blur=3.0 * away,
            motion=float(26 * away if away else difficulty.motion * difficulty.shake * abs(tremble[0])),
            motion_angle=-0.9,
        )

    def _away(self) -> float:
        share = (self.step + 1) / (self._length[self.phase] + 1)
        if self.phase == "coming":
            return (1 - share) ** 2
        return share**2 if self.phase == "leaving" else 0.0

    def _next_card(self, *, cycling: bool) -> None:
        if self._asked:
            self.card = self._asked.popleft()
        elif cycling and self._cards and self.step >= self._patience:
            self.card = (self.card + 1) % self._cards
        else:
            return
        self._enter("coming")

    def _enter(self, phase: Phase) -> None:
        if phase == "coming":
            self._patience = 0
        self.phase = phase
        self.step = 0


def _label(payload: str) -> str:
    fields = printed_fields(payload)
    return fields.name.title() if fields else payload[:40]
