"""What the agent needs of an outbox, whoever provides it: ``edge_agent/outbox.py`` on a kiosk, one in memory in tests.

- ``keep`` returns only when the statement is durable; whatever it raises means "not kept", and the screen says so.
- Nothing here is personal but the message handed in.

Example: ``kept = outbox.keep(declaration); outbox.settlement(kept.declaration_id)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from edge_agent.kiosk.effects import AskPath, CallPerson, EndCall
from edge_agent.kiosk.events import Event
from edge_agent.kiosk.states import Standing
from residence.credentials.evidence import Reading
from residence.stays.declaration import StayDeclaration
from residence.wire.kiosk_answers import CallAnswer, HostAnswer, PathAnswer
from residence.wire.messages import Presence, Receipt


class KeptRow(Protocol):
    """What the outbox answers when a row is committed."""

    @property
    def declaration_id(self) -> str:
        """The identity of what was kept."""
        ...

    @property
    def code(self) -> str:
        """The receipt code a person can read out."""
        ...

    @property
    def own_code(self) -> str:
        """The code of their own, for a slip."""
        ...


class SettlementRow(Protocol):
    """Where a kept row is."""

    @property
    def state(self) -> Standing:
        """How far it has come."""
        ...

    @property
    def receipt(self) -> Receipt | None:
        """The registry's answer, once there is one."""
        ...


class ChipPort(Protocol):
    """What the agent needs of ``edge_agent/chip_station.py``."""

    def begin(self, own_id: str, reading: Reading | None, tell: Callable[[Event], None], *, can: str = "") -> None:
        """Wait for a card and read its chip once, on a thread of its own; what was asked before is given up. ``can`` was typed.

        Without a reading the chip itself says whose it is.
        """
        ...

    def stop(self) -> None:
        """Give up what was asked. Harmless when nothing was."""
        ...


class AskedPort(Protocol):
    """What the agent needs of ``edge_agent/asked.py``."""

    def ask(self, effect: CallPerson | EndCall | AskPath) -> None:
        """Call a person, or nobody any more; ask how far a path is."""
        ...

    def call_answer(self, call_id: str) -> CallAnswer | None:
        """Return what came of a call."""
        ...

    def path_answer(self, question: str) -> PathAnswer | None:
        """Return what was answered to a question about a path."""
        ...

    def host_answer(self, declaration_id: str) -> HostAnswer | None:
        """Return what the resident said of a guest's declaration."""
        ...


class OutboxPort(Protocol):
    """What the agent needs of ``edge_agent/outbox.py``."""

    def keep(self, message: StayDeclaration | Presence) -> KeptRow:
        """Seal and commit, or raise ``Refused("outbox.disk_full")``."""
        ...

    def settlement(self, declaration_id: str) -> SettlementRow | None:
        """Say where a row is."""
        ...

    def declaration_of(self, code: str) -> str | None:
        """Return the declaration that has this receipt code, among those kept here."""
        ...

    def depth(self) -> int:
        """Count the rows without a receipt."""
        ...

    @property
    def full(self) -> bool:
        """Tell whether the last attempt to keep met a full disk."""
        ...

    def oldest_unsent_at(self) -> str | None:
        """Say since when the oldest of them waits."""
        ...


class SampleCard(Protocol):
    """One card of the deck."""

    @property
    def index(self) -> int:
        """Its place in the deck."""
        ...

    @property
    def label(self) -> str:
        """What its button says."""
        ...


class Deck(Protocol):
    """Sample cards that can be held before the camera (``edge_agent/sim/video.py``)."""

    @property
    def deck(self) -> Sequence[SampleCard]:
        """The cards."""
        ...

    def show(self, index: int) -> None:
        """Hold a card before the camera, as a person would."""
        ...
