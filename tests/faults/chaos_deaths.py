"""Faults of a chaos run that end or stop processes: killed with all or some of their children, wiped, frozen.

- A strike returns ``ENDED`` when it is over and was felt, a function that ends it, or None when it cannot begin now.
- That function returns whether it was felt, or ``LATER`` when it is not done yet.
- ``wipe_rows`` is the worst a broker can do: it has said that it has them, nobody else has, and then it has nothing.

Example: ``kill(town, "kiosk-1", chance) is ENDED``
"""

from __future__ import annotations

import shutil
import signal
import time

from faults.chaos_parts import command_line, freeze, send
from faults.chaos_record import new_and_sent, since, size_of
from faults.chaos_town import BELIEVER, GATEWAYS, KIOSKS

ENDED = "ended"  # felt, and nothing to undo
LATER = "later"  # what ends it is not done yet
PATIENCE = 6
AT_WORK_SECONDS = 3


def kill(town, name, chance):
    return ENDED if town.parts[name].kill(again_after=chance.uniform(0, 0.8)) else None


def kill_after_commit(town, name, _chance):
    """Have a gateway die at the worst moment: committed, not acknowledged, not answered."""
    death = town.death(name)
    if death.exists():
        return None
    death.touch()
    end_of_patience = time.monotonic() + PATIENCE * town.slack

    def end():
        if death.exists() and time.monotonic() < end_of_patience:
            return LATER  # a busy machine may be long without a commit
        felt = not death.exists()
        death.unlink(missing_ok=True)
        return felt

    return end


def kill_postmaster(town, name, chance):
    return ENDED if town.parts[name].kill_main(again_after=chance.uniform(0.1, 0.6)) else None


def kill_child(wanted):
    """Kill one process a part has started: a session of the database."""

    def begin(town, name, chance):
        found = [pid for pid in town.parts[name].children() if wanted in command_line(pid)]
        return ENDED if found and send(chance.choice(found), signal.SIGKILL) else None

    return begin


def wipe_broker(town, name, chance):
    if not town.parts[name].kill(again_after=chance.uniform(0, 0.8)):
        return None
    shutil.rmtree(town.layout.broker / "data")
    (town.layout.broker / "data").mkdir()
    return ENDED


def wipe_rows(town, name, chance):
    """Keep the gateways from reading until the broker has rows of honest kiosks, and of the one that believes it; then wipe.

    The gateways die with it: what the broker had sent them lay unread in their sockets.
    """
    if "rows" in town.busy or any(_idle_seconds(town, each) > AT_WORK_SECONDS * town.slack for each in GATEWAYS):
        return None  # a broker that has just forgotten who subscribed takes no rows
    for each in GATEWAYS:
        if town.parts[each].running:
            freeze(town.parts[each].pid)
    town.busy.add("rows")
    begun = {each: size_of(town.record(each)) for each in town.kiosks}
    end_of_patience = time.monotonic() + PATIENCE * town.slack

    def end():
        giving = {each for each, offset in begun.items() if new_and_sent(since(town.record(each), offset))}
        enough = giving & {*KIOSKS} and giving & {BELIEVER} == {*town.kiosks} & {BELIEVER}
        if not enough and time.monotonic() < end_of_patience:
            return LATER
        wiped = wipe_broker(town, name, chance)
        for each in GATEWAYS:
            town.parts[each].kill()
        town.busy.discard("rows")
        return enough and wiped is ENDED

    return end


def _idle_seconds(town, name):
    record = town.record(name)
    return time.time() - record.stat().st_mtime if record.exists() else float("inf")


def stop(town, name, _chance):
    part = town.parts[name]
    if not part.running or not freeze(part.pid):
        return None
    pid = part.pid

    def end():
        send(pid, signal.SIGCONT)  # unless it was killed meanwhile
        return True

    return end
