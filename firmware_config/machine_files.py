"""Every file of one kiosk's machine, from one typed source: nothing on a machine is written by hand, and nothing twice.

- The same machine and profiles give the same bytes, on whatever day and machine they are rendered.
- A profile that names a device the machine does not have is refused here, and not found out at the site.
- What is said of the screen is said of the first kiosk; the others have none.

Example: ``machine_files(machine, {"kiosk.toml": text})["etc/chrony/chrony.conf"]``
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from firmware_config.device_rules import device_rules
from firmware_config.image_files import image_files
from firmware_config.machines import EDGE, Machine
from firmware_config.profiles import PN532, KioskProfile, parse_profile
from firmware_config.screens import screen_files
from firmware_config.site_bridge import FOLDER as BRIDGE_FOLDER
from firmware_config.site_bridge import bridge_configuration, bridge_rules, site_access_rules
from firmware_config.time_keeping import chrony_configuration
from firmware_config.units import KIOSK, kiosk_unit
from residence.errors import Malformed

UNITS: Final = "etc/systemd/system"


def machine_files(machine: Machine, profiles: Mapping[str, str]) -> dict[str, str]:
    """Return every file by its path below the root. ``profiles``: the text of each of the machine's kiosk profiles, by file name."""
    kiosks = [parse_profile(profiles[name], folder=Path(machine.folder)) for name in machine.kiosks]
    _check_kiosks(machine, kiosks)
    ids = tuple(each.kiosk.id for each in kiosks)
    files = {
        "etc/udev/rules.d/70-luutru.rules": device_rules(machine),
        "etc/chrony/chrony.conf": chrony_configuration(machine),
        f"{UNITS}/{KIOSK}": kiosk_unit(machine),
        **image_files(machine, ids),
        **{f"usr/share/luutru/kiosks/{each}.toml": profiles[name] for each, name in zip(ids, machine.kiosks, strict=True)},
    }
    if machine.screen.enabled:
        # the screen's account cannot look into the kiosk's folder, and needs no more than the page's address
        files |= screen_files(kiosks[0], profile_path=f"/usr/share/luutru/kiosks/{ids[0]}.toml")
    if machine.bridge.enabled:
        files["etc/mosquitto/mosquitto.conf"] = bridge_configuration(machine)
        files[f"{BRIDGE_FOLDER.removeprefix('/')}/access.acl"] = site_access_rules()
        files["authority/bridge.acl"] = "\n".join(bridge_rules(machine.bridge.site))
    return dict(sorted(files.items()))


def _check_kiosks(machine: Machine, kiosks: list[KioskProfile]) -> None:
    ids = [each.kiosk.id for each in kiosks]
    if len(set(ids)) != len(ids):
        raise Malformed("machine.invalid_setting", "/kiosks", "two kiosks of one id")
    ports = [each.page.port for each in kiosks]
    if len(set(ports)) != len(ports):
        raise Malformed("machine.invalid_setting", "/kiosks", "two kiosks on one port of the page")
    known = {f"{EDGE}{name}" for name in machine.devices}
    for place, kiosk in enumerate(kiosks):
        for pointer, device in _devices_of(kiosk):
            if device not in known:
                raise Malformed(
                    "machine.device_unknown", f"/kiosks/{place}{pointer}", f"{device} is none of {', '.join(sorted(known))}"
                )
        if kiosk.kiosk.site != machine.bridge.site and _is_bridged(machine, kiosk):
            raise Malformed(
                "machine.invalid_setting",
                f"/kiosks/{place}/kiosk/site",
                f"its broker is the site's, which passes on {machine.bridge.site} and nothing else",
            )
        if kiosk.doors and not machine.doors:
            raise Malformed("machine.device_unknown", f"/kiosks/{place}/doors", "the machine's file says that it has no doors")
        if kiosk.chip.enabled and not _chip_line(kiosk) and not machine.chip_reader:
            raise Malformed(
                "machine.device_unknown", f"/kiosks/{place}/chip", "the machine's file says that it has no chip reader"
            )


def _is_bridged(machine: Machine, kiosk: KioskProfile) -> bool:
    here = {"127.0.0.1", "localhost", "::1", machine.bridge.listen}
    return machine.bridge.enabled and kiosk.broker.host in here and kiosk.broker.port == machine.bridge.listen_port


def _devices_of(kiosk: KioskProfile) -> list[tuple[str, str]]:
    """Return the devices a profile names under /dev, with a pointer to each; a camera may also be named by its number, which no machine keeps."""
    named = [
        (f"/readers/{place}/source", each.source) for place, each in enumerate(kiosk.readers) if each.kind in {"camera", "serial"}
    ]
    named += [(f"/door_readers/{place}/device", each.device) for place, each in enumerate(kiosk.door_readers)]
    named += [("/printer/device", kiosk.printer.device)] if kiosk.printer.device else []
    named += [("/chip/reader", _chip_line(kiosk))] if _chip_line(kiosk) else []
    return named


def _chip_line(kiosk: KioskProfile) -> str:
    """Return the serial line of a chip reader that has one; PC/SC's has none."""
    by_line = kiosk.chip.model or kiosk.chip.reader.startswith(PN532)
    return kiosk.chip.reader.removeprefix(PN532) if by_line else ""
