"""A kiosk's diagnostics, gathered: from the running process over its own page, or from the store when nothing runs.

- ``/diagnostics`` on the page's loopback address gives what the running kiosk knows; ``luutru kiosk diagnostics`` fetches it.
- Where no kiosk runs the store is opened beside it and says what it can.

Example: ``Path("kiosk.json").write_bytes(diagnostics_of(profile, clock=clock))``
"""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final

import msgspec

from luutru import __version__
from residence.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from edge_agent.diagnostics import LogRing
    from edge_agent.vitals import Vitals
    from firmware_config.profiles import KioskProfile
    from luutru.processes.kiosk import Kiosk

PATH: Final = "/diagnostics"
PATIENCE_SECONDS: Final = 5.0


def log_ring_of(profile: KioskProfile) -> LogRing:
    """Return a memory for the last log lines that knows this kiosk's readers and doors by name."""
    from edge_agent.diagnostics import LogRing

    return LogRing(words={each.name for each in profile.doors} | {each.name for each in profile.door_readers})


def running_diagnostics(kiosk: Kiosk, vitals: Callable[[], Vitals], ring: LogRing | None) -> bytes:
    """Return the file of a running kiosk."""
    from edge_agent.diagnostics import diagnose, told_of

    told = diagnose(
        kiosk.outbox,
        vitals=vitals(),
        version=__version__,
        running=True,
        line=told_of(kiosk.uplink.health()),
        reader_settings=kiosk.agent.view().health.told(),
        door_events_waiting=kiosk.book.depth(),
        log=ring.lines() if ring is not None else [],
    )
    return msgspec.json.format(msgspec.json.encode(told))


def diagnostics_route(kiosk: Kiosk, vitals: Callable[[], Vitals], ring: LogRing | None) -> Route:
    """Return the page's route to the file."""
    from starlette.responses import Response as Answer
    from starlette.routing import Route as OneRoute

    def give(_request: Request) -> Response:
        name = f'attachment; filename="{kiosk.outbox.kiosk_id}.json"'
        content = running_diagnostics(kiosk, vitals, ring)
        return Answer(content, media_type="application/json", headers={"content-disposition": name})

    return OneRoute(PATH, give)


def diagnostics_of(profile: KioskProfile, *, clock: Clock) -> bytes:
    """Return the file of the kiosk with this profile, running or not."""
    address = f"http://{profile.page.host}:{profile.page.port}{PATH}"
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, OSError):
        return _from_the_store(profile, clock)


def _from_the_store(profile: KioskProfile, clock: Clock) -> bytes:
    from edge_agent.diagnostics import diagnose
    from edge_agent.vitals import Vitals, disk_of
    from luutru.processes.kiosk import open_outbox
    from luutru.processes.kiosk_vitals import settings_hash

    outbox = open_outbox(profile, clock=clock)
    try:
        disk = disk_of(outbox.store.path, full=outbox.full)
        told = diagnose(outbox, vitals=Vitals(disk=disk, profile=settings_hash(profile)), version=__version__, running=False)
        return msgspec.json.format(msgspec.json.encode(told))
    finally:
        outbox.close()
