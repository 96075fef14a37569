"""What is killed at every call: a kiosk at its first start, at work, with a damaged database; a gateway taking batches.

- A scenario lays its disk out (``prepare``), gives the work to do in a process of its own (``work``), and judges what was left
  (``judge``). ``log`` and ``answers`` say which words may follow only a synced log.
- A fault while opening or closing may stop the process, as long as it says so; its supervisor starts it again.

Example: ``trial(verdict, Kiosk(seed=1), room=folder, inject="fdatasync:signal=KILL:when=3")``
"""

from __future__ import annotations

import random

from tests.faults import gateway_words, kiosk_words
from tests.faults.crash_images import nothing_planted
from tests.faults.kiosk_history import damaged, reopen

STOPS = {"OperationalError", "Refused", "OSError"}
DATABASE = "kiosk.db"
WORKING_DAY = ("keep", "settle", "keep", "session", "keep", "keep", "settle", "keep")
BEFORE_A_CHECKPOINT = 225  # pages in the log, of 256


class Kiosk:
    """One kiosk scenario: what is on its disk before, and what it does."""

    log = "-wal"
    answers = kiosk_words.ANSWERS

    def __init__(self, seed, *, steps=WORKING_DAY, weaken=None, plant=nothing_planted, early=False):
        self._seed, self._steps, self._weaken, self._plant, self._early = seed, steps, weaken, plant, early
        self.ledger = kiosk_words.Ledger()

    def prepare(self, folder):
        """Nothing: the first start."""

    def work(self, folder):
        def live(say):
            kiosk_words.seeded_ids(self._seed + 1)
            with self._plant():
                outbox = reopen(folder / DATABASE)
                if self._weaken:
                    self._weaken(outbox)
                kiosk_words.live(outbox, say, steps=self._steps, early=self._early)
                outbox.close()

        return live

    def judge(self, verdict, ended, folder, label):
        ledger = kiosk_words.Ledger(
            waiting=dict(self.ledger.waiting),
            settled=dict(self.ledger.settled),
            session=self.ledger.session,
            attempted=set(self.ledger.attempted),
            epoch=self.ledger.epoch,
        )
        ledger.hear(without_stop(verdict, ended, label))
        if damaged(folder):
            verdict.wrong("lost", f"{label}: set aside {damaged(folder)}")
        outbox = reopen(folder / DATABASE)
        ledger.judge(verdict, outbox, label=label)
        outbox.close()


class WorkingKiosk(Kiosk):
    """A kiosk in the middle of its life, the log shortly before it is folded in."""

    def __init__(self, seed, home, **options):
        super().__init__(seed, **options)
        self._home = home
        kiosk_words.seeded_ids(seed)
        outbox = reopen(home / DATABASE)
        chance = random.Random(seed)
        steps = kiosk_words.any_steps(chance)
        while (home / f"{DATABASE}-wal").stat().st_size < BEFORE_A_CHECKPOINT * 4120:
            kiosk_words.live(outbox, lambda _word: None, steps=[next(steps)])
        self.ledger = kiosk_words.Ledger.of(outbox)
        self._files = {name: (home / name).read_bytes() for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}.ballast")}
        outbox.close()

    def prepare(self, folder):
        for name, content in self._files.items():
            (folder / name).write_bytes(content)


class DamagedKiosk(WorkingKiosk):
    """A kiosk whose database cannot be read any more: it and its log are evidence, whatever happens while they are set aside."""

    def __init__(self, seed, home):
        super().__init__(seed, home, steps=("keep", "keep"))
        outbox = reopen(home / DATABASE)  # folded in by now
        kiosk_words.live(outbox, lambda _word: None, steps=["keep", "keep"])
        content, log = ((home / name).read_bytes() for name in (DATABASE, f"{DATABASE}-wal"))
        content = content[:4096] + b"\xaa" * (len(content) - 4096)
        self.evidence = [row.envelope for row in outbox.unsettled(1000) if row.envelope in log]
        outbox.close()
        self.ledger = kiosk_words.Ledger()
        self._files |= {DATABASE: content, f"{DATABASE}-wal": log}

    def judge(self, verdict, ended, folder, label):
        ledger = kiosk_words.Ledger()
        ledger.hear(without_stop(verdict, ended, label))
        outbox = reopen(folder / DATABASE)
        ledger.judge(verdict, outbox, label=label)
        outbox.close()
        kept = b"".join((folder / name).read_bytes() for name in damaged(folder))
        gone = [envelope for envelope in self.evidence if envelope not in kept]
        if gone or not self.evidence:
            verdict.wrong(
                "lost", f"{label}: {len(gone)} of {len(self.evidence)} sealed rows that could still be read are nowhere"
            )


class Gateway:
    """Batches into a SQLite registry."""

    log = "registry.db-wal"
    answers = gateway_words.ANSWERS

    def __init__(self, office, *, early=False, prepare=None, sent_again=None):
        self._office, self._early, self._setting, self._sent_again = office, early, prepare, sent_again
        self._url = ""

    def prepare(self, folder):
        self._url = self._office.copy(folder)

    def work(self, folder):
        return lambda say: self._office.live(say, self._url, folder / "vault", early=self._early, prepare=self._setting)

    def judge(self, verdict, ended, folder, label):
        words = without_stop(verdict, ended, label)
        self._office.judge(verdict, words, url=self._url, vault_folder=folder / "vault", label=label, sent_again=self._sent_again)


def without_stop(verdict, ended, label):
    """What was said, with refusals counted. A disk that fails while opening or closing may stop the process, for no other reason."""
    for word in ended.words:
        what, _, why = word.partition(" ")
        if what in {"refused", "failed"}:
            verdict.facts[what] = verdict.facts.get(what, 0) + 1
        if what == "failed" and (why.split()[0] not in STOPS or not any(call.injected for call in ended.calls)):
            verdict.wrong("silent", f"{label}: stopped by {why}")
    return [word for word in ended.words if not word.startswith("failed")]
