"""What the agent hands to the page at one moment: the dialogue's state and how the kiosk is.

- A view is a value: the page may keep it for the time of one answer and never changes it.
- ``version`` grows with every change a person could see, ``visit`` with every wipe.

Example: ``agent.view().health.online``
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_agent.kiosk.news import CallAnswered, HostAnswered, PathAnswered
from edge_agent.kiosk.path_states import AskPathCode
from edge_agent.kiosk.ports import AskedPort
from edge_agent.kiosk.states import PartyResult, Result, Standing, State
from edge_agent.readers.port import ReaderHealth


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """How the kiosk is; nothing of it is personal."""

    connection: str  # the line's state, in ``edge_agent/line.py``'s words
    depth: int
    oldest_unsent_at: str | None
    full: bool  # the store takes nothing more
    readers: tuple[ReaderHealth, ...]
    words: int = 0  # which words the screens speak with

    @property
    def online(self) -> bool:
        """Tell whether the registry can be reached now."""
        return self.connection == "up"

    def seen(self) -> tuple[object, ...]:
        """Return what of it the page shows; a line that tries again and again is not news."""
        return self.connection if self.connection in {"up", "holding"} else "", self.depth, self.full, self.can_read, self.words

    def told(self) -> dict[str, dict[str, object]]:
        """Return how each reader is, and what its camera made of its settings."""
        return {
            each.reader: {
                "state": each.state,
                "code": each.code,
                "settings": {one.name: {"asked": one.asked, "got": one.got} for one in each.settings},
            }
            for each in self.readers
        }

    @property
    def can_read(self) -> bool:
        """Tell whether a reader works, or none has reported yet."""
        return not self.readers or any(reader.state != "lost" for reader in self.readers)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What the page shows: the state, a number that grows with every change, and the visit it belongs to."""

    state: State
    version: int
    visit: int
    health: Health
    seconds_left: float | None
    cue: str = ""


def seen_of(state: State) -> tuple[object, ...]:
    """Return what of a state a person can see."""
    sight = state.contrast, state.large
    return state.screen, state.language, state.warning, state.unhurried, state.calling, state.voice, sight


def answers_to(state: State, asked: AskedPort) -> Iterator[CallAnswered | HostAnswered | PathAnswered]:
    """Yield what people have answered to what this screen asks of them."""
    call = state.calling
    if call is not None and (called := asked.call_answer(call.call_id)) is not None and called != call.standing:
        yield CallAnswered(call_id=call.call_id, answer=called)
    screen = state.screen
    question = screen.question if isinstance(screen, AskPathCode) else ""
    if question and (answer := asked.path_answer(question)) is not None:
        yield PathAnswered(question=question, answer=answer)
    said = asked.host_answer(screen.declaration_id) if isinstance(screen, Result) else None
    if isinstance(screen, Result) and said is not None and said != screen.host:
        yield HostAnswered(declaration_id=screen.declaration_id, answer=said)


def awaited_of(state: State) -> tuple[tuple[str, Standing], ...]:
    """Return the declarations on the screen that may have news, and what the screen says of each."""
    match state.screen:
        case Result(declaration_id=about, standing=standing):
            return ((about, standing),)
        case PartyResult(entries=entries):
            return tuple((each.declaration_id, each.standing) for each in entries if each.standing is not None)
        case _:
            return ()
