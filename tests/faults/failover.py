"""A city's registry loses its leader under load, and everything is rolled: committed declarations lost 0, doubled 0, service back in 30 s.

- Real etcd, Patroni, PostgreSQL and HAProxy from ``deploy/city``, two gateways, two servers, kiosks and desks declaring all the time.
- A machine is lost by killing etcd, Patroni and PostgreSQL on it at one moment. Worst: just before, no other machine heard from it.
- Back means: every kiosk and every desk has the receipt of something begun after the blow.
- While gateways, servers and broker are restarted one by one no request of a desk may go unanswered.
- Control: the same cluster answering before a second machine has the commit must lose, or the checker is blind.

    python -m tests.faults.failover --seed 7 --count 12
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psycopg

from faults.chaos_checker import gather, judge
from faults.chaos_enclosure import disk, enter, name_hosts
from faults.chaos_parts import freeze
from faults.chaos_record import lines, since, size_of
from faults.city_town import DESKS, GATEWAYS, HOSTS, KIOSKS, WEB, CityTown
from faults.verdict import Campaign, Verdict, arguments, conclude
from luutru.demo.prepare import open_registry
from registry.key_changes import keyring_if_reachable

BACK_LIMIT = SETTLE_LIMIT = 30
PATIENCE = 180
SEEN_SECONDS = 5  # the neighbours look twice, a second apart, before they ask it again: docs/city.md says to wait as long
AWAY = 45  # seconds a lost machine stays away: longer than anybody waits for it
FROZEN = 3
TOOLS = ("etcd", "patroni", "haproxy")
SERVICES = (*GATEWAYS, *(f"server-{name}" for name in WEB), "broker")


def database_killed(town):
    return town.machines.kill_database(town.machines.leader())


def machine_lost(town):
    return town.machines.kill_machine(town.machines.leader(), away=AWAY)


def machine_lost_unheard(town):
    """The leader tells nobody anything for a while; then it is gone."""
    leader = town.machines.leader()
    telling = [pid for pid in town.machines.telling(leader) if freeze(pid)]
    end = time.monotonic() + FROZEN
    while time.monotonic() < end:
        town.tend()
        time.sleep(0.05)
    return town.machines.kill_machine(leader, away=AWAY) and bool(telling)


def follower_lost(town):
    leader = town.machines.leader()
    return town.machines.kill_machine(next(name for name in town.machines.names if name != leader), away=AWAY)


BLOWS = {
    "database killed": database_killed,
    "leader's machine lost": machine_lost,
    "leader lost, its last words unheard": machine_lost_unheard,
    "follower's machine lost": follower_lost,
}
ROLLED = "everything rolled"


def wait_for(town, what, done, *, patience=PATIENCE):
    """Tend the town until ``done()``; tell how many seconds it took, or raise with the logs' last words."""
    begun = time.monotonic()
    while not done():
        town.tend()
        if time.monotonic() > begun + patience:
            raise RuntimeError(
                f"{what}: " + "; ".join(f"{name}: {part.last_words()[-400:]}" for name, part in town.parts.items())
            )
        time.sleep(0.05)
    return time.monotonic() - begun


class Answers:
    """Who holds the receipt of something begun from now on; reads what is told once."""

    def __init__(self, town):
        self._town = town
        self._read = {name: size_of(town.record(name)) for name in (*KIOSKS, *DESKS)}
        self._begun = set()
        self._waiting = set(self._read)

    def all_came(self):
        """Tell whether everybody had one."""
        for name in sorted(self._waiting):
            told = since(self._town.record(name), self._read[name]) if self._town.record(name).exists() else b""
            whole = told[: told.rfind(b"\n") + 1]
            self._read[name] += len(whole)
            for line in map(json.loads, whole.splitlines()):
                if line["event"] == "attempted":
                    self._begun.add(line["id"])
                elif line["event"] == "settled" and line["id"] in self._begun:
                    self._waiting.discard(name)
        return not self._waiting


def is_leading(town):
    try:
        return bool(town.machines.leader()) and town.machines.is_whole()
    except psycopg.OperationalError:
        return False


def unanswered(town, offsets):
    """Return how many requests of desks had no answer since the offsets were taken."""
    return sum(each["event"] == "unanswered" for name in DESKS for each in lines(town.record(name))[offsets[name] :])


