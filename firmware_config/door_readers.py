"""The readers at a door that speak OSDP: which line, which address, and where the key of each lies (docs/doors.md).

- One ``[[door_readers]]`` table a reader; several on one line share its device and its rate and differ in their address.
- There is no setting that does without the Secure Channel. A reader without a key is commissioned first (``luutru kiosk reader``).
- A Wiegand reader hangs behind a converter that speaks OSDP.

Example: ``DoorReaderSection(name="lobby-outside", device="/dev/edge/rs485-0", address=1).key_file``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from firmware_config.doors import DoorName
from residence.errors import Malformed

LineRate = Literal[9600, 19200, 38400, 57600, 115200, 230400]


class DoorReaderSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One OSDP reader."""

    name: DoorName  # as the log and ``doors.exit_readers`` call it
    device: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    baud_rate: LineRate = 9600
    address: Annotated[int, msgspec.Meta(ge=0, le=126)] = 0
    key_file: str = ""  # empty: <name>.osdp beside the profile
    contact_input: Annotated[int, msgspec.Meta(ge=0, le=31)] | None = None  # input of the board that is on while the door is open
    exit_input: Annotated[int, msgspec.Meta(ge=0, le=31)] | None = None  # input that is on while the exit button is pressed

    @property
    def key_setting(self) -> str:
        """Return where the key of its Secure Channel lies, against the profile's folder."""
        return self.key_file or f"{self.name}.osdp"


def check_door_readers(readers: Sequence[DoorReaderSection], *, doors: int) -> None:
    """Refuse readers that cannot work as they are set: ``Malformed("profile.invalid_setting")``."""
    if readers and not doors:
        raise Malformed("profile.invalid_setting", "/door_readers", "there is no door")
    rates: dict[str, int] = {}
    seen: set[object] = set()
    for place, each in enumerate(readers):
        for what, setting in ((each.name, "name"), ((each.device, each.address), "address")):
            if what in seen:
                raise Malformed("profile.invalid_setting", f"/door_readers/{place}/{setting}", "stands twice")
            seen.add(what)
        if rates.setdefault(each.device, each.baud_rate) != each.baud_rate:
            raise Malformed("profile.invalid_setting", f"/door_readers/{place}/baud_rate", "one line has one rate")
