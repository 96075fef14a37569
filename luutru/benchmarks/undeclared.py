"""How well undeclared occupants are told from innocent ones: a fortnight of an invented neighbourhood through the real registry and sweep.

- Every sighting, declaration and registration of ``neighbourhood.py`` is recorded as a gateway records it; the sweep runs each hour.
  What happens during an outage comes in when it is over, with the outage written down as a worker and a kiosk write it.
- A notice is answered as the person's habit says, some hours later, or not.
- Truth: a case is due, or not. Precision and recall of cases come with 95 % Wilson intervals; the table counts by habit.
- What the sweep itself takes in a large commune is measured beside it (``sweep_rounds.py``).
- Baseline, in the same run on the same sightings: comparing lists, i.e. whoever was seen and is on no list by number when the deadline
  passes. Second baseline: whoever of those is seen a second time after the deadline.

Example: ``luutru bench undeclared --json``
"""

from __future__ import annotations

import heapq
import math
import tempfile
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from luutru.benchmarks import sweep_rounds
from luutru.benchmarks.neighbourhood import AWAY, CUT_OFF, DAYS, FIRST_DAY, Act, Neighbour, is_cut_off, people_of
from luutru.benchmarks.neighbourhood_registry import NeighbourhoodRegistry
from luutru.benchmarks.result import BenchResult
from residence.stays.deadlines import deadline, person_kind

PEOPLE, PREMISES, SEEDS = 2000, 60, (41, 42)
LARGE: Final = 5_000  # premises at which somebody undeclared is seen in one evening
_QUICK_PEOPLE: Final = 120
_Z: Final = 1.96
_TIME_TO_ANSWER: Final = timedelta(hours=9)
_OUR_OUTAGE: Final = "guest during our outage"


class Tally(msgspec.Struct, kw_only=True):
    """What came of one habit's people."""

    people: int = 0
    notices: int = 0
    cases: int = 0
    lists: int = 0
    second: int = 0


def run(*, quick: bool = False) -> BenchResult:
    """Measure."""
    people, seeds = (_QUICK_PEOPLE, SEEDS[:1]) if quick else (PEOPLE, SEEDS)
    table: defaultdict[str, Tally] = defaultdict(Tally)
    due: dict[str, bool] = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="luutru-neighbourhood-") as folder:
            fortnight = Fortnight(Path(folder), list(people_of(seed=seed, people=people, premises=PREMISES)))
            fortnight.live()
            fortnight.count_into(table, due)
            fortnight.registry.close()
    ours, lists, second = (_shares(table, due, name) for name in ("cases", "lists", "second"))
    return BenchResult(
        figures={
            "precision": ours[0],
            "recall": ours[1],
            "precision_interval": ours[2],
            "recall_interval": ours[3],
            "cases_from_own_outage": table[_OUR_OUTAGE].cases,
            "sweep": sweep_rounds.measure(premises=60 if quick else LARGE, changed=10),
            "table": {habit: {"case_due": due[habit], **msgspec.structs.asdict(row)} for habit, row in sorted(table.items())},
        },
        baselines={
            "lists_precision": lists[0],
            "lists_recall": lists[1],
            "second_sighting_precision": second[0],
            "second_sighting_recall": second[1],
        },
        ratios={"wrong_to_lists": _wrong(table, due, "cases") / max(1, _wrong(table, due, "lists"))},
        settings={"people": people * len(seeds), "premises": PREMISES, "days": DAYS, "seeds": list(seeds), "quick": quick},
    )


