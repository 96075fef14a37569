"""Which device a chip is read with: the readers of PC/SC by name, or a PN532 on a serial line as ``pn532:/dev/ttyUSB0``.

- A PN532 is asked only when it is named; nothing is sent to a serial line by guess.
- Waiting for a card is the device's business; no card in time is ``Refused("chip.no_card")``, no such reader ``Refused("chip.no_reader")``.

Example: ``with laid_card("", wait=10, clock=clock) as laid: laid.card.transceive(apdu)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.chip.apdu import Card
from edge_agent.chip.files import Link
from firmware_config.profiles import PN532
from residence.errors import Refused

if TYPE_CHECKING:
    from residence.clock import Clock


@dataclass(frozen=True, kw_only=True)
class LaidCard:
    """A card that lies on a reader."""

    card: Card
    reset: Callable[[], None]
    reader: str
    link: Link


@contextmanager
def laid_card(reader: str, *, wait: float, clock: Clock) -> Iterator[LaidCard]:
    """Wait for a card on the reader with this name, or part of it, and hold it until the end."""
    source = _on_pn532(reader.removeprefix(PN532), wait, clock) if reader.startswith(PN532) else _on_pcsc(reader, wait)
    with source as laid:
        yield laid


@contextmanager
def _on_pcsc(reader: str, wait: float) -> Iterator[LaidCard]:
    from edge_agent.readers.pcsc import PcscCard, Service

    service = Service()
    try:
        name = next((each for each in service.names() if reader in each), None)
        if name is None:
            raise Refused("chip.no_reader", "", ", ".join(service.names()) or "none is plugged in")
        if not service.wait_for_card(name, seconds=wait):
            raise Refused("chip.no_card", "", name)
        with PcscCard(service, name) as card:
            yield LaidCard(card=card, reset=card.reset, reader=name, link=Link())
    finally:
        service.close()


@contextmanager
def _on_pn532(path: str, wait: float, clock: Clock) -> Iterator[LaidCard]:
    from edge_agent.readers.pn532 import Pn532, careful_link

    with Pn532(path, clock=clock) as device:
        if not device.wait_for_card(seconds=wait):
            raise Refused("chip.no_card", "", device.name)
        yield LaidCard(card=device, reset=device.reset, reader=device.name, link=careful_link())
