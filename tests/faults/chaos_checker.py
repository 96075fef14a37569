"""Whether a chaos run was faultless: what was said on every side, held against what the database committed.

- Declared is what was promised on a screen and whatever a store was ever found to hold; each must have exactly one effect, counted by
  triggers, not by the product's own unique keys. An effect nobody attempted is as wrong.
- Receipts are those the database committed and those kiosks and desk settled by: one set of bytes per declaration for ever, signature
  good, an effect behind each. Nothing is acknowledged before its commit, by the database's own commit times.
- No kiosk uses a number twice or leaves one out. At the end no outbox holds a row, and that came within the limit.
- One verdict for the town; one per planted bug, which must be wrong in its own way.

Example: ``judge(evidence, settle_limit=60).wrongs["lost"] == 0``
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field

from faults.chaos_record import lines
from faults.history import History
from residence.wire.receipts import signed_with

# How each sentence of the history's checker begins, and what it counts as.
SENTENCES = {
    "lost": "lost",
    "doubled": "doubled",
    "one number": "doubled",
    "unexpected": "unexpected",
    "acknowledged before": "early",
    "not settled": "unsettled",
    "numbers left out": "left out",
    "still waiting": "unsettled",
}
OTHER = "receipt"


@dataclass(kw_only=True)
class Evidence:
    """What was found after a run."""

    told: list = field(default_factory=list)  # lines of kiosks and desk
    acknowledged: list = field(default_factory=list)  # lines of gateways
    effects: list = field(default_factory=list)  # (declaration, kiosk, epoch, sequence, committed at in ns), as committed
    receipts: list = field(default_factory=list)  # (declaration, bytes), as committed
    set_aside: set = field(default_factory=set)  # declarations among the dead letters
    waiting: list = field(default_factory=list)  # declarations still in an outbox
    kept_receipts: list = field(default_factory=list)  # (declaration, bytes) in outboxes
    keyring: object = None
    settle_seconds: float | None = None


def gather(town, kiosks, gateways, *, desks=()):
    """Collect the evidence about some kiosks, gateways and desks of a town."""
    evidence = Evidence()
    for name in (*kiosks, *desks):
        evidence.told += lines(town.record(name))
    for name in gateways:
        evidence.acknowledged += lines(town.record(name))
    wanted = {*kiosks, *([None] if desks else [])}
    evidence.effects = [
        (own_id, kiosk or "desk", epoch or own_id, sequence or 0, at)
        for own_id, kiosk, epoch, sequence, at in _effects(town)
        if kiosk in wanted
    ]
    mine = {each["id"] for each in evidence.told if "id" in each} | {each[0] for each in evidence.effects}
    receipts = town.ask("SELECT declaration_id, receipt_bytes FROM chaos_receipts ORDER BY position")
    evidence.receipts = [(own_id, bytes(data)) for own_id, data in receipts if own_id in mine]
    evidence.set_aside = {own_id for (own_id,) in town.ask("SELECT declaration_id FROM quarantine")} & mine
    for name in kiosks:
        with closing(sqlite3.connect(town.disks[name].mount / "outbox.db")) as store:
            evidence.waiting += [each for (each,) in store.execute("SELECT declaration_id FROM outbox")]
            evidence.kept_receipts += store.execute("SELECT declaration_id, receipt FROM settled").fetchall()
    return evidence


def _effects(town):
    return town.ask(
        "SELECT declaration_id, kiosk_id, epoch, sequence, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint * 1000"
        " FROM chaos_effects ORDER BY position"
    )


def judge(evidence, *, verdict, settle_limit):
    """Hold everything against everything; wrongs go into the verdict."""
    history = History()
    history.settle_seconds = evidence.settle_seconds
    _tell(history, evidence)
    sentences = [
        *history.problems(keyring=evidence.keyring, settle_limit=settle_limit),
        *_early(evidence),
        *_left_out(evidence.effects),
        *(f"still waiting: {each}" for each in evidence.waiting),
    ]
    if evidence.settle_seconds is not None and evidence.settle_seconds > settle_limit:
        sentences.append(f"not settled {settle_limit} s after the last fault, but after {evidence.settle_seconds:.1f} s")
    for sentence in sentences:
        what = next((what for begin, what in SENTENCES.items() if sentence.startswith(begin)), OTHER)
        verdict.wrong(what, sentence)
    verdict.facts |= _facts(history, evidence)
    return verdict


def _tell(history, evidence):
    for line in evidence.told:
        match line["event"]:
            case "attempted":
                history.attempted.add(line["id"])
            case "shown":
                history.shown.add(line["id"])
            case "found":
                history.declared.add(line["id"])
            case "settled":
                history.taken[line["id"]].append(bytes.fromhex(line["receipt"]))
    history.declared.update(evidence.waiting)
    for effect in evidence.effects:
        history.effect(*effect[:4])
    for _, data in evidence.receipts:
        history.published(data, newest=signed_with(data))
    for own_id, data in evidence.kept_receipts:
        history.declared.add(own_id)
        history.taken[own_id].append(bytes(data))


def _early(evidence):
    """Yield what was acknowledged before its commit: a dead letter is committed, too, though it has no effect."""
    committed = {}
    for own_id, _, _, _, at in evidence.effects:
        committed.setdefault(own_id, at)
    mine = {each["id"] for each in evidence.told if "id" in each}
    first = {}
    for line in evidence.acknowledged:
        for own_id in line.get("ids", ()):
            first.setdefault(own_id, line["t"])
    for own_id, at in first.items():
        if own_id in mine and own_id not in evidence.set_aside and at < committed.get(own_id, float("inf")):
            yield f"acknowledged before the commit: {own_id}"


def _left_out(effects):
    numbers = defaultdict(set)
    for _, kiosk, epoch, sequence, _ in effects:
        if sequence:
            numbers[kiosk, epoch].add(sequence)
    for (kiosk, epoch), used in numbers.items():
        missing = max(used) - len(used)
        if missing:
            yield f"numbers left out: {missing} by {kiosk} in {epoch}"


def _facts(history, evidence):
    refusals = Counter(line["code"][:60] for line in evidence.told if line["event"] == "refused")
    times = Counter(each[0] for each in evidence.receipts)
    return {
        "declarations": len(history.declared | history.shown),
        "attempted": len(history.attempted),
        "effects": len(evidence.effects),
        "receipts verified": len(evidence.receipts),
        "receipts settled by": sum(len(set(each)) for each in history.taken.values()),
        "most receipts of one declaration": max(times.values(), default=0),
        "dead letters": len(evidence.set_aside),
        "refused": dict(refusals),
        "settle seconds": evidence.settle_seconds,
    }
