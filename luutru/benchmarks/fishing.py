"""Looks that are asked about, measured on an invented year of a commune's officers: which planted looks each rule finds, and what it asks in vain.

- Forty officers look at cases as their work goes: one to nine a shift, a fifth of the shifts at night, most looks followed by a step within a day or
  two, some late, some by nobody because a colleague took over; now and then a whole block is gone through after a night check.
- Planted and known: looks at oneself, at relatives, at neighbours, sweeps of an address, weeks of idle looking, nights of it. A third of the
  relatives are not known to the register, as in life; nobody finds those.
- A question is right when most of its looks were planted, for whichever rule; a planted deed is found when a question of its own rule has one of
  its looks.
- The baseline is the plain way: whoever looked at most people in a week is asked, as often as we ask.

Example: ``run(quick=True).figures["one-address"]["recall"]``
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import msgspec

from luutru.benchmarks.result import BenchResult
from residence.access.fishing import RULES, LookRule, OfficersLook, Question, Ties, questions
from residence.access.look_rules import LookRules
from residence.access.purposes import Purpose

SEED: Final = 20260710
BEGIN: Final = datetime(2025, 12, 31, 17, tzinfo=UTC)  # midnight of the new year in Vietnam
OFFICERS, HOUSES = 40, 400
PLANTED: Final[dict[LookRule, int]] = {
    "self": 12,
    "relative": 30,
    "neighbour": 24,
    "one-address": 20,
    "no-step": 20,
    "off-hours": 20,
}


class Year(msgspec.Struct, kw_only=True):
    """The invented year: looks, ties, and the deeds planted by rule as sets of looks."""

    looks: list[OfficersLook] = []
    ties: dict[str, Ties] = {}
    planted: dict[str, list[frozenset[str]]] = {}


def run(*, quick: bool = False) -> BenchResult:
    """Invent a year, ask, and count."""
    days = 90 if quick else 365
    year = invent(days, random.Random(SEED))
    began = time.perf_counter()
    found = questions(year.looks, year.ties, rules=LookRules(), now=BEGIN + timedelta(days=days + 8))
    took = time.perf_counter() - began
    figures: dict[str, Any] = {rule: score(rule, found, year) for rule in RULES}
    return BenchResult(
        name="fishing",
        figures={**figures, "questions": len(found), "looks": len(year.looks), "seconds": round(took, 2)},
        baselines={"busiest_week_precision": busiest(year, len(found))},
        settings={"days": days, "officers": OFFICERS, "seed": SEED, "planted": {rule: len(year.planted[rule]) for rule in RULES}},
    )


def score(rule: LookRule, found: list[Question], year: Year) -> dict[str, float | int]:
    """Return precision and recall of one rule, and how many questions it asked."""
    asked = [each for each in found if each.rule == rule]
    deeds = year.planted[rule]
    planted = frozenset[str]().union(*(deed for every in year.planted.values() for deed in every))
    right = sum(2 * len(planted & set(each.access_ids)) > len(each.access_ids) for each in asked)
    touched = frozenset[str]().union(*(each.access_ids for each in asked))
    hit = sum(bool(deed & touched) for deed in deeds)
    return {
        "asked": len(asked),
        "precision": round(right / len(asked), 3) if asked else 0.0,
        "recall": round(hit / len(deeds), 3) if deeds else 0.0,
    }


def busiest(year: Year, most: int) -> float:
    """Return how often the officer with most people in a week, of as many weeks as we ask, was one with a planted deed."""
    weeks: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for look in year.looks:
        weeks[look.account_id, (look.at - BEGIN).days // 7].add(look.access_id)
    bad = frozenset[str]().union(*(deed for deeds in year.planted.values() for deed in deeds))
    chosen = sorted(weeks.values(), key=len, reverse=True)[:most]
    return round(sum(bool(each & bad) for each in chosen) / max(len(chosen), 1), 3)


def invent(days: int, chance: random.Random) -> Year:
    """Invent a year of looks with what is planted in it."""
    year, ids = Year(planted={rule: [] for rule in RULES}), count()
    for number in range(OFFICERS):
        account = f"officer-{number}"
        known = frozenset(f"kin-{number}-{each}" for each in range(6))
        year.ties[account] = Ties(own=frozenset({f"self-{number}"}), kin=known, places=frozenset({f"house-{number}"}))
        for day in range(days):
            if chance.random() < 0.7:
                _shift(year, account, day, chance=chance, ids=ids)
    for rule, times in PLANTED.items():
        for _ in range(max(times * days // 365, 4)):
            _plant(year, rule, day=chance.randrange(days - 8), chance=chance, ids=ids)
    return year


def _shift(year: Year, account: str, day: int, *, chance: random.Random, ids: count[int]) -> None:
    night = chance.random() < 0.2
    begin = BEGIN + timedelta(days=day, hours=22 if night else 8)
    block = chance.random() < 0.01
    house = f"house-{chance.randrange(OFFICERS, HOUSES)}"
    for _ in range(chance.randint(8, 14) if block else chance.choice((1, 2, 2, 3, 3, 4, 5, 6, 9))):
        at = begin + timedelta(minutes=chance.randrange(7 * 60))
        where = house if block else f"house-{chance.randrange(OFFICERS, HOUSES)}"
        _look(year, account, at, where=where, who=f"person-{next(ids)}", steps=_steps(at, chance, night=night), ids=ids)


def _steps(at: datetime, chance: random.Random, *, night: bool) -> tuple[datetime, ...]:
    """Return what an honest officer does: mostly soon, sometimes late, sometimes a colleague did it."""
    kind = chance.random()
    if kind < (0.85 if night else 0.6):
        return (at + timedelta(minutes=chance.randrange(5, 120)),)
    if kind < 0.88:
        return (at + timedelta(hours=chance.randrange(3, 60)),)
    return () if kind > 0.94 else (at + timedelta(hours=chance.randrange(80, 140)),)


def _look(
    year: Year, account: str, at: datetime, *, where: str | None, who: str, steps: tuple[datetime, ...], ids: count[int]
) -> str:
    access_id = f"look-{next(ids)}"
    year.looks.append(
        OfficersLook(
            access_id=access_id,
            account_id=account,
            at=at,
            person_id=who,
            about=f"case-{who}",
            purpose=Purpose.UNDECLARED_CASE.value,
            premises_id=where,
            steps=steps,
        )
    )
    return access_id


def _plant(year: Year, rule: LookRule, *, day: int, chance: random.Random, ids: count[int]) -> None:
    number = chance.randrange(OFFICERS)
    account, at = f"officer-{number}", BEGIN + timedelta(days=day, hours=chance.randrange(9, 17))
    elsewhere = f"house-{chance.randrange(OFFICERS, HOUSES)}"
    followed = (at + timedelta(hours=1),) if chance.random() < 0.3 else ()
    deed: list[str] = []
    match rule:
        case "self":
            deed = [_look(year, account, at, where=elsewhere, who=f"self-{number}", steps=followed, ids=ids)]
        case "relative":
            stranger = chance.random() < 1 / 3
            who = f"unknown-kin-{next(ids)}" if stranger else f"kin-{number}-{chance.randrange(6)}"
            deed = [_look(year, account, at, where=elsewhere, who=who, steps=followed, ids=ids)]
        case "neighbour":
            deed = [_look(year, account, at, where=f"house-{number}", who=f"next-{next(ids)}", steps=followed, ids=ids)]
        case "one-address":
            deed = _bunch(year, account, at, chance=chance, ids=ids, where=elsewhere, often=chance.randint(5, 12), hours=48)
        case "no-step":
            deed = _bunch(year, account, at, chance=chance, ids=ids, where=None, often=chance.randint(10, 30), hours=120)
        case "off-hours":
            night = BEGIN + timedelta(days=day, hours=23)
            deed = _bunch(year, account, night, chance=chance, ids=ids, where=None, often=chance.randint(3, 9), hours=4)
    year.planted[rule].append(frozenset(deed))


def _bunch(
    year: Year,
    account: str,
    begin: datetime,
    *,
    chance: random.Random,
    ids: count[int],
    where: str | None,
    often: int,
    hours: int,
) -> list[str]:
    """Look at many people and do nothing about most of them."""
    deed = []
    for _ in range(often):
        at = begin + timedelta(minutes=chance.randrange(hours * 60))
        steps = (at + timedelta(minutes=30),) if chance.random() < 0.1 else ()
        place = where or f"house-{chance.randrange(OFFICERS, HOUSES)}"
        deed.append(_look(year, account, at, where=place, who=f"fished-{next(ids)}", steps=steps, ids=ids))
    return deed