class Fortnight:
    """One neighbourhood, lived through."""

    def __init__(self, folder: Path, people: list[Neighbour]) -> None:
        self.people = people
        self.registry = NeighbourhoodRegistry(folder, premises=PREMISES, people=people)
        self.coming: list[tuple[datetime, int, int, Act]] = []  # when it arrives, order, whose, what
        self.lists: set[int] = set()
        self.second: set[int] = set()
        self.told: set[int] = set()
        for whose, neighbour in enumerate(people):
            for act in neighbour.acts:
                self._expect(whose, act)

    def _expect(self, whose: int, act: Act) -> None:
        heapq.heappush(self.coming, (_arrives(act, self.people[whose].premises), len(self.coming), whose, act))

    def live(self) -> None:
        """Go through the fortnight hour by hour, and two days more for what is due then."""
        away, cut_off = False, False
        for hour in range((DAYS + 3) * 24):
            now = FIRST_DAY + timedelta(hours=hour)
            if AWAY[0] <= now < AWAY[1]:
                away = True
                continue
            if away:
                self.registry.was_away(*AWAY)
                away = False
            if not cut_off and now >= CUT_OFF[0]:
                self.registry.cut_off(CUT_OFF[0])
                cut_off = True
            if now - timedelta(hours=1) < CUT_OFF[1] <= now:
                self.registry.is_back(now)
            self._take(now)
            self.registry.sweep(now)
            for whose in self.registry.newly_noticed():
                self._hear_of_notice(whose, now)

    def _take(self, now: datetime) -> None:
        arrived = []
        while self.coming and self.coming[0][0] <= now:
            _, _, whose, act = heapq.heappop(self.coming)
            arrived.append((whose, act))
            if act.deed in {"seen", "found_at_night"}:
                self._compare_lists(whose, act)
        self.registry.record(arrived, now=now)

    def _hear_of_notice(self, whose: int, now: datetime) -> None:
        neighbour = self.people[whose]
        self.told.add(whose)
        if neighbour.answer == "declares":
            stays = Act(at=now + _TIME_TO_ANSWER, deed="declared", until=neighbour.acts[-1].at + timedelta(hours=14))
            self._expect(whose, stays)
        elif neighbour.answer == "says_visitor":
            self.registry.answer(whose, now + _TIME_TO_ANSWER)

    def _compare_lists(self, whose: int, act: Act) -> None:
        """Do what a comparison of lists does: no name, no outage, no household; by the deadline of what was seen first."""
        neighbour = self.people[whose]
        if _is_listed(neighbour, act.at):
            return
        first = next(
            each.at for each in neighbour.acts if each.deed in {"seen", "found_at_night"} and not _is_listed(neighbour, each.at)
        )
        limit = deadline(first, premises_kind="rental-house", person=person_kind(neighbour.person), rules=self.registry.rules)
        if not any(each.deed == "declared" and first <= each.at < limit.due for each in neighbour.acts):
            self.lists.add(whose)
            if limit.is_late(act.at):
                self.second.add(whose)

    def count_into(self, table: dict[str, Tally], due: dict[str, bool]) -> None:
        """Add what came of everybody."""
        cases = self.registry.about
        for whose, neighbour in enumerate(self.people):
            row = table[neighbour.habit]
            due[neighbour.habit] = neighbour.case_due
            row.people += 1
            row.notices += whose in self.told
            row.cases += whose in cases
            row.lists += whose in self.lists
            row.second += whose in self.second


def _arrives(act: Act, premises: int) -> datetime:
    """Return when an act reaches the registry: what happens in an outage comes in when it is over."""
    if act.deed != "registered":
        if AWAY[0] <= act.at < AWAY[1]:
            return AWAY[1]
        if act.deed == "declared" and is_cut_off(premises) and CUT_OFF[0] <= act.at < CUT_OFF[1]:
            return CUT_OFF[1]
    return act.at


def _is_listed(neighbour: Neighbour, at: datetime) -> bool:
    """Tell whether the number that was read is in a list of residents or guests then."""
    if neighbour.read_as.personal_number is None or neighbour.read_as.personal_number != neighbour.person.personal_number:
        return False
    covering = (each for each in neighbour.acts if each.deed in {"registered", "declared"} and each.at <= at)
    return any(each.until is None or at <= each.until for each in covering)


def _wrong(table: dict[str, Tally], due: dict[str, bool], name: str) -> int:
    return sum(int(getattr(row, name)) for habit, row in table.items() if not due[habit])


def _shares(table: dict[str, Tally], due: dict[str, bool], name: str) -> tuple[float, float, list[float], list[float]]:
    right = sum(int(getattr(row, name)) for habit, row in table.items() if due[habit])
    wanted = sum(row.people for habit, row in table.items() if due[habit])
    found = right + _wrong(table, due, name)
    return _share(right, found), _share(right, wanted), _interval(right, found), _interval(right, wanted)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _interval(part: int, whole: int) -> list[float]:
    if not whole:
        return [0.0, 1.0]
    share, z2 = part / whole, _Z * _Z / whole
    middle, half = share + z2 / 2, _Z * math.sqrt(share * (1 - share) / whole + z2 / whole / 4)
    return [round((middle - half) / (1 + z2), 4), round((middle + half) / (1 + z2), 4)]
