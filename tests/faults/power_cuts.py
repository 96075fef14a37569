"""Real power cuts under kiosk, registry and keys: a file system that forgets, under real writers.

- Each trial: the real code writes on a loop mount, the power is cut at a drawn moment (``loop_disk``), the writer is killed, the disk
  is mounted again, and the real code opens what is there. Words that came out before the cut are held against it.
- Subjects: outbox (SQLite), intake into SQLite and into PostgreSQL, and the vault's key files. Each has controls beside it in the same
  run: synchronous=NORMAL and OFF, synchronous_commit=off, key files whose folder is not synced.
- ``--count`` is the number of cuts of the outbox; ``--registry``, ``--postgres`` and ``--keys`` those of the others.

    python -m tests.faults.power_cuts --seed 1 --count 600 --registry 400 --postgres 200 --keys 100 --json
"""

from __future__ import annotations

import random
import sys
import tempfile
from functools import partial
from pathlib import Path
from unittest import mock

from sqlalchemy import event

from tests.faults.crash_images import MEMORY, settings
from tests.faults.loop_disk import LoopDisk, own_mounts
from tests.faults.power_trials import KeyTrials, KioskTrials, PostgresTrials, RegistryTrials
from tests.faults.verdict import Campaign, Verdict, arguments, conclude

CUTS_PER_LIFE = 20  # then the kiosk, or the registry, is new again
CONTROL_SHARE = 10
LEAST_CONTROLS, MOST_CONTROLS = 3, 60
SQLITE_MEGABYTES, POSTGRES_MEGABYTES = 48, 400


def without_folder_sync():
    return mock.patch("registry.durable_files.sync_folder")


def pragma(text):
    def prepare(registry):
        event.listen(registry.engine, "connect", lambda connection, _record: connection.execute(f"PRAGMA {text}"))

    return prepare


# name -> (trials, megabytes, options that keep it as built, controls)
SUBJECTS = {
    "outbox": (
        KioskTrials,
        SQLITE_MEGABYTES,
        {
            "synchronous=NORMAL": {"weaken": settings("synchronous=NORMAL")},
            "synchronous=OFF": {"weaken": settings("synchronous=OFF")},
        },
    ),
    "registry": (
        RegistryTrials,
        SQLITE_MEGABYTES,
        {
            "synchronous=NORMAL": {"prepare": pragma("synchronous=NORMAL")},
            "synchronous=OFF": {"prepare": pragma("synchronous=OFF")},
        },
    ),
    "postgres": (PostgresTrials, POSTGRES_MEGABYTES, {"synchronous_commit=off": {"options": ("synchronous_commit=off",)}}),
    "keys": (KeyTrials, SQLITE_MEGABYTES, {"folder not synced": {"planted": without_folder_sync}}),
}


def run(verdict, *, kind, megabytes, count, seed, enough=lambda _number: False, **options):
    """Cut the power ``count`` times under one configuration, or until it is enough."""
    chance = random.Random(f"{seed} {verdict.name}")
    # The image lies in memory: flushes then cost the disk below nothing, and what counts is what ext4 had flushed by the cut.
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, LoopDisk(name, megabytes=megabytes) as disk:
        Path(name).chmod(0o711)  # PostgreSQL is another user
        folder = Path(name) / "prepared"
        folder.mkdir()
        trials = kind(disk, folder=folder, **options)
        try:
            for number in range(count):
                if enough(number):
                    break
                if number % CUTS_PER_LIFE == 0:
                    trials.fresh()
                label = f"{verdict.name}, seed {seed}, cut {number}"
                trials.trial(verdict, chance, label=label)
        finally:
            if hasattr(trials, "end"):
                trials.end()


# what must have been going on when the power went, at least once
MOMENTS = (
    *(("outbox", kind) for kind in ("during keep", "during settle")),
    *((name, "during take") for name in ("registry", "postgres")),
    ("keys", "while keys are made"),
)


def lost_by(control, few, number):
    return number >= few and bool(control.wrongs)


def asked_for(asked, name):
    return asked.count if name == "outbox" else getattr(asked, name)


def main():
    parser = arguments(__doc__.splitlines()[0], count=600)
    for name, count in {"registry": 400, "postgres": 200, "keys": 100}.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    asked = parser.parse_args()
    own_mounts()
    campaign = Campaign("power_cuts", asked.seed)
    for name, (kind, megabytes, controls) in SUBJECTS.items():
        count = asked_for(asked, name)
        if not count:
            continue
        campaign.subjects.append(Verdict(name))
        run(campaign.subjects[-1], kind=kind, megabytes=megabytes, count=count, seed=asked.seed)
        for title, options in controls.items():
            campaign.controls.append(control := Verdict(f"{name}, {title}"))
            # A control is a few cuts, and as many more as it takes until it has lost something.
            few = partial(lost_by, control, max(LEAST_CONTROLS, count // CONTROL_SHARE))
            run(control, kind=kind, megabytes=megabytes, count=max(count, MOST_CONTROLS), seed=asked.seed, enough=few, **options)
    campaign.minimum = {"at the start": asked.count // 100} | {kind: 1 for name, kind in MOMENTS if asked_for(asked, name)}
    return conclude(campaign, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
