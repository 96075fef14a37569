"""What a path can be and what may be done with it: one table, read by buttons, handlers and the simulation alike.

- Every state that is not an end has a step forward that an officer can take, and one the person can: nobody is in a dead end.
- ``refused``, ``withdrawn`` and ``rested`` are ends from which one may begin again; nothing is held against anybody who does.
- A refusal and a longer time need words; a refusal needs its legal basis too.
- Nothing here leads to a case, a notice or a finding, and nothing that makes those reads a path (``tests/registry/test_lacking_papers.py``).

Example: ``after("begun", "take")`` is ``"working"``
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, get_args

from residence.errors import Conflict

PathState = Literal["begun", "working", "asked", "elsewhere", "registered", "papers_found", "withdrawn", "refused", "rested"]
PathStep = Literal[
    "begin", "take", "looked", "ask", "came", "hand_over", "answered", "extend", "register", "find_papers", "refuse", "rest", "withdraw",
    "resume", "late", "recalled",
]  # fmt: skip
STATES: Final[tuple[PathState, ...]] = get_args(PathState)
ENDS: Final[frozenset[PathState]] = frozenset({"registered", "papers_found", "withdrawn", "refused", "rested"})
MAY_RESUME: Final[frozenset[PathState]] = frozenset({"withdrawn", "refused", "rested"})
NEEDS_REASON: Final[frozenset[PathStep]] = frozenset({"extend", "refuse"})
# What a person says themselves, at a desk or to an officer; nobody's permission is needed.
OF_THE_PERSON: Final[frozenset[PathStep]] = frozenset({"withdraw", "resume", "came"})


class Situation(StrEnum):
    """Why somebody is on a path. It says what is missing, never that somebody did wrong."""

    NO_PAPERS = "no-papers"
    NEWBORN = "newborn"
    PARENTS_UNREGISTERED = "parents-unregistered"
    NATIONALITY_UNKNOWN = "nationality-unknown"
    NO_HOME = "no-home"


class HelperKind(StrEnum):
    """Who helps somebody to say their own words; recorded as helper, and never anything else."""

    FAMILY = "family"
    NEIGHBOUR = "neighbour"
    CLERK = "clerk"
    OFFICER = "officer"
    SOCIAL = "social"
    OTHER = "other"


_WORK: Final[Mapping[PathStep, PathState]] = {
    "take": "working",
    "looked": "working",
    "ask": "asked",
    "hand_over": "elsewhere",
    "extend": "working",
    "register": "registered",
    "find_papers": "papers_found",
    "refuse": "refused",
    "withdraw": "withdrawn",
}
NEXT: Final[Mapping[PathState, Mapping[PathStep, PathState]]] = {
    "begun": {"take": "working", "withdraw": "withdrawn", "late": "begun"},
    "working": {**_WORK, "late": "working"},
    "asked": {"take": "asked", "looked": "asked", "came": "working", "extend": "asked", "rest": "rested", "withdraw": "withdrawn", "late": "asked"},
    "elsewhere": {
        "take": "elsewhere", "looked": "elsewhere", "answered": "working", "recalled": "working", "hand_over": "elsewhere", "extend": "elsewhere", "register": "registered",
        "withdraw": "withdrawn", "late": "elsewhere",
    },
    "registered": {},
    "papers_found": {},
    "withdrawn": {"resume": "begun"},
    "refused": {"resume": "begun"},
    "rested": {"resume": "begun"},
}  # fmt: skip


def after(state: PathState, step: PathStep) -> PathState:
    """Return the state after a step, or raise ``Conflict("path.step")``."""
    try:
        return NEXT[state][step]
    except KeyError:
        raise Conflict("path.step", "/step", f"{step} from {state}") from None
