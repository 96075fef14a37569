"""The chip reader of one kiosk, made from its profile; what it needs is imported only where a profile has one.

- Whom it trusts: the bundle its profile names, and the one the authority sends over the line; the newer of both.
- With ``chip.model`` it is a reader that opens chips itself and speaks lines of text; nobody's trust is asked, for it shows no signature.
- Else ``chip.reader`` is part of the name of a reader that PC/SC knows, or a PN532 on a serial line as ``pn532:/dev/ttyUSB0``.

Example: ``chips_of(profile, clock=clock, keyring=lambda: outbox.anchor.keyring)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from firmware_config.profiles import PN532
from luutru import system
from residence.clock import Clock

if TYPE_CHECKING:
    from edge_agent.chip.files import Link
    from edge_agent.chip_station import CardPlace
    from edge_agent.kiosk.ports import ChipPort
    from edge_agent.outbox import Outbox
    from edge_agent.readers.port import Report
    from edge_agent.trust_papers import TrustPapers
    from firmware_config.profiles import KioskProfile
    from residence.credentials.chip.trust_store import TrustStore
    from residence.wire.keyring import Keyring


def trust_papers_of(profile: KioskProfile, outbox: Outbox) -> TrustPapers | None:
    """Return what the authority sends about chips, in the kiosk's store; None where no chips are read."""
    if not profile.chip.enabled:
        return None
    from edge_agent.trust_papers import TrustPapers

    return TrustPapers(outbox.store, keyring=lambda: outbox.anchor.keyring, heard=outbox.clock_floor.heard)


def chips_of(
    profile: KioskProfile, *, clock: Clock, keyring: Callable[[], Keyring], papers: TrustPapers | None = None
) -> ChipPort | None:
    """Return the reader of chips the profile names; None when it has none."""
    section = profile.chip
    if not section.enabled:
        return None
    if section.model:
        return _text_reader(profile, clock)
    from edge_agent.chip.drawing import FromBytes
    from edge_agent.chip_station import ChipStation, Means
    from luutru.chip_trust import ChipTrust

    provisioned = ChipTrust(profile.path(section.trust) if section.trust else None, keyring=keyring)

    def trust(now: datetime) -> TrustStore:
        own = provisioned.current(now)
        return papers.store if papers is not None and papers.store.version > own.version else own

    open_place, link = _place_of(section.reader, clock)
    means = Means(clock=clock, draw=FromBytes(system.random_bytes), trust=trust, allow_bac=section.allow_bac, link=link)
    return ChipStation(open_place, kiosk_id=profile.kiosk.id, means=means)


def noted(chips: ChipPort | None, *, hear: Report, clock: Clock) -> ChipPort | None:
    """Return the same reader with somebody who writes down whether it is there."""
    if chips is None:
        return None
    from edge_agent.chip_noting import NotedChips

    return NotedChips(chips, hear=hear, monotonic_ns=clock.monotonic_ns)


def _text_reader(profile: KioskProfile, clock: Clock) -> ChipPort:
    from edge_agent.text_chip_station import TextChipStation
    from firmware_config.text_readers import load_text_reader

    section = profile.chip
    model = load_text_reader(section.model, folder=profile.path("."))
    return TextChipStation(section.reader, model=model, baud_rate=section.baud_rate or 0, clock=clock)


def _place_of(reader: str, clock: Clock) -> tuple[Callable[[], CardPlace], Callable[[], Link]]:
    """Return how the reader is opened, and what it is known to pass."""
    if reader.startswith(PN532):
        from edge_agent.readers.pn532 import Pn532Place, careful_link

        return lambda: Pn532Place(reader.removeprefix(PN532), clock=clock), careful_link
    from edge_agent.chip.files import Link
    from edge_agent.readers.pcsc import PcscPlace

    return lambda: PcscPlace(reader), Link
