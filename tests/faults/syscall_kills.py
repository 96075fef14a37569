"""Killed, or refused by the disk, at every system call by which kiosk and gateway change their disk.

- The calls of an undisturbed run are counted first. Then, for each of them, the same work is killed there; and for each that can
  fail, it fails once with ENOSPC or EIO, and from there on always. Calls are those of ``traced_child.CHANGING``, and the answers.
- Kiosk: the first start, a working day with a checkpoint in it, a damaged database that is set aside. Gateway: batches into SQLite.
- After each fault the real outbox or intake opens what is left: nothing confirmed lost, nothing doubled. In the trace itself no
  answer may stand after a write to the log that no sync followed (``silent``).
- Controls: a promise before the commit, one transaction made two, synchronous=OFF, a kiosk that sends again under a new id.

    python -m tests.faults.syscall_kills --seed 1 --count 0 --json        (0: every call)
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.faults.crash_images import MEMORY, settings, two_transactions
from tests.faults.gateway_words import Office
from tests.faults.kill_scenarios import WORKING_DAY, DamagedKiosk, Gateway, Kiosk, WorkingKiosk
from tests.faults.traced_child import CHANGING, WORD, answered_unsynced, points, run_traced
from tests.faults.verdict import Campaign, Verdict, arguments, conclude

ERRORS = {
    "pwrite64": ("ENOSPC", "EIO"),
    "write": ("ENOSPC", "EIO"),
    "fdatasync": ("EIO", "ENOSPC"),
    "fsync": ("EIO",),
    "ftruncate": ("EIO",),
    "unlink": ("EIO",),
    "rename": ("EIO",),
}
CONTROL_POINTS = 8
# Between two commits lie few of a kiosk's calls: eight points chosen by chance miss them.
MORE_POINTS = {"kiosk, one transaction made two": 48}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing to inject, in strace's words."""

    kind: str
    inject: str


def faults_of(calls):
    """Every fault that an undisturbed run's calls allow."""
    for call, number in points(calls):
        yield Fault(kind=f"kill at {call.name}", inject=f"{call.name}:signal=KILL:when={number}")
        for error in ERRORS.get(call.name, ()):
            yield Fault(kind=f"{error} from {call.name}", inject=f"{call.name}:error={error}:when={number}")
        if call.name in {"pwrite64", "fdatasync"}:
            error = ERRORS[call.name][0]
            yield Fault(kind=f"{error} from {call.name} on", inject=f"{call.name}:error={error}:when={number}+")


def every_kth(faults, count, chance):
    """``count`` of the faults, evenly, each kind at least once; all of them for 0."""
    faults = list(faults)
    if not count or count >= len(faults):
        return faults
    by_kind = {}
    for fault in faults:
        by_kind.setdefault(fault.kind, []).append(fault)
    chosen = [chance.choice(each) for each in by_kind.values()]
    start = chance.randrange(len(faults))
    rest = (faults[(start + number * len(faults) // count) % len(faults)] for number in range(count))
    return [*chosen, *(fault for fault in rest if fault not in chosen)][:count]


def trial(verdict, scenario, *, room, inject=None, label="undisturbed"):
    """Run the scenario on a fresh disk, with or without a fault, and judge what it left. Return how it ended."""
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    disk = room / "disk"
    disk.mkdir()
    scenario.prepare(disk)
    ended = run_traced(scenario.work(disk), folder=room, inject=inject)
    for answer in answered_unsynced(ended.calls, log=scenario.log, answers=scenario.answers):
        verdict.wrong("silent", f"{label}: answered without a sync: {answer}")
    scenario.judge(verdict, ended, disk, label)
    return ended


def campaign_of(verdict, scenario, *, room, count, chance):
    """Count the calls, then do the same work once for each fault."""
    whole = trial(verdict, scenario, room=room)
    verdict.facts["calls"] = len(points(whole.calls))
    faults = list(faults_of(whole.calls))
    verdict.facts["possible_faults"] = len(faults)
    for fault in every_kth(faults, count, chance):
        label = f"{verdict.name}, {fault.inject}"
        ended = trial(verdict, scenario, room=room, inject=fault.inject, label=label)
        if ended.killed or any(call.injected for call in ended.calls):
            verdict.hit(fault.kind)
        else:
            verdict.facts["not_reached"] = verdict.facts.get("not_reached", 0) + 1


def scenarios(seed, folder):
    """What must hold, and what must not, by name."""
    for name in ("working", "damaged", "office"):
        (folder / name).mkdir()
    working = folder / "working"
    office = Office(folder / "office", batches=3, size=4)
    first = Gateway(office)
    (folder / "count").mkdir()
    first.prepare(folder / "count")
    undisturbed = Verdict("count")
    nothing = []
    office.expected = office.judge(
        undisturbed,
        nothing,
        url=f"sqlite:///{folder / 'count' / 'registry.db'}",
        vault_folder=folder / "count" / "vault",
        label="",
    )
    subjects = {
        "kiosk, first start": Kiosk(seed, steps=WORKING_DAY[:3]),
        "kiosk, working day": WorkingKiosk(seed, working),
        "kiosk, damaged database": DamagedKiosk(seed, folder / "damaged"),
        "gateway": first,
    }
    renamed = [[office.authority.deliver(office.authority.kiosk()) for _ in batch[:-1]] + batch[-1:] for batch in office.batches]
    controls = {
        "kiosk, promise before commit": Kiosk(seed, early=True),
        "kiosk, one transaction made two": Kiosk(seed, plant=two_transactions),
        "kiosk, synchronous=OFF": Kiosk(seed, weaken=settings("synchronous=OFF")),
        "gateway, answer before commit": Gateway(office, early=True),
        "gateway, synchronous=OFF": Gateway(office, prepare=_unsynced),
        "gateway, sent again under a new id": Gateway(office, sent_again=renamed),
    }
    return subjects, controls


def _unsynced(registry):
    from sqlalchemy import event

    event.listen(registry.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))


def main():
    asked = arguments(__doc__.splitlines()[0], count=0).parse_args()
    chance = random.Random(asked.seed)
    campaign = Campaign("syscall_kills", asked.seed)
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name)
        subjects, controls = scenarios(asked.seed, folder)
        for title, scenario in subjects.items():
            campaign.subjects.append(Verdict(title))
            campaign_of(
                campaign.subjects[-1],
                scenario,
                room=folder / "room",
                count=asked.count and asked.count // len(subjects),
                chance=chance,
            )
        for title, scenario in controls.items():
            campaign.controls.append(Verdict(title))
            points = MORE_POINTS.get(title, CONTROL_POINTS)
            campaign_of(campaign.controls[-1], scenario, room=folder / "room", count=points, chance=chance)
    campaign.minimum = {f"kill at {call}": 1 for call in (*CHANGING[:3], WORD)}
    campaign.minimum |= {
        "ENOSPC from pwrite64": 1,
        "EIO from fdatasync": 1,
        "EIO from fdatasync on": 1,
        "ENOSPC from pwrite64 on": 1,
    }
    return conclude(campaign, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
