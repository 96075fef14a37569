"""How long a door takes: from the text of a pass to the word to the relay, and until the event is on the disk.

- Everything is the real thing but the relay, which only notes when it was told: signature, list, rules, state machine, event committed.
- Each pass is another stay's, signed anew; the list has as many stays as a large building. Every other wants a PIN, which is timed from the last
  digit: it is counted on the disk before it is told whether it was right.
- The baseline is what no door can save: one Ed25519 signature checked, and one row committed in the same file.

Example: ``run(quick=True).figures["door_decision_p99_ms"]``
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

from edge_agent.declaring import Machine
from edge_agent.door.keeper import DoorKeeper, Parts
from edge_agent.door.lease import Lease
from edge_agent.door.papers import DoorPapers
from edge_agent.door.pins import open_pins
from edge_agent.door.shown import Shown, Typed
from edge_agent.door.wires import Wires
from edge_agent.event_book import EventBook
from edge_agent.outbox import Outbox
from edge_agent.store import open_store
from firmware_config.doors import DoorSection
from luutru.benchmarks.result import BenchResult
from luutru.processes.kiosk_door import moment_of
from luutru.system import random_bytes, system_clock
from luutru.throwaway import KIOSK_ID, throwaway_keys
from residence.clock import rfc3339
from residence.wire.door_list import (
    PIN_ALWAYS,
    DoorCredential,
    DoorListPart,
    pin_hash,
    seconds,
    sign_part,
    split_list,
    token_hash,
)
from residence.wire.door_pass import parse_pass, sign_pass

STAYS: Final = 5_000
SITE: Final = "blk-hoa-binh"
TARGET_MS: Final = 50.0
_PIN: Final = "204966"
_KEYS = throwaway_keys()
_DOOR: Final = DoorSection(name="lobby", pins="pretend", output_pin=17, attempts=50)


class _Relay:
    """Notes when it was told to unlock."""

    def __init__(self) -> None:
        self.driven: bool | None = None
        self.told = 0.0

    def drive(self, lease: Lease) -> None:
        if lease.driven and not self.told:
            self.told = time.perf_counter()
        self.driven = lease.driven

    def close(self) -> None:
        self.driven = None


def run(*, quick: bool = False) -> BenchResult:
    """Show passes to a door and measure."""
    shows, stays = (60, 300) if quick else (2_000, STAYS)
    tokens = [random_bytes(16) for _ in range(stays)]
    with tempfile.TemporaryDirectory() as folder:
        outbox = _outbox(Path(folder))
        relay = _Relay()
        keeper = _keeper(outbox, relay, tokens)
        told: list[float] = []
        told_pin: list[float] = []
        written: list[float] = []
        for number in range(shows):
            for place, waits in ((2 * number, told), (2 * number + 1, told_pin)):
                text = sign_pass(tokens[place % stays], _KEYS.door_pass, now=system_clock().now()).encode()
                relay.told, began = 0.0, time.perf_counter()
                keeper.turn(Shown(payload=text, reader="camera"))
                if waits is told_pin:
                    relay.told, began = 0.0, time.perf_counter()
                    keeper.turn(Typed(pin=_PIN))
                else:
                    written.append(time.perf_counter() - began)
                waits.append(relay.told - began)
        verify = _each(shows, lambda: parse_pass(text.decode(), keyring=_KEYS.keyring))
        commit = _each(shows, lambda: _commit(outbox))
        outbox.close()
    figures = _spread("door_decision", told) | _spread("door_decision_with_pin", told_pin) | _spread("event_on_disk", written)
    baselines = _spread("signature", verify) | _spread("commit", commit)
    return BenchResult(
        name="door",
        figures=figures,
        baselines=baselines,
        ratios={"decision_to_signature": round(figures["door_decision_p50_ms"] / baselines["signature_p50_ms"], 2)},
        settings={"passes": shows, "stays_on_list": stays, "target_p99_ms": TARGET_MS},
    )


def _outbox(folder: Path) -> Outbox:
    clock = system_clock()
    machine = Machine(clock=clock, boot_id="bench", random_bytes=random_bytes, clock_synced=lambda: True)
    return Outbox(
        open_store(folder / "kiosk.db"),
        kiosk_id=KIOSK_ID,
        signer=_KEYS.kiosk,
        provisioned=_KEYS.keyring,
        machine=machine,
        built_at=clock.now() - timedelta(days=1),
    )


def _keeper(outbox: Outbox, relay: _Relay, tokens: list[bytes]) -> DoorKeeper:
    now = system_clock().now()
    window = seconds(now - timedelta(days=1)), seconds(now + timedelta(days=7))
    entries = [
        DoorCredential(token_hash(each, "pass"), 1, *window, *((PIN_ALWAYS, pin_hash(each, _PIN)) if place % 2 else ()))
        for place, each in enumerate(tokens)
    ]
    papers = DoorPapers(outbox.store, keyring=lambda: _KEYS.keyring, site=SITE)
    cut = split_list(entries)
    for place, each in enumerate(cut):
        part = DoorListPart(
            site=SITE,
            version=1,
            part=place,
            parts=len(cut),
            issued=rfc3339(now),
            expires=rfc3339(now + timedelta(days=7)),
            doors=("lobby",),
            entries=each,
        )
        papers.take(str(place), sign_part(part, _KEYS.door_list))
    parts = Parts(
        papers=papers,
        log=EventBook(outbox, random_bytes=random_bytes),
        output=relay,
        wires=Wires(_DOOR, pins=open_pins("pretend")),
        moment=lambda: moment_of(outbox),
        keyring=lambda: _KEYS.keyring,
        random_bytes=random_bytes,
    )
    return DoorKeeper(_DOOR, parts=parts)


def _commit(outbox: Outbox) -> None:
    with outbox.store.transaction() as cursor:
        cursor.execute("INSERT INTO facts(name, value) VALUES('bench', '1') ON CONFLICT(name) DO UPDATE SET value = value + 1")


def _each(times: int, work: Callable[[], object]) -> list[float]:
    waits = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        waits.append(time.perf_counter() - began)
    return waits


def _spread(name: str, waits: list[float]) -> dict[str, float]:
    cut = statistics.quantiles(waits, n=100)
    return {f"{name}_p50_ms": round(statistics.median(waits) * 1000, 3), f"{name}_p99_ms": round(cut[98] * 1000, 3)}
