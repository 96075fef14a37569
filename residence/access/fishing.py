"""Which looks an officer is asked about, and by which rule. No score of anybody: each question stands for itself, with its looks.

- *self*, *relative*, *neighbour*: a look at oneself, at whoever the register or a declared interest ties to the officer, at somebody of an address
  that is the officer's own or a relative's.
- *one-address*: many people of one address within the time, none of these looks followed by a step of the officer's.
- *no-step*: many looks followed by no step, and these are much of all the officer's looks of the time.
- *off-hours*: several looks at night not followed by a step before the morning is out, and these are much of all looks at night of the time.
- A step is what an officer does with what the look was for: ask, send, record a visit, close, decide a pair. Claiming, giving back and putting on
  hold are none: whoever only wants to read does these, too.
- A person looked at several times on a day for the same thing is one look. What was asked about by a rule is not asked about again by it, and
  nothing is asked about before the time for a step is over.

Example: ``questions(looks, ties, rules=LookRules(), now=now)[0].rule``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

import msgspec

from residence.access.look_rules import LookRules
from residence.access.purposes import Purpose
from residence.clock import VIETNAM

LookRule = Literal["self", "relative", "neighbour", "one-address", "no-step", "off-hours"]
RULES: Final[tuple[LookRule, ...]] = get_args(LookRule)
# What a look for these is for can be followed by a step; for others there is nothing an officer could do.
STEPPED: Final = frozenset({Purpose.UNDECLARED_CASE.value, Purpose.DUPLICATE_REVIEW.value})
_MORNING: Final = timedelta(hours=4)  # after the night ends: time to write down what was found


class OfficersLook(msgspec.Struct, frozen=True, kw_only=True):
    """One person looked at. ``premises``: where the case is or the person lives; ``steps``: what the officer did about it, when."""

    access_id: str
    account_id: str
    at: datetime
    person_id: str
    about: str | None
    purpose: str
    premises_id: str | None = None
    steps: tuple[datetime, ...] = ()


class Ties(msgspec.Struct, frozen=True, kw_only=True):
    """Who and where an officer is tied to."""

    own: frozenset[str] = frozenset()  # ids the officer's own person has or had
    kin: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What an officer is asked about: the rule, the looks, and where they were when it was one address."""

    rule: LookRule
    account_id: str
    access_ids: tuple[str, ...]
    people: int
    first_at: datetime
    last_at: datetime
    premises_id: str | None = None


def questions(
    looks: Iterable[OfficersLook],
    ties: Mapping[str, Ties],
    *,
    rules: LookRules,
    now: datetime,
    asked: Mapping[str, frozenset[str]] | None = None,
) -> list[Question]:
    """Return what is asked about. ``asked``: rule -> looks it asked about before; ``ties`` by account."""
    known = asked or {}
    by_account: defaultdict[str, list[OfficersLook]] = defaultdict(list)
    for look in _once_a_day(looks):
        by_account[look.account_id].append(look)
    found: list[Question] = []
    for account, own in sorted(by_account.items()):
        ripe = [each for each in own if each.at + timedelta(hours=rules.step_within_hours) <= now]
        tied = ties.get(account, Ties())
        found += _tied(_fresh(ripe, known), tied)
        found += _sweeps(_new(ripe, known, "one-address"), rules)
        found += _idle(_new(ripe, known, "no-step"), rules)
        found += _at_night(_new(ripe, known, "off-hours"), rules)
    return found


def _once_a_day(looks: Iterable[OfficersLook]) -> list[OfficersLook]:
    """Return the looks in order, of several at one person for one thing on one day the first with all steps."""
    first: dict[tuple[str, str, str | None, object], OfficersLook] = {}
    for look in sorted(looks, key=lambda each: (each.at, each.access_id)):
        first.setdefault((look.account_id, look.person_id, look.about, look.at.astimezone(VIETNAM).date()), look)
    return list(first.values())


def _new(looks: Sequence[OfficersLook], known: Mapping[str, frozenset[str]], rule: LookRule) -> list[OfficersLook]:
    asked = known.get(rule, frozenset())
    return [each for each in looks if each.access_id not in asked]


def _fresh(looks: Sequence[OfficersLook], known: Mapping[str, frozenset[str]]) -> list[OfficersLook]:
    asked = frozenset[str]().union(*(known.get(rule, frozenset()) for rule in ("self", "relative", "neighbour")))
    return [each for each in looks if each.access_id not in asked]


