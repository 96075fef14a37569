"""How long an officer waits: a queue of a thousand cases until it is on the screen, and each key until the screen shows what it did.

- Everything is the real thing: registry, server, and the system's Chromium without a window, signed in by a one-time link.
- Opened: from the navigation's start until the load event and the frame after it: the first screens, all counts, every key. The rest of the
  rows follows; ``queue_1000_whole_ms`` is until the thousandth stands. A key: from the event until the second frame after it, so
  that what is counted was drawn; two frames alone are some 33 ms at sixty a second.
- ``queue_1000_processor_ms`` is what server, driver and all processes of the browser used of the processor for one opening: on a machine that
  others use, too, it says more than the clock.
- The baseline is the same page with an empty queue, in the same run: what a browser and a page cost without a single case.

Example: ``run(quick=True).figures["queue_1000_open_ms"]``
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import statistics
import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from luutru.benchmarks.result import BenchResult
from luutru.system import random_bytes, system_clock
from luutru.throwaway import throwaway_keys
from registry import accounts, tables
from registry.bulk import write_rows
from registry.database import Registry, connect, upgrade
from registry.key_provider import FileKeyProvider
from registry.premises import add_premises
from registry.vault import Vault
from residence.clock import uuid7
from residence.places.premises import Premises, PremisesKind
from residence.stays.rules import load_rule_book

CASES: Final = 1000
PLACES: Final = 50
COMMUNE: Final = "demo-01"
KEYS: Final = "jjjjjjjkjjk"
TARGETS: Final = {"queue_1000_open_ms": 300.0, "key_ms_p95": 100.0}
# A key is timed by the page itself: from its event, before anybody hears it, until two frames later.
_TIME_KEYS: Final = """() => {
  window.waits = [];
  window.addEventListener("keydown", (event) => {
    const began = event.timeStamp;
    requestAnimationFrame(() => requestAnimationFrame(() => window.waits.push(performance.now() - began)));
  }, true);
}"""
_OPENED: Final = (
    """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""
)


def run(*, quick: bool = False) -> BenchResult:
    """Open queues and press keys, and measure."""
    times, rounds = (2, 1) if quick else (10, 6)
    with (
        tempfile.TemporaryDirectory(prefix="luutru-review-") as folder,
        _serving(Path(folder)) as (base, registry, link),
        _page() as page,
    ):
        page.goto(f"{base}{link}")
        page.click("main button")
        empty, bare_used = _openings(page, f"{base}/police/queue/all", times)
        with registry.writing() as connection:
            write_rows(connection, tables.cases, list(_cases(system_clock().now())))
        full, used = _openings(page, f"{base}/police/queue/all", times)
        whole = _whole(page, f"{base}/police/queue/all", times)
        waits = _keys(page, rounds)
        shown = page.locator("[data-case]").count()
    opened, bare = statistics.median(full), statistics.median(empty)
    return BenchResult(
        name="review",
        figures={
            "queue_1000_open_ms": round(opened, 1),
            "queue_1000_whole_ms": round(statistics.median(whole), 1),
            "queue_1000_processor_ms": round(used, 1),
            "queue_1000_open_worst_ms": round(max(full), 1),
            "key_ms_p50": round(statistics.median(waits), 1),
            "key_ms_p95": round(statistics.quantiles(waits, n=20)[18], 1),
        },
        baselines={"empty_queue_open_ms": round(bare, 1), "empty_queue_processor_ms": round(bare_used, 1)},
        ratios={"thousand_to_empty": round(opened / bare, 2)},
        settings={"cases_shown": shown, "openings": times, "keys": len(waits), "quick": quick, "targets": TARGETS},
    )


def _openings(page: Any, address: str, times: int) -> tuple[list[float], float]:
    """Open an address some times; returns how long each took, and the processor's time for one."""
    waits, began = [], _processor_ms()
    for _ in range(times):
        page.goto(address)
        waits.append(float(page.evaluate(_OPENED)))
    return waits, (_processor_ms() - began) / times


def _whole(page: Any, address: str, times: int) -> list[float]:
    """Open an address some times; returns how long until every row stood in it."""
    waits = []
    for _ in range(times):
        page.goto(address)
        page.locator("[data-case]").nth(CASES - 1).wait_for(state="attached")
        waits.append(float(page.evaluate(_OPENED)))
    return waits


