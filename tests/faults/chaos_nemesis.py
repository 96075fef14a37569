"""What strikes when in a chaos run: drawn from the seed, one after another, overlapping as they last.

- First every kind once, in a drawn order; then kinds from a bag in which each lies as often as its weight. A kind that struck and
  was not felt is drawn again, soon and elsewhere. It goes on until so many strikes were felt, and every kind as often as asked.
- A strike comes when its time has come and something was acknowledged since the last one, or nothing for a while: faults overlap, and
  still there is a pipeline to strike, on a slow machine, too.
- Who, how long and what order is drawn from the seed alone; how much is felt, and what happens between, depends on the machine.
- ``strikes``: the kinds of this run, all of them when left out; ``slack`` stretches the time after which it gives up.
- The planted kiosks and gateway are killed too, and not counted: the gateway after a commit, when a kiosk will send again.

Example: ``Nemesis(town, seed=7, pace=1.0, record=record).rage(120, least=1)``
"""

from __future__ import annotations

import heapq
import random
import time
from collections import Counter, deque
from contextlib import suppress
from itertools import count

import psycopg

from faults.chaos_deaths import ENDED, LATER
from faults.chaos_strikes import STRIKES
from faults.chaos_town import BAD_GATEWAY, GATEWAYS, PLANTED_KIOSKS

TICK = 0.05
LATER_SECONDS = 0.5
MOST = 8  # times as long as the strikes asked for take one after another; then it gives up
PATIENCE = 60
PLANTED_TOO = 0.35
WORST = "gateway killed after a commit"  # always the planted gateway, too: it forgets what it has recorded, and a kiosk sends it again
AGAIN = 0.5
COUNT_SECONDS = 5
LULL_SECONDS = 5
DECLARED = "SELECT count(*) FROM chaos_effects WHERE kiosk_id IS NULL OR kiosk_id ~ '^kiosk-[0-9]+$'"  # none of the planted


class Nemesis:
    """Strikes until it is enough."""

    def __init__(self, town, *, seed, record, pace, lasting=1.0, strikes=STRIKES, slack=1.0):
        self._town, self._record, self._strikes, self._slack = town, record, strikes, slack
        self._pace, self._lasting = pace, lasting
        self._chance = random.Random(f"chaos {seed}")
        self._running, self._numbers = [], count()
        self._declarations, self._count_at, self._struck_at = 0, 0.0, 0.0
        self._unfelt = deque()  # kinds that struck nothing
        self.felt = Counter()

    def rage(self, wanted, *, least, declarations=0):
        """Make ``wanted`` felt faults, every kind ``least`` times, until so many ``declarations`` have effects; then let all end."""
        self._declarations = declarations
        kinds = self._kinds(wanted, least)
        due = time.monotonic()
        give_up = due + (PATIENCE + MOST * self._pace * max(wanted, least * len(self._strikes))) * self._slack
        while self._missing(wanted, least) and time.monotonic() < give_up:
            self._town.tend()
            self._end_due(time.monotonic())
            if time.monotonic() < due or not (self._something_goes_on() or time.monotonic() > due + LULL_SECONDS):
                time.sleep(TICK)
                continue
            if (kind := next(kinds)) and self._strike(kind):
                self._struck_at = time.time()
                due = time.monotonic() + self._chance.uniform(0.4, 1.6) * self._pace
            else:
                time.sleep(TICK)
        while self._running:
            self._town.tend()
            self._end_due(float("inf"))
            time.sleep(TICK)
        self._town.tend()

    def _something_goes_on(self):
        """Tell whether a gateway got anything done since the last strike; a slow machine needs longer to stand up again."""
        records = [self._town.record(each) for each in GATEWAYS]
        return any(each.exists() and each.stat().st_mtime > self._struck_at for each in records)

    def _missing(self, wanted, least):
        """Return the kinds that have to strike yet: all of them until enough was felt."""
        if self.felt.total() < wanted or not self._enough_declared():
            return list(self._strikes)
        return [kind for kind in self._strikes if self.felt[kind] < least]

    def _enough_declared(self):
        if self._declarations and time.monotonic() > self._count_at:
            self._count_at = time.monotonic() + COUNT_SECONDS
            with suppress(psycopg.Error):  # struck down just now
                if self._town.ask(DECLARED)[0][0] >= self._declarations:
                    self._declarations = 0
        return not self._declarations

    def _kinds(self, wanted, least):
        """Yield what strikes next; None: wait for what strikes already."""
        strikes = list(self._strikes)
        bag = self._chance.sample(strikes, len(strikes))
        weights = [strike.weight for strike in self._strikes.values()]
        while True:
            missing = self._missing(wanted, least)
            striking = {kind for _, _, kind, _, _ in self._running}
            bag = bag or self._chance.sample(strikes, sum(weights), counts=weights)
            if self._unfelt and self._chance.random() < AGAIN:
                kind = self._unfelt.popleft()
            elif len(missing) < len(strikes):
                kind = self._chance.choice([each for each in missing if each not in striking] or [None])
            else:
                kind = bag.pop()
            if kind is None or kind in missing:
                yield kind

    def _strike(self, kind):
        """Strike somebody; tell whether it began."""
        strike = self._strikes[kind]
        target, lasting = self._chance.choice(strike.targets), self._chance.uniform(*strike.seconds) * self._lasting
        planted = self._chance.random() < PLANTED_TOO and self._chance.choice((BAD_GATEWAY, *PLANTED_KIOSKS))
        ending = strike.begin(self._town, target, self._chance)
        self._record.say("strike", kind=kind, target=target, seconds=round(lasting, 2), began=ending is not None)
        if ending is ENDED:
            self.felt[kind] += 1
        elif ending is not None:
            heapq.heappush(self._running, (time.monotonic() + lasting, next(self._numbers), kind, target, ending))
        if BAD_GATEWAY in self._town.parts and (planted == BAD_GATEWAY or kind == WORST):
            self._town.death(BAD_GATEWAY).touch()
        elif planted in self._town.parts:
            self._town.parts[planted].kill()
        return ending is not None

    def _end_due(self, now):
        due = [heapq.heappop(self._running) for each in sorted(self._running) if each[0] <= now]
        for _, number, kind, target, ending in due:
            felt = ending()
            if felt is LATER:
                heapq.heappush(self._running, (time.monotonic() + LATER_SECONDS, number, kind, target, ending))
                continue
            if felt:
                self.felt[kind] += 1
            else:
                self._unfelt.append(kind)
            self._record.say("ended", kind=kind, target=target, felt=bool(felt))
