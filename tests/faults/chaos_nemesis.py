"""What strikes when in a chaos run: drawn from the seed, one after another, overlapping as they last.

- First every kind once, in a drawn order; then kinds from a bag in which each lies as often as its weight.
- It goes on until so many strikes were felt and every kind at least once. What is drawn depends on the seed alone; how much of it is
  felt, and what happens between, depends on the machine.
- The planted kiosk and gateway are struck too, and not counted.

Example: ``Nemesis(town, seed=7, pace=1.0).rage(120)``
"""

from __future__ import annotations

import heapq
import random
import time
from collections import Counter
from itertools import count

from faults.chaos_strikes import ENDED, LATER, STRIKES
from faults.chaos_town import BAD_GATEWAY, PLANTED_KIOSKS

TICK = 0.05
LATER_SECONDS = 0.5
MOST = 3  # times the strikes asked for; then it gives up
PLANTED_TOO = 0.35


class Nemesis:
    """Strikes until it is enough."""

    def __init__(self, town, *, seed, pace, record):
        self._town, self._pace, self._record = town, pace, record
        self._chance = random.Random(f"chaos {seed}")
        self._running, self._numbers = [], count()
        self.felt = Counter()
        self.begun = 0

    def rage(self, wanted):
        """Make ``wanted`` felt faults, every kind among them, then let all end."""
        kinds = self._kinds()
        due = time.monotonic()
        while not self._enough(wanted) and self.begun < MOST * max(wanted, len(STRIKES)):
            self._town.tend()
            self._end_due(time.monotonic())
            if time.monotonic() < due:
                time.sleep(TICK)
                continue
            self._strike(next(kinds))
            due = time.monotonic() + self._chance.uniform(0.4, 1.6) * self._pace
        while self._running:
            self._town.tend()
            self._end_due(float("inf"))
            time.sleep(TICK)
        self._town.tend()

    def _enough(self, wanted):
        return self.felt.total() >= wanted and all(self.felt[kind] for kind in STRIKES)

    def _kinds(self):
        yield from self._chance.sample(list(STRIKES), len(STRIKES))
        weights = [strike.weight for strike in STRIKES.values()]
        while True:
            yield from self._chance.sample(list(STRIKES), sum(weights), counts=weights)

    def _strike(self, kind):
        strike = STRIKES[kind]
        target, lasting = self._chance.choice(strike.targets), self._chance.uniform(*strike.seconds)
        planted = self._chance.random() < PLANTED_TOO and self._chance.choice((BAD_GATEWAY, *PLANTED_KIOSKS))
        self.begun += 1
        ending = strike.begin(self._town, target, self._chance)
        self._record.say("strike", kind=kind, target=target, seconds=round(lasting, 2), began=ending is not None)
        if ending is ENDED:
            self.felt[kind] += 1
        elif ending is not None:
            heapq.heappush(self._running, (time.monotonic() + lasting, next(self._numbers), kind, target, ending))
        if planted in self._town.parts:
            self._town.parts[planted].kill()

    def _end_due(self, now):
        due = [heapq.heappop(self._running) for each in sorted(self._running) if each[0] <= now]
        for _, number, kind, target, ending in due:
            felt = ending()
            if felt is LATER:
                heapq.heappush(self._running, (time.monotonic() + LATER_SECONDS, number, kind, target, ending))
                continue
            self.felt[kind] += bool(felt)
            self._record.say("ended", kind=kind, target=target, felt=bool(felt))
