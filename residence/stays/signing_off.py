"""The daily sign-off: what stood open between a house's list and what is declared, each point with a reason somebody gave.

- A point is a guest of the list who is not declared, a stay nobody on the list has, a pair that differs, people seen and not declared, or statements to
  be put right. The last two are one point each, with how many.
- A reason is a word of a closed list that fits the kind of point: no free text, so that no name gets in, and reasons can be counted.
- A point without a reason is not signed: whoever signs has looked at each.
- What is signed are counts by kind and reason, and a digest of the points; the points themselves the house keeps, as it keeps its list.

>>> with_reasons((OpenPoint(kind="differs", about="R-1"),), {}).problems[0].code
'day-close.reason_missing'
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, get_args

import msgspec

from residence.errors import Problem, problem
from residence.stays.in_house import HouseComparison

PointKind = Literal["not-declared", "not-in-house", "differs", "undeclared", "to-mend"]
Why = Literal[
    "papers-awaited",
    "not-here-yet",
    "has-left",
    "same-person",
    "list-wrong",
    "declaration-wrong",
    "refuses",
    "authority",
    "other",
]
KINDS: Final[tuple[PointKind, ...]] = get_args(PointKind)
FITS: Final[Mapping[PointKind, tuple[Why, ...]]] = {
    "not-declared": ("papers-awaited", "not-here-yet", "same-person", "list-wrong", "refuses", "authority", "other"),
    "not-in-house": ("has-left", "same-person", "list-wrong", "declaration-wrong", "other"),
    "differs": ("list-wrong", "declaration-wrong", "other"),
    "undeclared": ("papers-awaited", "has-left", "same-person", "refuses", "authority", "other"),
    "to-mend": ("papers-awaited", "declaration-wrong", "authority", "other"),
}


class OpenPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One point. ``about``: the list's own reference, or a stay's id; empty where there is one point for all of its kind."""

    kind: PointKind
    about: str = ""
    people: int = 1


class ReasonedPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A point, and why it stands open."""

    kind: PointKind
    about: str
    people: int
    reason: Why


class OpenCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many people stand open for one reason."""

    kind: str
    reason: str
    people: int


class Reasoned(msgspec.Struct, frozen=True, kw_only=True):
    """Points with reasons, and what is wrong with those that have none or one that does not fit."""

    points: tuple[ReasonedPoint, ...]
    problems: tuple[Problem, ...]


def open_points(found: HouseComparison, *, name: Callable[[int], str], undeclared: int, to_mend: int) -> tuple[OpenPoint, ...]:
    """Return what stands open. ``name``: what a row of the list is called."""
    points = [OpenPoint(kind="not-declared", about=name(each.row)) for each in found.not_declared]
    points += [OpenPoint(kind="not-in-house", about=each.stay_id) for each in found.not_in_house]
    points += [OpenPoint(kind="differs", about=name(each.guest.row)) for each in found.pairs if each.differs]
    if undeclared:
        points.append(OpenPoint(kind="undeclared", people=undeclared))
    if to_mend:
        points.append(OpenPoint(kind="to-mend", people=to_mend))
    return tuple(points)


def with_reasons(points: Iterable[OpenPoint], reasons: Mapping[tuple[str, str], str]) -> Reasoned:
    """Give each point its reason. ``reasons``: by kind and what it is about; one for a point that is not there is of no account."""
    reasoned: list[ReasonedPoint] = []
    problems: list[Problem] = []
    for each in points:
        given = reasons.get((each.kind, each.about), "")
        fitting = next((why for why in FITS[each.kind] if why == given), None)
        if fitting is None:
            code = "day-close.reason_unfit" if given else "day-close.reason_missing"
            problems.append(problem(code, f"/reasons/{each.kind}/{each.about}".rstrip("/")))
        else:
            reasoned.append(ReasonedPoint(kind=each.kind, about=each.about, people=each.people, reason=fitting))
    return Reasoned(points=tuple(reasoned), problems=tuple(problems))


def counted(points: Iterable[ReasonedPoint]) -> tuple[OpenCount, ...]:
    """Return how many people stand open by kind and reason, in the order of the kinds."""
    counts: Counter[tuple[PointKind, str]] = Counter()
    for each in points:
        counts[each.kind, each.reason] += each.people
    ordered = sorted(counts.items(), key=lambda each: (KINDS.index(each[0][0]), each[0][1]))
    return tuple(OpenCount(kind=kind, reason=reason, people=people) for (kind, reason), people in ordered)


def digest_of_points(points: Iterable[ReasonedPoint]) -> str:
    """Return the SHA-256 of the points, one a line, in order; empty for none."""
    lines = sorted(f"{each.kind}\t{each.about}\t{each.people}\t{each.reason}" for each in points)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""
