"""A kiosk killed (SIGKILL) at random points of its work, again and again on one disk: what it confirmed is there.

- A life is forked from a process that has everything loaded: it opens the real outbox, declares, settles, begins sessions and notes door
  events until it is killed. The moment is drawn: after how many words, and how long after the last of them.
- After each death the real outbox opens what is left; every word said so far, in all lives, is held against it. Every ``NEW_DISK`` deaths the
  disk is new. The control promises before it commits and must be found out.

    python -m tests.faults.random_kills --seed 1 --count 500 --json
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import kiosk_words
from tests.faults.crash_images import MEMORY
from tests.faults.kiosk_history import damaged, reopen
from tests.faults.verdict import Campaign, Verdict, arguments, conclude

NEW_DISK = 25
MOST_WORDS = 24
LONGEST_NS = 4_000_000
CONTROL_SHARE = 10
DATABASE = "kiosk.db"


def live(folder, seed, pipe, *, early):
    """Work until killed; never returns."""
    kiosk_words.seeded_ids(seed)
    chance = random.Random(seed)
    outbox = reopen(folder / DATABASE)
    steps = iter(lambda: chance.choices(["keep", "settle", "session", "door"], weights=[45, 20, 5, 30])[0], None)
    kiosk_words.live(outbox, lambda word: os.write(pipe, f"{word}\n".encode()), steps=steps, early=early)


def one_death(folder, chance, *, early):
    """Start a life, kill it at a drawn point, and return what it got out."""
    heard, said = os.pipe()
    seed, words, nanoseconds = chance.getrandbits(40), chance.randint(1, MOST_WORDS), chance.randrange(LONGEST_NS)
    child = os.fork()
    if child == 0:
        try:
            os.close(heard)
            live(folder, seed, said, early=early)
        finally:
            os._exit(1)
    os.close(said)
    with os.fdopen(heard, "rb") as pipe:
        lines = [pipe.readline() for _ in range(words)]
        end = time.perf_counter_ns() + nanoseconds
        while time.perf_counter_ns() < end:
            pass
        os.kill(child, signal.SIGKILL)
        lines += pipe.readlines()
    os.waitpid(child, 0)
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def run(verdict, *, count, seed, early=False):
    """Let ``count`` lives end by a kill."""
    chance = random.Random(f"{seed} {verdict.name}")
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name)
        ledger = kiosk_words.Ledger()
        for number in range(count):
            if number % NEW_DISK == 0:
                shutil.rmtree(folder)
                folder.mkdir()
                ledger = kiosk_words.Ledger()
            ledger.hear(one_death(folder, chance, early=early))
            verdict.hit("kill")
            judge(verdict, ledger, folder, label=f"kill {number}")
    return verdict


def judge(verdict, ledger, folder, *, label):
    if damaged(folder):
        verdict.wrong("corrupt", f"{label}: set aside {damaged(folder)}")
    outbox = reopen(folder / DATABASE)
    ledger.judge(verdict, outbox, label=label)
    outbox.close()


def main():
    options = arguments(__doc__, count=500).parse_args()
    campaign = Campaign(name="random_kills", seed=options.seed, minimum={"kill": options.count})
    campaign.subjects.append(run(Verdict("outbox and door events"), count=options.count, seed=options.seed))
    control = Verdict("promises before the commit")
    campaign.controls.append(run(control, count=max(10, options.count // CONTROL_SHARE), seed=options.seed, early=True))
    return conclude(campaign, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
