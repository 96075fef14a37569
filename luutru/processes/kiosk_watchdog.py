"""How each part of a running kiosk is asked whether it works, for the watchdog that starts a stuck one anew.

- The dialogue is handed a tick and has to take it; the page is asked for its health over loopback, as the browser asks it.

Example: ``watchdog_of(profile, kiosk, clock=clock).start()``
"""

from __future__ import annotations

from concurrent.futures import Future, TimeoutError  # noqa: A004 - what a future raises
from typing import TYPE_CHECKING, Any, Final

from luutru.notifying import ServiceManager, Watchdog
from luutru.processes.kiosk_browser import page_silence
from residence.clock import Clock

if TYPE_CHECKING:
    from firmware_config.profiles import KioskProfile
    from luutru.processes.kiosk import Kiosk

PATIENCE_SECONDS: Final = 5.0


def watchdog_of(profile: KioskProfile, kiosk: Kiosk, *, clock: Clock) -> Watchdog:
    """Return the watchdog of a kiosk; it does nothing where no service manager started the process."""
    from edge_agent.kiosk.news import Ticked
    from edge_agent.liveness import Liveness
    from firmware_config.screens import page_address

    address = page_address(profile)
    liveness = Liveness(
        readers=kiosk.readers.readers,
        dialogue=lambda: _taken(kiosk.agent.act(Ticked())),
        store=kiosk.outbox.depth,
        page=lambda: page_silence(address) is not None,
        monotonic_ns=clock.monotonic_ns,
    )
    return Watchdog(ServiceManager.of_this_process(), liveness.stuck)


def _taken(done: Future[Any]) -> bool:
    try:
        done.result(PATIENCE_SECONDS)
    except TimeoutError:
        return False
    return True
