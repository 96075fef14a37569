"""A door's inputs: contact, exit button, tamper loop, fire panel. What they say goes to whoever listens, on a thread of the library's.

- Each wire says what is once at the start, and then only changes. A change counts when it lasts longer than contacts bounce.
- A wire that cannot be opened is a wire of unknown state: the others go on, and it is logged.

Example: ``wires = Wires(door, pins=open_pins(door.pins)); wires.start(keeper.take)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog

from edge_agent.door.machine import ContactSaid, DoorInput, ExitAsked, FireSaid, TamperSaid
from firmware_config.doors import DoorSection, Level
from residence.doors.words import DoorStatus

BOUNCE_SECONDS: Final = 0.03
_log = structlog.get_logger("kiosk.door")


class Wires:
    """The open inputs of one door. ``pins`` None: there are none on this machine, and nothing is known of any wire."""

    def __init__(self, door: DoorSection, *, pins: Any) -> None:
        self._door = door
        self._pins = pins
        self._devices: list[Any] = []

    def start(self, tell: Callable[[DoorInput], None]) -> None:
        """Say what is, and from now on what changes."""
        door = self._door
        self._open(door.contact_pin, door.contact_open, lambda on: tell(_contact(on=on)))
        self._open(door.tamper_pin, door.tamper_alarm, lambda on: tell(TamperSaid(on=on)))
        self._open(door.fire_pin, door.fire_alarm, lambda on: tell(FireSaid(on=on)))
        # A button that is held down at the start asked nobody.
        self._open(door.exit_pin, door.exit_pressed, lambda on: tell(ExitAsked()) if on else None, says_first=False)

    def stop(self) -> None:
        """Close the inputs."""
        for device in self._devices:
            device.close()
        self._devices.clear()

    def _open(self, pin: int | None, active: Level, say: Callable[[bool], None], *, says_first: bool = True) -> None:
        if pin is None or self._pins is None:
            return
        from gpiozero import DigitalInputDevice, GPIOZeroError

        try:
            # Pulled up: a loop that is cut reads high. gpiozero then calls the pin active while it is low.
            device = DigitalInputDevice(pin, pull_up=True, bounce_time=BOUNCE_SECONDS, pin_factory=self._pins)
        except GPIOZeroError as error:
            _log.error("door wire", door=self._door.name, pin=pin, kind=type(error).__name__)
            return
        device.when_activated = lambda: say(active == "low")
        device.when_deactivated = lambda: say(active == "high")
        self._devices.append(device)
        if says_first:
            say(device.is_active == (active == "low"))


def _contact(*, on: bool) -> ContactSaid:
    return ContactSaid(status=DoorStatus.OPENED if on else DoorStatus.CLOSED)
