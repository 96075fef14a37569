"""The header's pins: the real ones by lgpio, or pretended ones.

- Given to gpiozero by hand for every device: nothing rests on what its environment variables say.
- ``pretend`` is for a demonstration without wires: every pin is there, and nothing is on the other end.

Example: ``open_pins("gpio")``
"""

from __future__ import annotations

from typing import Any, Literal


def open_pins(kind: Literal["gpio", "pretend"]) -> Any:
    """Return gpiozero's pin factory, or raise ``Refused("door.pins_missing")``."""
    if kind == "pretend":
        from gpiozero.pins.mock import MockFactory

        return MockFactory()
    try:
        from gpiozero.pins.lgpio import LGPIOFactory

        return LGPIOFactory()
    except Exception as error:  # gpiozero and lgpio raise kinds of their own, down to plain Exception
        from residence.errors import Refused  # only here: the process that holds a relay needs it for nothing else

        raise Refused("door.pins_missing", "/doors/pins", str(error)) from error
