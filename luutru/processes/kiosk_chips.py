"""The chip reader of one kiosk, made from its profile; what it needs is imported only where a profile has one.

Example: ``chips_of(profile, clock=clock, keyring=lambda: outbox.anchor.keyring)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from luutru import system
from residence.clock import Clock

if TYPE_CHECKING:
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
    from edge_agent.readers.pcsc import PcscPlace
    from luutru.chip_trust import ChipTrust

    trust = ChipTrust(profile.path(section.trust) if section.trust else None, keyring=keyring)
    means = Means(clock=clock, draw=FromBytes(system.random_bytes), trust=trust.current, allow_bac=section.allow_bac)
    return ChipStation(lambda: PcscPlace(section.reader), kiosk_id=profile.kiosk.id, means=means)
