"""Crash images of the kiosk's outbox: every state a power cut may leave its disk in, opened by the real outbox.

- The real outbox lives through a drawn history above a shim that notes what SQLite asks of the disk (``sqlite_shim``). From the
  notes come images for every sync epoch (``power_loss``), and the real outbox opens each of them.
- Images that do not differ are looked at once and counted once.
- An image must hold exactly the state confirmed last, or that plus the transaction in flight (``kiosk_history``).
- Controls: weaker settings of SQLite, a promise given before the commit, one transaction made two. Each must lose in the same run.

    python -m tests.faults.crash_images --seed 1 --count 100000 --json
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import edge_agent.outbox
from tests.faults.kiosk_history import Life, damaged, judge, new_ids, reopen
from tests.faults.power_loss import KINDS, Disk
from tests.faults.sqlite_shim import recording
from tests.faults.verdict import Campaign, Verdict, arguments, conclude

IMAGES_PER_LIFE = 2500
STEPS = 110  # about three checkpoints
REOPENED_AFTER = (40, 75)
CONTROL_SHARE = 20  # a control gets a twentieth of the images
LEAST_CONTROLS = 150
NAME = "kiosk.db"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def as_built(_outbox):
    """The product's own settings."""


def settings(*pragmas):
    def weaken(outbox):
        for pragma in pragmas:
            outbox._store.read(f"PRAGMA {pragma}")

    return weaken


@contextmanager
def two_transactions():
    """Plant: the row is committed before the number it used."""
    original = edge_agent.outbox._insert

    def insert(cursor, sequence, sealed):
        original(cursor, sequence, sealed)
        cursor.execute("COMMIT")
        cursor.execute("BEGIN IMMEDIATE")

    with mock.patch.object(edge_agent.outbox, "_insert", insert):
        yield


@contextmanager
def nothing_planted():
    yield


# name -> (settings, plant, whether the promise is noted before the call that keeps it)
CONTROLS = {
    "synchronous=NORMAL": (settings("synchronous=NORMAL"), nothing_planted, False),
    "synchronous=OFF": (settings("synchronous=OFF"), nothing_planted, False),
    "journal_mode=DELETE, synchronous=OFF": (settings("journal_mode=DELETE", "synchronous=OFF"), nothing_planted, False),
    "journal_mode=OFF": (settings("journal_mode=DELETE", "journal_mode=OFF"), nothing_planted, False),
    "promise before commit": (as_built, nothing_planted, True),
    "one transaction made two": (as_built, two_transactions, False),
}


def record(folder, chance, *, weaken, early):
    """Let an outbox live, and return its log of calls and its history."""
    new_ids(chance)
    life = Life(chance)
    with recording(folder) as log:
        outbox = reopen(folder / NAME)
        weaken(outbox)
        for number in range(1, STEPS + 1):
            if early:
                log.append(("done", number))
            life.step(outbox)
            if not early:
                log.append(("done", number))
            if number in REOPENED_AFTER:
                outbox.close()
                outbox = reopen(folder / NAME)
                weaken(outbox)
        outbox.close()
    return log, life


def places(log, count, chance):
    """How many images to make after each event: at least one in every sync epoch, the rest anywhere."""
    epochs, start = [], 0
    for place, event in enumerate(log):
        if event[0] in {"sync", "sync folder"}:
            epochs.append(range(start, place + 1))
            start = place + 1
    chosen = [chance.choice(epoch) for epoch in epochs]
    chosen += [chance.randrange(len(log)) for _ in range(max(0, count - len(chosen)))]
    return sorted(chosen), len(epochs)


def look(verdict, life, room, *, files, done, label):
    """Lay an image down, open it with the real outbox and judge it."""
    for path in room.iterdir():
        if not path.name.endswith(".ballast"):
            path.unlink()
    for name, content in files.items():
        (room / name).write_bytes(content)
    try:
        outbox = reopen(room / NAME)
    except Exception as error:
        verdict.wrong("corrupt", f"{label}: {type(error).__name__}: {error}")
        return
    if damaged(room):
        verdict.wrong("corrupt", f"{label}: set aside")
    else:
        judge(verdict, life, outbox, done=done, label=label)
    outbox.close()


def examine(verdict, *, folder, seed, count, weaken, plant, early):
    """Record one life and look at ``count`` images of it, or fewer: those that differ."""
    chance = random.Random(seed)
    room, home = folder / "image", folder / "life"
    for each in (room, home):
        shutil.rmtree(each, ignore_errors=True)
        each.mkdir()
    with plant():
        log, life = record(home, chance, weaken=weaken, early=early)
    chosen, epochs = places(log, count, chance)
    verdict.facts["sync_epochs"] = verdict.facts.get("sync_epochs", 0) + epochs
    verdict.facts["lives"] = verdict.facts.get("lives", 0) + 1
    disk, done, number, seen = Disk(), 0, 0, set()
    for place in chosen:
        while number <= place:
            disk.apply(log[number])
            done = log[number][1] if log[number][0] == "done" else done
            number += 1
        kind = chance.choice(disk.kinds())
        files = disk.image(kind, chance)
        if (image := hash((done, *files.items()))) in seen:
            continue
        seen.add(image)
        verdict.hit(kind)
        look(verdict, life, room, files=files, done=done, label=f"seed {seed} event {place} {kind}")


def run(verdict, *, seed, count, weaken=as_built, plant=nothing_planted, early=False):
    """Look at ``count`` different images, from as many lives as that takes."""
    # Memory instead of a disk: what would be durable is the model's business here, and the disk's time would be most of the run.
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        for number in itertools.count():
            if verdict.faults >= count:
                break
            left = min(IMAGES_PER_LIFE, count - verdict.faults)
            examine(verdict, folder=Path(folder), seed=seed * 1000 + number, count=left, weaken=weaken, plant=plant, early=early)


def main():
    asked = arguments(__doc__.splitlines()[0], count=100_000).parse_args()
    subject = Verdict("outbox as built")
    campaign = Campaign("crash_images", asked.seed, subjects=[subject])
    run(subject, seed=asked.seed, count=asked.count)
    for name, (weaken, plant, early) in CONTROLS.items():
        control = Verdict(name)
        campaign.controls.append(control)
        run(
            control,
            seed=asked.seed,
            count=max(LEAST_CONTROLS, asked.count // CONTROL_SHARE),
            weaken=weaken,
            plant=plant,
            early=early,
        )
    campaign.minimum = dict.fromkeys(KINDS, max(1, asked.count // 1000))
    return conclude(campaign, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
