"""The chip reader of one kiosk, made from its profile; what it needs is imported only where a profile has one.

- ``chip.reader`` is part of the name of a reader that PC/SC knows, or a PN532 on a serial line as ``pn532:/dev/ttyUSB0``.

Example: ``chips_of(profile, clock=clock, keyring=lambda: outbox.anchor.keyring)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from firmware_config.profiles import PN532
from luutru import system
from residence.clock import Clock

if TYPE_CHECKING:
    from edge_agent.chip.files import Link
    from edge_agent.chip_station import CardPlace
    from edge_agent.kiosk.ports import ChipPort
    from firmware_config.profiles import KioskProfile
    from residence.wire.keyring import Keyring


def chips_of(profile: KioskProfile, *, clock: Clock, keyring: Callable[[], Keyring]) -> ChipPort | None:
    """Return the reader of chips the profile names; None when it has none."""
    section = profile.chip
    if not section.enabled:
        return None
    from edge_agent.chip.drawing import FromBytes
    from edge_agent.chip_station import ChipStation, Means
    from luutru.chip_trust import ChipTrust

    trust = ChipTrust(profile.path(section.trust) if section.trust else None, keyring=keyring)
    open_place, link = _place_of(section.reader, clock)
    means = Means(clock=clock, draw=FromBytes(system.random_bytes), trust=trust.current, allow_bac=section.allow_bac, link=link)
    return ChipStation(open_place, kiosk_id=profile.kiosk.id, means=means)


def _place_of(reader: str, clock: Clock) -> tuple[Callable[[], CardPlace], Callable[[], Link]]:
    """Return how the reader is opened, and what it is known to pass."""
    if reader.startswith(PN532):
        from edge_agent.readers.pn532 import Pn532Place, careful_link

        return lambda: Pn532Place(reader.removeprefix(PN532), clock=clock), careful_link
    from edge_agent.chip.files import Link
    from edge_agent.readers.pcsc import PcscPlace

    return lambda: PcscPlace(reader), Link
