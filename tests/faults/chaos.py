"""The whole pipeline with everything going wrong at once: real processes, each machine in a network of its own.

- Four kiosks (real outbox and uplink), Mosquitto, two gateways on disjoint shards, PostgreSQL and the web server's API, all
  recording into one registry; faults drawn from the seed (``chaos_strikes``), then calm; then the checker (``chaos_checker``).
- In the same run, under the same faults, three planted bugs: delete on PUBACK, acknowledge on arrival, deduplicate in memory.
- Passed: nothing wrong in the town, every kind of fault felt often enough, every planted bug found. Root is needed (``chaos_enclosure``).
- What was told and logged stays in ``--history``: JSON lines, and the processes' own logs.

    python -m tests.faults.chaos --seed 7 --faults 500 --declarations 50000
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from faults.chaos_checker import gather, judge
from faults.chaos_enclosure import disk, enter, name_hosts
from faults.chaos_nemesis import Nemesis
from faults.chaos_record import Record, lines
from faults.chaos_strikes import STRIKES
from faults.chaos_town import BAD_GATEWAY, BELIEVER, DESK, GATEWAYS, KIOSK_OF_BAD_GATEWAY, KIOSKS, Town
from faults.verdict import Campaign, Verdict, arguments, conclude
from luutru.demo.prepare import open_registry
from registry.key_changes import keyring_if_reachable

SETTLE_LIMIT = 60
PATIENCE = 240  # a run that does not settle is watched a little longer, to see whether it ever does
STRIKES_PER_LEAST = 125
WARM_SECONDS = 60
PLANTED_SECONDS = 15
HONEST = (*KIOSKS, *GATEWAYS, DESK, "broker", "server")
# planted bug -> its kiosk, its gateways, and how it has to show
PLANTED = {
    "delete on PUBACK": (BELIEVER, (), "lost"),
    "acknowledge on arrival": (KIOSK_OF_BAD_GATEWAY, (BAD_GATEWAY,), "early"),
    "deduplicate in memory": (KIOSK_OF_BAD_GATEWAY, (BAD_GATEWAY,), "doubled"),
}


def options():
    parser = arguments(__doc__.splitlines()[0], count=500)
    parser.add_argument("--faults", type=int, dest="count", help="how many faults have to be felt (--count)")
    parser.add_argument("--declarations", type=int, default=0, help="go on until there are so many; fail below")
    parser.add_argument("--pace", type=float, default=1.2, help="mean seconds from one fault to the next")
    parser.add_argument("--lasting", type=float, default=1.0, help="how long a fault lasts, as a share of its usual time")
    parser.add_argument("--every", type=float, default=0.03, help="seconds between two people at a kiosk")
    parser.add_argument(
        "--resend", type=float, default=5.0, help="seconds until a kiosk sends a row again (doubling; the product: 15)"
    )
    parser.add_argument("--kinds", nargs="+", choices=STRIKES, default=list(STRIKES), help="only these kinds of faults")
    parser.add_argument(
        "--slack", type=float, default=1.0, help="how much longer than usual everything may take: on a busy machine"
    )
    parser.add_argument("--no-planted", action="store_true", help="without the planted bugs; such a run does not pass")
    parser.add_argument("--history", type=Path, help="where the record is kept; var/faults/chaos-SEED when left out")
    return parser.parse_args()


def history_folder(asked):
    folder = (asked.history or Path("var/faults") / f"chaos-{asked.seed}").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.jsonl"), *folder.glob("*.log"), folder / "calm"):
        old.unlink(missing_ok=True)
    return folder


def wait_until_working(town, slack):
    """Begin once every kiosk and the desk had an answer: faults at the start are faults like others, but not before it."""
    end = time.monotonic() + WARM_SECONDS * slack
    tellers = [*KIOSKS, DESK]
    while tellers:
        town.tend()
        tellers = [each for each in tellers if not any(line["event"] == "settled" for line in lines(town.record(each)))]
        if time.monotonic() > end:
            raise RuntimeError("no receipt came: " + "; ".join(f"{each}: {town.parts[each].last_words()}" for each in tellers))
        time.sleep(0.1)


def settle(town, slack):
    """Let nobody new come, and return how long it took until everything had its receipt; None when it did not."""
    (town.history / "calm").touch()
    begun = time.monotonic()
    honest = [town.parts[name] for name in (*KIOSKS, DESK)]
    while time.monotonic() < begun + PATIENCE * slack:
        town.tend(calm=True)
        if all(part.finished for part in honest):
            return time.monotonic() - begun
        time.sleep(0.05)
    return None


def await_planted(town, slack):
    """Give the planted ones time to send again what they have no receipt for; nothing is asked of them."""
    end = time.monotonic() + PLANTED_SECONDS * slack
    parts = [town.parts[name] for name in town.kiosks if name not in KIOSKS]
    while time.monotonic() < end and not all(part.finished for part in parts):
        town.tend(calm=True)
        time.sleep(0.05)


def check(town, campaign, *, felt, settled, limit):
    """Judge the town, and each planted bug by what it did."""
    registry = open_registry(town.layout, town.tools)
    keyring = keyring_if_reachable(registry)
    registry.close()
    pipeline = Verdict("pipeline", kinds=felt)
    evidence = gather(town, KIOSKS, GATEWAYS, desks=(DESK,))
    evidence.keyring, evidence.settle_seconds = keyring, settled
    campaign.subjects.append(judge(evidence, verdict=pipeline, settle_limit=limit))
    pipeline.facts["ended by themselves"] = {
        name: part.ended_by_itself for name, part in town.parts.items() if part.ended_by_itself
    }
    for name, statuses in pipeline.facts["ended by themselves"].items():
        for status in statuses:
            if status < 0 and name in HONEST:
                pipeline.wrong("crashed", f"{name} ended by signal {-status}")
    for title, (kiosk, gateways, shows_as) in PLANTED.items() if len(town.gateways) > len(GATEWAYS) else ():
        evidence = gather(town, (kiosk,), gateways or GATEWAYS)
        evidence.keyring = keyring
        under = Counter({"the same faults": felt.total()})
        found = judge(evidence, verdict=Verdict(title, kinds=under), settle_limit=limit)
        found.facts = {}
        found.wrongs = Counter({what: times for what, times in found.wrongs.items() if what == shows_as})
        campaign.controls.append(found)


def run(asked):
    folder = history_folder(asked)
    place = disk()
    town = Town(place, folder, every=asked.every, resend=asked.resend, planted=not asked.no_planted, slack=asked.slack)
    name_hosts(place, town.hosts())
    begun = time.monotonic()
    least = max(1, asked.count // STRIKES_PER_LEAST)
    campaign = Campaign("chaos", asked.seed, minimum=dict.fromkeys(asked.kinds, least))
    try:
        town.begin()
        wait_until_working(town, asked.slack)
        strikes = {kind: STRIKES[kind] for kind in STRIKES if kind in asked.kinds}
        rhythm = {"pace": asked.pace, "lasting": asked.lasting, "slack": asked.slack}
        nemesis = Nemesis(town, seed=asked.seed, record=Record(folder / "nemesis.jsonl"), strikes=strikes, **rhythm)
        warmed = time.monotonic()
        nemesis.rage(asked.count, least=least, declarations=asked.declarations)
        raged = time.monotonic()
        settled = settle(town, asked.slack)
        await_planted(town, asked.slack)
        for name in (*town.kiosks, DESK):
            town.parts[name].held = True
            town.parts[name].kill()
        check(town, campaign, felt=nemesis.felt, settled=settled, limit=SETTLE_LIMIT * asked.slack)
    finally:
        for part in town.parts.values():
            part.kill()
    facts = campaign.subjects[0].facts
    facts |= {"seconds": {"until working": round(warmed - begun, 1), "of faults": round(raged - warmed, 1)}}
    if facts["declarations"] < asked.declarations:
        campaign.subjects[0].wrong("too few", f"{facts['declarations']} declarations of {asked.declarations}")
    if asked.no_planted:
        campaign.subjects[0].wrong("blind", "no planted bug beside it")
    return campaign


def main():
    enter("tests.faults.chaos", sys.argv[1:])
    asked = options()
    campaign = run(asked)
    return conclude(campaign, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
