"""Work queues as data: which cases stand in each, what a row shows, the one thing to do next, and what an empty one says.

- A queue is a question about a case's state, urgency and holder; never about who a case is about, and never a score.
- A filter narrows a queue by rule, urgency, place or holder. It is the same whether saved or in an address, so an address can be handed on.
- A case that rests (a timed hold) is in the queues of held cases alone, until its time is over.
- Every sentence of the file is said in both languages; an unknown key, a name said twice or a file without queues is refused.

>>> read_filter({"rule": "night_check", "whose": ""}).written
'rule=night_check'
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import urlencode

import msgspec

from residence.cases.transitions import CLOSED, CaseStatus
from residence.cases.triage import Urgency
from residence.cases.undeclared import CaseRule
from residence.errors import Malformed

Whose = Literal["anybody", "mine", "nobody", "others"]
Column = Literal["urgency", "place", "why", "rule", "clock", "holder", "ended"]
Call = Literal["take-next", "open-next"]
UrgencyName = Literal["NOW", "SOON", "IN_TURN", "WAITING", "DONE"]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z-]{0,31}$")]


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sentence in both languages."""

    vi: str
    en: str


class Queue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One queue. No urgencies: all of them. ``held``: cases that rest, and no others."""

    name: Name
    title: Said
    about: Said
    empty: Said
    states: tuple[CaseStatus, ...]
    columns: tuple[Column, ...]
    call: Call
    urgencies: tuple[UrgencyName, ...] = ()
    whose: Whose = "anybody"
    held: bool = False

    @property
    def closed(self) -> bool:
        """Tell whether it shows closed cases, which are read from elsewhere than those worked on."""
        return set(self.states) <= CLOSED


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    queue: tuple[Queue, ...]


class QueuedCase(msgspec.Struct, frozen=True, kw_only=True):
    """What a queue asks of a case."""

    state: CaseStatus
    rule: str
    premises_id: str
    urgency: Urgency
    holder: str | None  # who claimed it, else to whom it was given
    held_until: datetime | None = None


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What narrows a queue; None asks for nothing."""

    rule: CaseRule | None = None
    urgency: UrgencyName | None = None
    place: str | None = None
    whose: Whose | None = None

    @property
    def written(self) -> str:
        """Return the filter as the end of an address."""
        return urlencode({name: value for name, value in msgspec.structs.asdict(self).items() if value})


FILTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "rule": get_args(CaseRule),
    "urgency": get_args(UrgencyName)[:-1],
    "whose": get_args(Whose)[1:],
}


def read_queues(text: bytes) -> tuple[Queue, ...]:
    """Return the queues of a file, in its order, or raise ``Malformed("queue.*")``."""
    try:
        queues = msgspec.toml.decode(text, type=_File).queue
    except msgspec.ValidationError as error:
        raise Malformed("queue.setting", "/queue", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("queue.not_toml", "/queue") from error
    if not queues or len({each.name for each in queues}) != len(queues):
        raise Malformed("queue.names", "/queue")
    if any(set(each.states) & CLOSED and not each.closed for each in queues):
        raise Malformed("queue.states", "/queue")
    return queues


def read_filter(asked: Mapping[str, str]) -> Filter:
    """Return what an address or form asks for, blanks and other keys left aside, or raise ``Malformed("queue.filter")``."""
    given: dict[str, Any] = {
        name: value for name in Filter.__struct_fields__ if (value := asked.get(name, "").strip()) and len(value) <= _LONGEST
    }
    try:
        return msgspec.convert(given, Filter)
    except msgspec.ValidationError as error:
        raise Malformed("queue.filter", "/filter") from error


_LONGEST: Final = 64


def stands_in(queue: Queue, case: QueuedCase, *, me: str, now: datetime) -> bool:
    """Tell whether a case stands in a queue of somebody, as of now."""
    rests = case.held_until is not None and case.held_until > now
    return (
        case.state in queue.states
        and (case.state in CLOSED or rests == queue.held)
        and (not queue.urgencies or case.urgency.name in queue.urgencies)
        and _is(queue.whose, case.holder, me)
    )


def passes(asked: Filter, case: QueuedCase, *, me: str) -> bool:
    """Tell whether a case is one of those a filter asks for."""
    return (
        asked.rule in {None, case.rule}
        and asked.urgency in {None, case.urgency.name}
        and asked.place in {None, case.premises_id}
        and _is(asked.whose or "anybody", case.holder, me)
    )


def _is(whose: Whose, holder: str | None, me: str) -> bool:
    match whose:
        case "anybody":
            return True
        case "mine":
            return holder == me
        case "nobody":
            return holder is None
        case "others":
            return holder not in {None, me}


def counted(queues: Iterable[Queue], cases: Iterable[QueuedCase], *, me: str, now: datetime) -> dict[str, int]:
    """Return how many of these cases stand in each queue of those worked on."""
    asked = [each for each in queues if not each.closed]
    counts = dict.fromkeys((each.name for each in asked), 0)
    for case in cases:
        for queue in asked:
            counts[queue.name] += stands_in(queue, case, me=me, now=now)
    return counts
