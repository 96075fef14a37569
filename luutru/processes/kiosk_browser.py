"""The browser process of a kiosk: Chromium on the kiosk's page, or on the local waiting page, watched until asked to stop.

- Its profile is a fresh folder below the runtime folder, which is memory; it goes when the browser is started anew.
- Whether the page lives is asked of the agent (``/health``), which hears the page's signs of life.
- Under systemd the screen's watchdog is fed while the page lives or may still come, or the agent is away: when the browser cannot be mended, the compositor is started anew.

Example: ``run_browser(profile, program="chromium", folder=Path("/run/luutru-screen"))``
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import msgspec

from edge_agent.browser.holding import holding_page
from edge_agent.browser.watching import BrowserWatch
from firmware_config.profiles import KioskProfile
from firmware_config.screens import HOLDING, page_address
from luutru.notifying import ServiceManager
from residence.clock import Clock

LOOK_SECONDS: Final = 1.0
ASK_SECONDS: Final = 3.0
FLAGS: Final = (
    "--kiosk",
    "--start-maximized",
    "--no-first-run",
    "--noerrdialogs",
    "--disable-session-crashed-bubble",
    "--disable-pinch",
    "--disable-features=Translate",  # its bubble lies over the bar; the policy says so too, where it is laid down
    "--overscroll-history-navigation=0",
    "--autoplay-policy=no-user-gesture-required",
    "--ozone-platform=wayland",  # sway tells no session type, and a guess without one is X11, which is not there
)


class _Told(msgspec.Struct):
    page_silent_seconds: float | None = None


def page_silence(address: str) -> float | None:
    """Ask the agent how long the page has been silent: infinity for never seen, None while the agent is away."""
    try:
        with urlopen(f"{address}/health", timeout=ASK_SECONDS) as answer:  # noqa: S310 - loopback, from the profile
            told = msgspec.json.decode(answer.read(), type=_Told)
    except (OSError, HTTPException, msgspec.DecodeError):
        return None
    return float("inf") if told.page_silent_seconds is None else told.page_silent_seconds


def starter(
    profile: KioskProfile, *, program: str, folder: Path, flags: Sequence[str] = FLAGS
) -> Callable[[], subprocess.Popen[bytes]]:
    """Return how the browser is started: on the page if the agent answers, else on the waiting page."""
    address = page_address(profile)

    def start() -> subprocess.Popen[bytes]:
        holding, own = folder / HOLDING, folder / "chromium"
        shutil.rmtree(own, ignore_errors=True)
        holding.write_text(holding_page(address, profile.kiosk.languages), "utf-8")
        first = f"{address}/" if page_silence(address) is not None else holding.as_uri()
        command = [program, *flags, f"--user-data-dir={own}", first]
        return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return start


def run_browser(profile: KioskProfile, *, program: str, folder: Path, clock: Clock) -> None:
    """Keep the browser up until a signal asks to stop."""
    folder.mkdir(parents=True, exist_ok=True)
    address = page_address(profile)
    watch = BrowserWatch(
        start=starter(profile, program=program, folder=folder),
        page_silence=lambda: page_silence(address),
        monotonic_ns=clock.monotonic_ns,
    )
    manager = ServiceManager.of_this_process()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    try:
        manager.tell("READY=1")
        while not stopping.is_set():
            watch.turn()
            if watch.in_good_hope:
                manager.tell("WATCHDOG=1")
            stopping.wait(LOOK_SECONDS)
    finally:
        watch.stop()
