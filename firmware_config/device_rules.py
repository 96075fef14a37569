"""The udev rules of a kiosk's machine: every device gets one name, by the socket it is plugged into, and belongs to the kiosk alone.

- ``/dev/edge/<name>``: a second scanner of the same maker never takes the place of the first, and one that is replaced needs no setting.
- ``ID_PATH`` is asked for in the rule itself: not every kind of device gets it from the system's own rules.

Example: ``device_rules(machine)``
"""

from __future__ import annotations

from typing import Final

from firmware_config.machines import DeviceKind, DeviceSection, Machine
from firmware_config.units import USER

_MATCH: Final[dict[DeviceKind, str]] = {
    "serial": 'SUBSYSTEM=="tty"',
    "rs485": 'SUBSYSTEM=="tty"',
    "camera": 'SUBSYSTEM=="video4linux", ATTR{index}=="0"',  # the others of a camera carry no pictures
    "printer": 'SUBSYSTEM=="usbmisc", KERNEL=="lp*"',
}


def device_rules(machine: Machine) -> str:
    """Return the rules file."""
    lines = [
        "# Written by `luutru firmware render`; changes are lost.",
        "# Each device by its socket; only the kiosk may open it.",
    ]
    lines += [_rule(name, device) for name, device in sorted(machine.devices.items())]
    if machine.doors:
        lines += [
            "# The header's pins, for locks and contacts.",
            f'SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="{USER}", MODE="0660"',
        ]
    return "\n".join((*lines, ""))


def _rule(name: str, device: DeviceSection) -> str:
    return (
        f'ACTION!="remove", {_MATCH[device.kind]}, IMPORT{{builtin}}="path_id", ENV{{ID_PATH}}=="{device.path}", '
        f'SYMLINK+="edge/{name}", GROUP="{USER}", MODE="0660", TAG+="systemd"'
    )
