"""A kiosk in another process says what it was told to do and what it confirmed; the ledger of that, against the outbox left behind.

- Before each step the kiosk says what it attempts, after it what it confirms, with digests: ``keep ID``, ``kept ID SEQUENCE DIGEST``,
  ``settle ID DIGEST``, ``settled ID DIGEST``, ``session``, ``began N``, ``door``, ``rang N`` (so many door events), or ``refused CODE``.
- A word counts once it was said, whatever happened to the kiosk then. What was attempted and not answered may be there or not.
- Lost: a confirmed row, receipt or session is missing. Doubled: something is there that was never attempted, or there twice.

Example: ``ledger = Ledger(); ledger.hear(words); ledger.judge(verdict, outbox, label="kill 7")``
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
from dataclasses import dataclass, field

import factories
from kiosk_parts import answer

from edge_agent.event_book import EventBook
from residence.errors import LuutruError
from tests.faults.kiosk_history import consistent, integrity, new_ids, state_of

ANSWERS = {"kept", "settled", "began"}


def digest(data):
    return hashlib.sha256(data).hexdigest()[:32]


def live(outbox, say, *, steps, early=False):
    """Do the steps given (an endless iterator is fine), saying what is attempted and what is confirmed."""
    for step in steps:
        attempt, do = STEPS[step](outbox)
        say(attempt)
        if early:
            say(promised_early(attempt))
        try:
            confirmed = do()
        except (LuutruError, sqlite3.Error, OSError) as error:
            say(f"refused {getattr(error, 'code', type(error).__name__)}")
            continue
        if not early:
            say(confirmed)


def promised_early(attempt):
    """The control's word: the promise before the commit."""
    return (
        {"keep": "kept", "settle": "settled", "session": "began", "door": "rang"}[attempt.split()[0]]
        + attempt[attempt.find(" ") :]
        + " 0 0"
    )


def any_steps(chance):
    """Endless steps: somewhat more is kept than settled."""
    while True:
        yield chance.choices(["keep", "settle", "session"], weights=[55, 35, 10])[0]


def _keep(outbox):
    declaration = factories.make_declaration()

    def do():
        row = outbox.row(outbox.keep(declaration).declaration_id)
        return f"kept {row.declaration_id} {row.sequence} {digest(row.envelope)}"

    return f"keep {declaration.declaration_id}", do


def _settle(outbox):
    rows = outbox.unsettled(1)
    if not rows:
        return _keep(outbox)
    receipt = answer(rows[0].envelope)
    name = f"{rows[0].declaration_id} {digest(receipt)}"

    def do():
        outbox.settle(receipt)
        return f"settled {name}"

    return f"settle {name}", do


def _session(outbox):
    return "session", lambda: f"began {outbox.next_session().number}"


def _door(outbox):
    log = EventBook(outbox, random_bytes=bytes)

    def do():
        log.append(door="lobby", what="granted", detail="entry", who=log.pseudonym(b"a pass"))
        return f"rang {log.depth()}"

    return "door", do


STEPS = {"keep": _keep, "settle": _settle, "session": _session, "door": _door}


@dataclass
class Ledger:
    """What one or several lives of a kiosk confirmed."""

    waiting: dict = field(default_factory=dict)  # id -> digest of the envelope, None if not confirmed
    settled: dict = field(default_factory=dict)  # id -> digest of the receipt
    session: int = 0
    rang: int = 0  # door events
    attempted: set = field(default_factory=set)
    settling: set = field(default_factory=set)  # receipts that were handed over and not confirmed
    epoch: str | None = None

    @classmethod
    def of(cls, outbox):
        """What is there before anything happens."""
        waiting, settled, facts = state_of(outbox)
        ledger = cls(session=int(facts[3] or 0), epoch=facts[0])
        ledger.waiting = {row[1]: digest(row[2]) for row in waiting}
        ledger.settled = {row[0]: digest(row[3]) for row in settled}
        ledger.attempted = {*ledger.waiting, *ledger.settled}
        return ledger

    def hear(self, words):
        """Note what a life said; return how often it was refused."""
        for word in words:
            match word.split():
                case ["keep", declaration_id]:
                    self.attempted.add(declaration_id)
                case ["settle", declaration_id, _]:
                    self.settling.add(declaration_id)
                case ["kept", declaration_id, _, content]:
                    self.waiting[declaration_id] = content
                case ["settled", declaration_id, content, *_]:
                    self.waiting.pop(declaration_id, None)
                    self.settled[declaration_id] = content
                case ["began", number, *_]:
                    self.session = max(self.session, int(number))
                case ["rang", number, *_]:
                    self.rang = max(self.rang, int(number))
                case ["failed", *rest]:
                    raise RuntimeError(" ".join(rest))
        return sum(word.startswith("refused") for word in words)

    def judge(self, verdict, outbox, *, label):
        """Hold the outbox against the ledger."""
        try:
            if integrity(outbox) != "ok":
                verdict.wrong("corrupt", f"{label}: integrity_check")
            found = state_of(outbox)
        except sqlite3.DatabaseError as error:
            verdict.wrong("corrupt", f"{label}: {error}")
            return
        waiting = {row[1]: digest(row[2]) for row in found[0]}
        settled = {row[0]: digest(row[3]) for row in found[1]}
        rang = [each[0] for each in outbox.store.read("SELECT sequence FROM door_events ORDER BY sequence")]
        if len(rang) < self.rang or rang != list(range(1, len(rang) + 1)):
            verdict.wrong("lost", f"{label}: door events {len(rang)} of {self.rang}")
        for each in self._lost(waiting, settled, found[2]):
            verdict.wrong("lost", f"{label}: {each}")
        for each in sorted({*waiting, *settled} - self.attempted):
            verdict.wrong("doubled", f"{label}: never attempted: {each}")
        if not consistent(found):
            verdict.wrong("torn", f"{label}: tables disagree")

    def _lost(self, waiting, settled, facts):
        for declaration_id, content in self.waiting.items():
            if waiting.get(declaration_id) != content and not (declaration_id in self.settling and declaration_id in settled):
                yield f"row {declaration_id}"
        for declaration_id, content in self.settled.items():
            if settled.get(declaration_id) != content:
                yield f"receipt {declaration_id}"
        if int(facts[3] or 0) < self.session:
            yield f"session {self.session}"
        if self.epoch and facts[0] != self.epoch:
            yield f"epoch {self.epoch}"


def seeded_ids(seed):
    """New invented declarations per life, the same for the same seed."""
    new_ids(random.Random(seed))