def _processor_ms() -> float:
    """Return the processor's time of this process and everything it started, as the kernel counts it."""
    started: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it may end while it is read
            after_name = each.read_text("utf-8", "replace").rpartition(")")[2].split()
            pid = int(each.parent.name)
            started.setdefault(int(after_name[1]), []).append(pid)
            ticks[pid] = int(after_name[11]) + int(after_name[12])
    ours, waiting = 0, [os.getpid()]
    while waiting:
        pid = waiting.pop()
        ours += ticks.get(pid, 0)
        waiting += started.get(pid, [])
    return 1000 * ours / os.sysconf("SC_CLK_TCK")


def _keys(page: Any, rounds: int) -> list[float]:
    page.evaluate(_TIME_KEYS)
    for _ in range(rounds):
        for key in (*KEYS, "/", "7", "Backspace", "Escape", "?", "Escape"):
            before = page.evaluate("() => window.waits.length")
            page.keyboard.press(key)
            page.wait_for_timeout(40)
            while page.evaluate("() => window.waits.length") == before:
                page.wait_for_timeout(5)
    return [float(each) for each in page.evaluate("() => window.waits")]


def _cases(now: datetime) -> Iterator[dict[str, Any]]:
    """Return cases of nobody, some of last night and most with time to go."""
    for number in range(CASES):
        seen = now - (timedelta(hours=9) if number % 4 == 0 else timedelta(hours=30, minutes=number))
        yield {
            "commune_code": COMMUNE,
            "case_id": str(uuid7(now, random_bytes(10))),
            "rule": "night_check" if number % 4 == 0 else "late_entries",
            "state": "open",
            "who": f"{number:064x}",
            "premises_id": f"blk-{number % PLACES:03d}",
            "unit": str(100 + number),
            "presence_ids": [],
            "explanations_tried": ["stay_here", "resident_here"],
            "first_seen": seen - timedelta(days=1),
            "last_seen": seen,
            "due": seen,
            "rule_set": "stay-2026-07-01",
            "opened_at": now,
            "counted_from": now,
            "changed_at": now,
        }


@contextlib.contextmanager
def _page() -> Iterator[Any]:
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="vi")
        yield context.new_page()
        browser.close()


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[tuple[str, Registry, str]]:
    """Serve an empty ward from a thread; yields its address, its registry and the path of an officer's link."""
    import uvicorn

    from server.app import create_app
    from server.settings import ServerSettings

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://localhost:{port}"
    registry = _ward(folder)
    link = _invite(registry)
    app = create_app(
        registry=registry,
        rules=load_rule_book(),
        signer=throwaway_keys().receipt,
        clock=system_clock(),
        random_bytes=random_bytes,
        settings=ServerSettings(base_url=base),
    )
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.02)
    try:
        yield base, registry, link
    finally:
        server.should_exit = True
        thread.join(10)
        registry.close()


def _ward(folder: Path) -> Registry:
    url = f"sqlite:///{folder}/registry.db"
    upgrade(url)
    vault = Vault(FileKeyProvider(folder / "vault", random_bytes=random_bytes), random_bytes=random_bytes)
    registry, now = connect(url, vault=vault), system_clock().now()
    with registry.writing() as connection:
        for number in range(PLACES):
            place = Premises(
                premises_id=f"blk-{number:03d}",
                kind=PremisesKind.APARTMENT_BLOCK,
                commune_code=COMMUNE,
                name=f"Chung cư Mẫu {number:02d}",
                address_text=f"Số {number} Đường Mẫu",
            )
            add_premises(connection, place, vault=vault, now=now)
    return registry


def _invite(registry: Registry) -> str:
    now, token = system_clock().now(), random_bytes(32).hex()
    account = accounts.KnownAccount(
        account_id="officer", commune_code=COMMUNE, sign_in_name="canbo", role="officer", areas=(), created_at=now
    )
    with registry.writing() as connection:
        accounts.add_account(connection, account)
        accounts.add_link(connection, account, token, now=now, lifetime=timedelta(hours=1))
    return f"/sign-in/link/{token}"
