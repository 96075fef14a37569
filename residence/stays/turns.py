"""In which order what was said of a stay counts: by when it was said, and never later than when it reached us.

- Said when: the later of the statement's own id (UUIDv7) and its ``declared_at``. A form's id is made when it is opened, an event's at its own time.
- A clock that is ahead gains nothing: nothing counts as said after it was received, by our clock. Whoever speaks next comes after it.
- A clock that says a statement is older than what it is about, or than anything is kept that waits for a line, is wrong; such a statement counts
  from when it was received.
- What was said before something that reached us first is *overtaken*: it stands recorded, changes nothing, and its sender is told.
- Only facts about each statement alone decide, so whatever is recorded first, the order is the same.

Example: an event stamped five minutes ahead, received at 10:00, and an extension made at 10:01: the extension is the later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from residence.clock import parse_instant
from residence.errors import Malformed
from residence.stays.declaration import StayDeclaration

_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_LAST: Final = int(
    datetime(2999, 12, 31, tzinfo=UTC).timestamp() * 1000
)  # the 48 bits of an id reach beyond what a datetime holds
_OLDEST: Final = 30 * 24 * 3600 * 1000  # milliseconds; longer ago than this no statement is believed to have been made (ADR 25)


class Turn(NamedTuple):
    """Where a statement stands among others: later ones are greater. ``at``: milliseconds since 1970."""

    at: int
    received: datetime
    declaration_id: str

    def is_overtaken_by(self, other: Turn) -> bool:
        """Tell whether the other was said later and reached us first."""
        return other > self and other.received < self.received


Turns = Mapping[str, Turn]


def turns_of(declarations: Iterable[StayDeclaration], received: Mapping[str, datetime]) -> dict[str, Turn]:
    """Return each statement's turn by its id. ``received``: when each reached us; one that is missing is believed."""
    plain: dict[str, Turn] = {}
    about: dict[str, str] = {}
    for each in declarations:
        own_id, claimed = each.declaration_id, _claimed(each)
        at = received.get(own_id) or datetime.fromtimestamp(claimed / 1000, UTC)
        plain[own_id] = Turn(_believed(claimed, at), at, own_id)
        if each.about:
            about[own_id] = each.about
    for own_id, named in about.items():
        turn, before = plain[own_id], plain.get(named)
        if before is not None and turn.at < before.at:
            plain[own_id] = turn._replace(at=_milliseconds(turn.received))
    return plain


def sealed_turn(own_id: str, received: datetime) -> Turn:
    """Return the turn of a statement that is not opened: by its id alone, so a form counts from when it was opened."""
    return Turn(_believed(_made(own_id), received), received, own_id)


def _believed(claimed: int, received: datetime) -> int:
    at = _milliseconds(received)
    return claimed if at - _OLDEST <= claimed <= at else at


def _made(own_id: str) -> int:
    return int(own_id[:8] + own_id[9:13], 16) if _UUID7.fullmatch(own_id) else 0


def _claimed(declaration: StayDeclaration) -> int:
    made = _made(declaration.declaration_id)
    try:
        declared = _milliseconds(parse_instant(declaration.declared_at))
    except Malformed:
        declared = 0
    return min(max(made, declared), _LAST)


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
