"""A serial scanner of a kiosk's profile, put together: the reader alone, or with care for the scanner's settings.

- Without ``model`` the kiosk only listens; that works with every scanner that is set right.
- With it the settings are looked at; ``repair`` lets the kiosk set them again by itself.
- A model or setting nobody knows stops the kiosk at its start, with a code: it would never do what the profile asks.

Example: ``serial_scanner(section, profile, clock=clock).start(deliver, report)``
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from residence.clock import Clock

if TYPE_CHECKING:
    from edge_agent.readers.serial_scanner import SerialScanner
    from firmware_config.profiles import KioskProfile, ReaderSection

_NS = 1_000_000_000


def serial_scanner(section: ReaderSection, profile: KioskProfile, *, clock: Clock) -> SerialScanner:
    """Return the reader of one ``[[readers]]`` table of kind ``serial``."""
    from edge_agent.readers.serial_scanner import SerialScanner
    from edge_agent.scanner_protocols.caring import Care
    from edge_agent.scanner_protocols.tending import Wish
    from firmware_config.scanner_models import load_model

    if not section.model:
        return SerialScanner(section.source, clock=clock, baud_rate=section.baud_rate)
    model = load_model(section.model, folder=Path(profile.folder))
    care = Care(
        model,
        wish=Wish(baud_rate=section.baud_rate, settings=section.settings),
        repairs=section.repair,
        clock=clock,
        every_ns=section.check_seconds * _NS,
    )
    return SerialScanner(section.source, clock=clock, baud_rate=section.baud_rate, model=model.name, care=care)
