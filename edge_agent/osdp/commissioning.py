"""Giving a reader its key: a mode of its own, permitted by the authority, over after two minutes, in which no card counts (ADR 69).

- The new key is written down before any reader hears it, so that no reader holds a key that nobody has.
- The reader must be in its install mode; it is then spoken to under the key that everybody knows, and takes the new one. **Whoever listens on
  the line in that moment learns the new key**: do it at a table, with a short cable, before the reader is on the wall.
- Then everything is begun anew with the Secure Channel enforced; only a reader that proves the new key has it from now on.
- A key that was written down and not proved is tried first the next time: the reader may have it.

Example: ``commission(section, key_path, random_bytes=random_bytes)``
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_agent.osdp.keys import KEY_BYTES, load_key, take_over, write_new
from edge_agent.osdp.watching import OsdpLine
from edge_agent.osdp.words import LineOrder, LinkSaid, ReaderOnLine, Said
from firmware_config.door_readers import DoorReaderSection
from residence.errors import LuutruError, Refused

MODE_SECONDS: Final = 120.0
PROOF_SECONDS: Final = 15.0
OPEN_SECONDS: Final = 60.0  # a busy machine starts a process slowly


def commission(
    section: DoorReaderSection, path: Path, *, random_bytes: Callable[[int], bytes], seconds: float = MODE_SECONDS
) -> None:
    """Give the reader a new key and keep it at ``path``; ``Refused("osdp.not_installing" | "osdp.key_not_proved")``."""
    left = _left_behind(path)
    if left is not None and _gets_secure(section, left, commissioning=False, seconds=PROOF_SECONDS):
        take_over(path)
        return
    key = random_bytes(KEY_BYTES)
    write_new(path, key)
    if not _gets_secure(section, key, commissioning=True, seconds=seconds):
        path.with_name(path.name + ".new").unlink()  # nobody took it
        raise Refused("osdp.not_installing", "/door_readers", section.name)
    if not _gets_secure(section, key, commissioning=False, seconds=PROOF_SECONDS):
        raise Refused("osdp.key_not_proved", "/door_readers", section.name)
    take_over(path)


def _left_behind(path: Path) -> bytes | None:
    try:
        return load_key(path.with_name(path.name + ".new"))
    except LuutruError:
        return None


def _gets_secure(section: DoorReaderSection, key: bytes, *, commissioning: bool, seconds: float) -> bool:
    """Tell whether the reader comes to its Secure Channel with this key in time, counted from when the line is open."""
    open_, there = threading.Event(), threading.Event()

    def hear(said: Said) -> None:
        open_.set()
        if isinstance(said, LinkSaid) and said.state == "secure" and not said.default_key:
            there.set()

    reader = ReaderOnLine(name=section.name, address=section.address, key=key)
    order = LineOrder(device=section.device, baud_rate=section.baud_rate, readers=(reader,), commissioning=commissioning)
    line = OsdpLine(order, hear=hear)
    line.start()
    try:
        open_.wait(OPEN_SECONDS)
        return there.wait(seconds)
    finally:
        line.stop()
