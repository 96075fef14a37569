"""A kiosk's life step by step on the real outbox, and what must be true of an outbox after any step.

- Steps: keep a declaration, settle one with a final or a passing receipt, begin a session. Drawn by a seeded chance.
- After each step the whole logical state is noted. A crash during step n+1 may leave the state after n or after n+1, nothing else:
  that is stricter than "nothing acknowledged is missing".
- Missing what was acknowledged is ``lost``; half of a transaction is ``torn``; a database that does not open or check is ``corrupt``.

Example: ``life.step(outbox); judge(verdict, life, done=12, outbox=reopened)``
"""

from __future__ import annotations

import itertools
import sqlite3
from dataclasses import dataclass, field

import factories
from kiosk_parts import answer, make_outbox, open_row

from residence.errors import LuutruError

EVERYTHING = 1_000_000
OPENED_ROWS = 2  # envelopes opened with the authority's key per look; all are compared byte by byte


@dataclass
class Life:
    """What a kiosk was told to do, and the state it confirmed after each step."""

    chance: object
    states: list = field(default_factory=list)
    words: list = field(default_factory=list)

    def step(self, outbox):
        """Do one thing that ends in a durable answer; note what it was and what is there now."""
        waiting = outbox.unsettled(EVERYTHING)
        draw = self.chance.random()
        if draw < 0.55 or not waiting:
            kept = outbox.keep(factories.make_declaration())
            self.words.append(f"keep {kept.declaration_id}")
        elif draw < 0.9:
            row = self.chance.choice(waiting[:5])
            outbox.settle(answer(row.envelope, state=self.chance.choice(["accepted", "accepted", "refused", "received"])))
            self.words.append(f"settle {row.declaration_id}")
        else:
            self.words.append(f"session {outbox.next_session().number}")
        self.states.append(state_of(outbox))


def new_ids(chance):
    """Let the declarations of this process have ids that follow from the seed."""
    factories._counter = itertools.count(chance.getrandbits(60))


def state_of(outbox):
    """Everything an outbox promises, as one comparable value."""
    store = outbox._store
    waiting = tuple((row.sequence, row.declaration_id, row.envelope) for row in outbox.unsettled(EVERYTHING))
    settled = tuple(store.read("SELECT declaration_id, state, digest, receipt FROM settled ORDER BY declaration_id"))
    return waiting, settled, tuple(store.fact(name) for name in ("epoch", "last_sequence", "last_times", "session"))


def integrity(outbox):
    """SQLite's own judgement of the whole file, "ok" or what is wrong."""
    return outbox._store.read("PRAGMA integrity_check")[0][0]


def damaged(folder):
    """Whether an outbox gave up a database in this folder."""
    return sorted(path.name for path in folder.glob("*.damaged-*"))


def judge(verdict, life, outbox, *, done, label):
    """Judge a reopened outbox against what was confirmed: ``done`` steps, and perhaps the one after."""
    try:
        if integrity(outbox) != "ok":
            verdict.wrong("corrupt", f"{label}: integrity_check")
            return
        found = state_of(outbox)
        if done:
            _compare(verdict, life, found, done=done, label=label)
        if not consistent(found):
            verdict.wrong("torn", f"{label}: tables disagree")
        _sends(verdict, outbox, label)
        _continues(verdict, outbox, label)
    except sqlite3.DatabaseError as error:
        verdict.wrong("corrupt", f"{label}: {error}")


def _compare(verdict, life, found, *, done, label):
    if found in life.states[done - 1 : done + 1]:
        return
    missing = _missing(life.states[done - 1], life.states[done : done + 1], found)
    verdict.wrong("lost" if missing else "torn", f"{label}: after {done} steps {sorted(missing)[:2]}")


def consistent(found):
    """Whether both tables of each transaction agree: every number ever given is waiting or settled, exactly once."""
    waiting, settled, (_, last, *_) = found
    names = [row[1] for row in waiting] + [row[0] for row in settled]
    return len(names) == len(set(names)) == int(last or 0) and all(row[0] <= int(last) for row in waiting)


def _continues(verdict, outbox, label):
    """The reopened outbox must work: a new promise gets the next number."""
    before = int(outbox._store.fact("last_sequence") or 0)
    kept = outbox.keep(factories.make_declaration())
    row = outbox.row(kept.declaration_id)
    if row is None or row.sequence != before + 1:
        verdict.wrong("doubled", f"{label}: sequence after {before} is {row and row.sequence}")


def reopen(path):
    """The real outbox on what is there."""
    return make_outbox(path)


def _missing(confirmed, following, found):
    """Promises and answers of the confirmed state that are gone, though the step in flight does not explain it."""
    (waiting, settled, facts), (now_waiting, now_settled, now_facts) = confirmed, found
    explained = {row[0] for state in following for row in state[1]} & {row[0] for row in now_settled}
    gone = {row[1] for row in waiting} - {row[1] for row in now_waiting} - explained
    gone |= {row[0] for row in settled} - {row[0] for row in now_settled}
    gone |= {f"session {facts[3]}"} if int(now_facts[3] or 0) < int(facts[3] or 0) else set()
    return gone | ({f"epoch {facts[0]}"} if facts[0] != now_facts[0] else set())


def _sends(verdict, outbox, label):
    """What waits can be sent: the authority's key opens the envelopes."""
    for row in outbox.unsettled(OPENED_ROWS):
        try:
            opened = open_row(row.envelope)
        except LuutruError as error:
            verdict.wrong("corrupt", f"{label}: envelope {row.declaration_id}: {error.code}")
            continue
        if row.declaration_id.encode() not in opened:
            verdict.wrong("corrupt", f"{label}: envelope {row.declaration_id} holds another declaration")