def _tied(looks: Sequence[OfficersLook], ties: Ties) -> list[Question]:
    return [_question(rule, [look]) for look in looks if (rule := _tie(look, ties)) is not None]


def _tie(look: OfficersLook, ties: Ties) -> LookRule | None:
    if look.person_id in ties.own:
        return "self"
    if look.person_id in ties.kin:
        return "relative"
    return "neighbour" if look.premises_id in ties.places else None


def _sweeps(looks: Sequence[OfficersLook], rules: LookRules) -> list[Question]:
    by_place: defaultdict[str, list[OfficersLook]] = defaultdict(list)
    for look in looks:
        if look.premises_id is not None and not _followed(look, rules):
            by_place[look.premises_id].append(look)
    return [
        _question("one-address", window, premises_id=place)
        for place, there in sorted(by_place.items())
        for window in _crowded(there, rules)
    ]


def _crowded(looks: Sequence[OfficersLook], rules: LookRules) -> Iterable[list[OfficersLook]]:
    """Yield each time of ``window_days``, wherever it begins, with looks at so many people; none is in two.

    Times that begin with the first look after the one before would be evaded by looking at five on a last day and at five on the next.
    """
    length, window = timedelta(days=rules.window_days), list[OfficersLook]()
    for look in looks:
        if len({each.person_id for each in window}) >= rules.address_people:
            if look.at < window[0].at + length:
                window.append(look)
                continue
            yield window
            window = []
        window = [each for each in window if look.at < each.at + length] + [look]
    if len({each.person_id for each in window}) >= rules.address_people:
        yield window


def _idle(looks: Sequence[OfficersLook], rules: LookRules) -> list[Question]:
    stepped = [each for each in looks if each.purpose in STEPPED]
    return _much_of("no-step", stepped, rules, least=rules.idle_looks, followed=_followed)


def _at_night(looks: Sequence[OfficersLook], rules: LookRules) -> list[Question]:
    night = [each for each in looks if each.purpose in STEPPED and _is_night(each.at, rules)]
    return _much_of("off-hours", night, rules, least=rules.off_looks, followed=_by_morning)


def _much_of(
    rule: LookRule,
    looks: Sequence[OfficersLook],
    rules: LookRules,
    *,
    least: int,
    followed: Callable[[OfficersLook, LookRules], bool],
) -> list[Question]:
    """Return a question for each time with so many looks that nothing followed, where these are much of all."""
    found = []
    for window in _windows(looks, rules):
        idle = [each for each in window if not followed(each, rules)]
        if len(idle) >= least and 100 * len(idle) >= rules.idle_percent * len(window):
            found.append(_question(rule, idle))
    return found


def _windows(looks: Sequence[OfficersLook], rules: LookRules) -> Iterable[list[OfficersLook]]:
    """Yield the looks in times of ``window_days``, each beginning with the first look after the one before; none is in two."""
    window: list[OfficersLook] = []
    for look in looks:
        if window and look.at >= window[0].at + timedelta(days=rules.window_days):
            yield window
            window = []
        window.append(look)
    if window:
        yield window


def _followed(look: OfficersLook, rules: LookRules) -> bool:
    until = look.at + timedelta(hours=rules.step_within_hours)
    return any(look.at <= step <= until for step in look.steps)


def _is_night(at: datetime, rules: LookRules) -> bool:
    hour = at.astimezone(VIETNAM).hour
    return hour >= rules.off_from or hour < rules.off_until


def _by_morning(look: OfficersLook, rules: LookRules) -> bool:
    """Tell whether a step followed before the morning after the look was out."""
    local = look.at.astimezone(VIETNAM)
    end = local.replace(hour=rules.off_until, minute=0, second=0, microsecond=0)
    end += timedelta(days=1) if local.hour >= rules.off_from else timedelta()
    return any(look.at <= step <= end + _MORNING for step in look.steps)


def _question(rule: LookRule, looks: Sequence[OfficersLook], *, premises_id: str | None = None) -> Question:
    return Question(
        rule=rule,
        account_id=looks[0].account_id,
        access_ids=tuple(each.access_id for each in looks),
        people=len({each.person_id for each in looks}),
        first_at=looks[0].at,
        last_at=looks[-1].at,
        premises_id=premises_id,
    )
