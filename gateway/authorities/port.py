"""What the rest of the gateway knows of another authority: its terms, whether something fits, and one way to send.

- A connector is one file and a rule set (``terms/<name>.toml``). It keeps no state that matters: everything durable is in
  ``registry/authority_records.py``, and everything about when and what to send is decided outside (``planning.py``, ``sending.py``).
- ``send`` never raises for what the network or the authority does; the fate says whether the same thing may be sent again.
- *Silent* is the fate that matters: it may be there, and nobody knows.

Example: ``connector.send(task)`` gives ``Outcome(fate="refused", code="authority.refused", words="...")``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, Protocol

import msgspec

from residence.errors import Problem
from residence.places.premises import PremisesKind
from residence.stays.declaration import StayDeclaration

Operation = Literal["arrival", "extension", "departure"]
Fate = Literal[
    "accepted",
    "refused",  # the authority read it and said no
    "unfit",  # it cannot be put into the authority's form; never sent
    "not-sent",  # certainly not read: nobody there, not logged in, told to wait
    "silent",  # it may have been read
]
AfterSilence = Literal["ask-again", "count-back"]


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an authority takes: its rule set, from ``terms/<name>.toml``."""

    id: str
    source: str
    valid_from: str  # YYYY-MM-DD: by the day of arrival
    arrival_days_back: int
    longest_days: int
    operations: tuple[Operation, ...]
    after_silence: AfterSilence  # whether sending the same again is safe, because the authority refuses doubles


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell about one stay."""

    operation: Operation
    facility: str
    declaration: StayDeclaration
    premises_kind: PremisesKind
    unit: str | None
    arrival: datetime
    disputed: tuple[
        str, ...
    ] = ()  # fields under dispute (residence.access.purposes.Field), told as such where the form has a place
    until: datetime  # planned departure, new planned departure, or when they left

    @property
    def is_foreigner(self) -> bool:
        """Tell which of the authority's forms it goes into."""
        return self.declaration.person.nationality != "VNM"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt ended. ``words``: what the authority said, which may name somebody."""

    fate: Fate
    code: str | None = None
    words: str = ""
    problems: tuple[Problem, ...] = ()
    wait: timedelta | None = None  # the authority's own wish


class Connector(Protocol):
    """One authority."""

    @property
    def name(self) -> str:
        """Return the name its records bear."""
        ...

    def terms(self, arrival: datetime) -> Terms:
        """Return the rule set for a stay that began then."""
        ...

    def check(self, task: Task) -> tuple[Problem, ...]:
        """Return everything that keeps the task from being sent, as far as can be told without asking anybody."""
        ...

    def is_beyond(self, problems: Iterable[Problem]) -> bool:
        """Tell whether any of these is nobody's to mend, so that another channel is needed."""
        ...

    def tells_disputes(self, declaration: StayDeclaration) -> bool:
        """Tell whether the form this guest goes into has a place to say that a value is under dispute."""
        ...

    def send(self, task: Task) -> Outcome:
        """Send it once."""
        ...
