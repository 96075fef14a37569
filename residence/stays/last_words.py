"""Whose word about the end of a stay is the last, among everything said of its arrivals; and who is told that theirs is not.

- The last of departures and extensions wins (``turns.py``), whichever of the stay's arrivals it was said of: who left at the desk has left for the
  lobby too, and who was extended at the desk after that is here again.
- A plan without an extension holds as it was declared; of several extensions the last. One that is no longer than a plan that stands is told so.
- What something later had overtaken when it reached us changes nothing: ``stays.overtaken``, at the field it would have set.
- Nobody is told anything when both say the same.
- A correction changes no end that an extension gave (ADR 73): ``stays.end_not_corrected``.

Example: lobby and desk declared one guest; a departure said at the lobby at ten, an extension at the desk at eleven: the stay is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from residence.stays.chains import Chain
from residence.stays.declaration import StayDeclaration
from residence.stays.findings import Finding, finding
from residence.stays.spans import Span, instant
from residence.stays.turns import Turn, Turns

END = "/planned_departure"
Agree = Callable[[Span, Span], bool]
Step = tuple[StayDeclaration, datetime]  # a departure or extension, and the moment it names


def overtaken(chain: Chain, steps: Sequence[Step], turns: Turns) -> Iterator[Finding]:
    """Find what was said of one arrival's end and changes nothing. ``steps``: those that stand, in their order."""
    for place, (step, moment) in enumerate(steps):
        last, last_moment = steps[-1]
        if (step.kind, moment) == (last.kind, last_moment):
            continue
        later = [turns[other.declaration_id] for other, _ in steps[place + 1 :]]
        if any(turns[step.declaration_id].is_overtaken_by(each) for each in later):
            yield finding("stays.overtaken", END, step.declaration_id)
        corrected = chain.restated.get(step.declaration_id)
        if corrected and any(each.received < turns[corrected].received for each in later):
            yield finding("stays.overtaken", END, corrected)
    corrected = chain.restated.get(chain.root.declaration_id)
    longer = [(turns[step.declaration_id], moment) for step, moment in steps if step.kind == "extension"]
    if corrected is None or not chain.new_end or not longer:
        return
    turn, moment = longer[-1]
    if turn < turns[corrected] and moment != instant(chain.content.planned_departure):
        yield finding("stays.end_not_corrected", END, corrected)


def cut(spans: Sequence[Span], agree: Agree) -> tuple[list[Span], set[Finding]]:
    """End every arrival of a stay by the last word said of any of them, and find whom that word had overtaken."""
    ends = [each for each in spans if each.ended is not None]
    found = _told([each for each in spans if each.last is not None], agree)
    result = []
    for span in spans:
        fitting = [each for each in ends if span.ended is None and _ends(each, span) and agree(span, each)]
        later = [each for each in fitting if each.last is not None and (span.last is None or each.last > span.last)]
        ender = max(later, key=_last_turn, default=None)
        result.append(replace(span, ended=ender.ended, last=ender.last) if ender else span)
    return result, found


def _told(spoken: Sequence[Span], agree: Agree) -> set[Finding]:
    """Find what another arrival's last word had overtaken; nearly always nothing was, and that is seen at once."""
    found: set[Finding] = set()
    in_turn = sorted(((turn, span) for span in spoken for turn in span.echoes), key=lambda each: each[0])
    earliest: datetime | None = None  # of the last words that come later
    for place in range(len(in_turn) - 1, -1, -1):
        turn, span = in_turn[place]
        if earliest is not None and earliest < turn.received:
            later = (each for said, each in in_turn[place + 1 :] if said == each.last and turn.is_overtaken_by(said))
            if any(_same_stay(span, each, agree) and _says(span) != _says(each) for each in later):
                found.add(finding("stays.overtaken", END, turn.declaration_id))
        if turn == span.last:
            earliest = turn.received if earliest is None else min(earliest, turn.received)
    return found


def _same_stay(one: Span, other: Span, agree: Agree) -> bool:
    return one.place == other.place and one.overlaps(other) and agree(one, other)


def _says(span: Span) -> tuple[datetime | None, datetime | None]:
    return (span.ended, None) if span.ended else (None, span.planned)


def _ends(ended: Span, span: Span) -> bool:
    return ended.ended is not None and ended.place == span.place and span.start <= ended.ended and span.overlaps(ended)


def _last_turn(span: Span) -> Turn:
    return _spoken(span.last)


def ending(spans: Sequence[Span]) -> tuple[datetime | None, datetime | None, tuple[Finding, ...]]:
    """Return planned and actual end of the stay that these arrivals are, after ``cut``; and what its last extension did not lengthen."""
    longer = max((each for each in spans if each.extended is not None), key=_extended, default=None)
    plans = [each.planned for each in spans if each.planned is not None and (each is longer or each.extended is None)]
    planned = max(plans, default=None)
    found: tuple[Finding, ...] = ()
    if longer is not None and longer.planned is not None and planned is not None and longer.planned < planned:
        found = (finding("stays.extension_not_longer", END, _extended(longer).declaration_id, longer.key),)
    if any(each.ended is None for each in spans):
        return planned, None, found
    return planned, max(spans, key=_last_turn).ended, found


def _extended(span: Span) -> Turn:
    return _spoken(span.extended)


def _spoken(turn: Turn | None) -> Turn:
    if turn is None:
        raise ValueError("nothing was said of it")
    return turn