def roll(town, verdict):
    """Restart every service of ours, one by one, under load."""
    offsets = {name: len(lines(town.record(name))) for name in DESKS}
    for name in SERVICES:
        if not town.stop(name):
            verdict.wrong("unexpected", f"{name} did not end when asked")
        if name.startswith("server-"):
            wait_for(town, name, lambda name=name: town.is_serving(name.removeprefix("server-")))
            seen_at = time.monotonic() + SEEN_SECONDS
            wait_for(town, name, lambda seen_at=seen_at: time.monotonic() > seen_at)
        wait_for(town, f"{name} rolled", Answers(town).all_came)
    failed = unanswered(town, offsets)
    verdict.facts["requests failed while rolled"] = verdict.facts.get("requests failed while rolled", 0) + failed
    if failed:
        verdict.wrong("unsettled", f"{failed} requests had no answer while everything was rolled")
    verdict.hit(ROLLED)


def strike(town, kind, verdict):
    wait_for(town, "a whole cluster", lambda: is_leading(town))
    if not BLOWS[kind](town):
        return
    back = wait_for(town, f"service after {kind}", Answers(town).all_came)
    verdict.hit(kind)
    slowest = verdict.facts.setdefault("seconds until back", {})
    slowest[kind] = max(slowest.get(kind, 0), round(back, 1))
    if back > BACK_LIMIT:
        verdict.wrong("unsettled", f"{kind}: back after {back:.1f} s")


def finish(town, verdict):
    """Let nobody new come, wait until all is answered, and judge."""
    (town.history / "calm").touch()
    begun, people = time.monotonic(), [town.parts[name] for name in (*KIOSKS, *DESKS)]
    while not all(part.finished for part in people) and time.monotonic() < begun + PATIENCE:
        town.tend(calm=True)
        time.sleep(0.05)
    settled = time.monotonic() - begun if all(part.finished for part in people) else None
    evidence = gather(town, KIOSKS, GATEWAYS, desks=DESKS)
    registry = open_registry(town.layout, town.tools)
    evidence.keyring, evidence.settle_seconds = keyring_if_reachable(registry), settled
    registry.close()
    return judge(evidence, verdict=verdict, settle_limit=SETTLE_LIMIT)


def trial(place, history, verdict, *, kinds, synchronous=True, rolls=0):
    """Run one town through blows, and judge it."""
    for path in (place, history):
        path.mkdir(parents=True, exist_ok=True)
    place.chmod(0o755)
    for old in (*history.glob("*.jsonl"), *history.glob("*.log"), history / "calm"):
        old.unlink(missing_ok=True)
    town = CityTown(place, history, synchronous=synchronous)
    try:
        town.begin()
        wait_for(town, "the first receipts", Answers(town).all_came)
        for kind in kinds:
            strike(town, kind, verdict)
        for _ in range(rolls):
            wait_for(town, "a whole cluster", lambda: is_leading(town))
            roll(town, verdict)
        return finish(town, verdict)
    finally:
        for name in town.machines.names:
            town.machines.kill_machine(name, away=0)
        for part in town.parts.values():
            part.kill()
        shutil.rmtree(place, ignore_errors=True)


def run(asked):
    """Run the town that must hold, then the control."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    place = disk()
    name_hosts(place, HOSTS)
    history = Path("var/faults").absolute() / f"failover-{asked.seed}"
    chosen = random.Random(asked.seed)
    kinds = [list(BLOWS)[at % len(BLOWS)] for at in range(asked.count)]
    chosen.shuffle(kinds)
    campaign = Campaign("failover", asked.seed, minimum=dict.fromkeys([*BLOWS, ROLLED], 1))
    city = trial(place / "city", history, Verdict("city"), kinds=kinds, rolls=2)
    campaign.subjects.append(city)
    control = Verdict("answers before a second machine has it")
    unheard = ["leader lost, its last words unheard"]
    campaign.controls.append(trial(place / "control", history / "control", control, kinds=unheard, synchronous=False))
    control.wrongs = Counter({"lost": control.wrongs["lost"]}) if control.wrongs["lost"] else Counter()
    return campaign


def main():
    missing = [each for each in TOOLS if shutil.which(each) is None and not Path("/usr/sbin", each).exists()]
    if missing:
        print(f"failover needs {', '.join(missing)}: run scripts/bootstrap city", file=sys.stderr)
        return 2
    enter("tests.faults.failover", sys.argv[1:])
    asked = arguments(__doc__.splitlines()[0], count=8).parse_args()
    return conclude(run(asked), as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
