"""What one kiosk's machine is: its board, its devices by the socket they hang at, its time, its network, its way of updates.

- A machine is a TOML file. ``base`` names a shipped kind (``firmware_config/machine_kinds/``) it begins with; what the file says itself counts more,
  a device by its name. ``luutru firmware render`` makes every file of the operating system from it (``machine_files.py``).
- A device is named by the path of its socket, never by its number: two scanners of one maker are told apart, and a new one needs no setting.
- Who keeps time and whom the machine may reach is asked for, never assumed. An unknown key is refused, with the nearest known name.
- ``kiosks`` are profiles beside the file; the first has the screen. A second door is a second kiosk of the same machine.

Example: ``load_machine(Path("lobby-1.toml")).devices["scanner"].path``
"""

from __future__ import annotations

import ipaddress
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from residence.errors import Malformed
from residence.errors.setting_files import names_in, read_toml, setting_refusal

DeviceKind = Literal["serial", "camera", "printer", "rs485"]
Board = Literal["raspberry-pi-5", "raspberry-pi-4", "pc"]
Host = Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z0-9]([a-zA-Z0-9.:-]{0,252}[a-zA-Z0-9])?\Z")]
HostName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")]
Named = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,30}\Z")]
# As udev writes ID_PATH: nothing in it can end a string of a rule.
Socket = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9:._+-]{0,200}\Z")]
Place = Annotated[str, msgspec.Meta(pattern=r"^/[A-Za-z0-9@%._/+=-]{1,200}\Z")]
EDGE: Final = "/dev/edge/"
LEAST_TIME_SERVERS: Final = 2
_FOLDER: Final = "machine_kinds"


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key it does not know is an error."""


class DeviceSection(_Section, frozen=True, kw_only=True):
    """One device: ``/dev/edge/<name>``, whatever number the kernel gives it."""

    kind: DeviceKind
    path: Socket = ""  # udev's ID_PATH of the socket; a shipped kind leaves it open


class TimeSection(_Section, frozen=True, kw_only=True):
    """Who says what time it is: servers that prove it (NTS), and two at least, so that one alone is not believed."""

    servers: tuple[Host, ...] = ()
    also_unproven: tuple[Host, ...] = ()  # without NTS: never enough by themselves
    first_time_unchecked: bool = (
        False  # a machine without a clock of its own cannot check a certificate's dates before it knows the time
    )


class NetworkSection(_Section, frozen=True, kw_only=True):
    """Whom the kiosk's process may speak with, besides this machine."""

    allow: tuple[str, ...] = ()  # networks: the broker's


class ScreenSection(_Section, frozen=True, kw_only=True):
    """The screen, if there is one."""

    enabled: bool = True


class BridgeSection(_Section, frozen=True, kw_only=True):
    """A broker at the site that passes on to the authority's, for sites with several kiosks behind one poor line."""

    enabled: bool = False
    site: Named = ""
    address: Host = ""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8883
    listen: Host = "127.0.0.1"
    listen_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8883
    queue_mib: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 64


class UpdateSection(_Section, frozen=True, kw_only=True):
    """How the image is replaced: two slots, and bundles signed for this kind of machine."""

    compatible: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{3,60}\Z")] = "luutru-kiosk"
    slots: tuple[Place, Place] = ("/dev/disk/by-partlabel/system-a", "/dev/disk/by-partlabel/system-b")
    data: Place = "/dev/disk/by-partlabel/data"
    keyring: Place = "/etc/rauc/keyring.pem"
    hawkbit: Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9.-]{0,250}(:[0-9]{1,5})?)?\Z")] = (
        ""  # host[:port]; none: bundles come another way
    )
    tenant: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,60}\Z")] = "DEFAULT"


class Machine(_Section, frozen=True, kw_only=True):
    """One machine. ``folder`` is where the file was read from; kiosk profiles lie there."""

    name: HostName
    base: Named = ""
    board: Board = "raspberry-pi-5"
    kiosks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=4)] = ("kiosk.toml",)
    devices: dict[Named, DeviceSection] = {}
    doors: bool = False  # the header's pins are needed
    chip_reader: bool = False  # a contactless reader that PC/SC drives
    sound: bool = True
    memory_mib: Annotated[int, msgspec.Meta(ge=256, le=65536)] = 700  # of the kiosk's process, at most
    log_mib: Annotated[int, msgspec.Meta(ge=8, le=1024)] = 50  # in memory, gone with the power
    time: TimeSection = TimeSection()
    network: NetworkSection = NetworkSection()
    screen: ScreenSection = ScreenSection()
    bridge: BridgeSection = BridgeSection()
    update: UpdateSection = UpdateSection()
    folder: str = "."

    def kiosk_paths(self) -> list[Path]:
        """Return the kiosks' profiles."""
        return [Path(self.folder) / each for each in self.kiosks]


def shipped_kinds() -> tuple[str, ...]:
    """Return the kinds of machine that come with the product."""
    folder = resources.files("firmware_config").joinpath(_FOLDER)
    return tuple(sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml")))


def load_machine(path: Path) -> Machine:
    """Read a machine's file, or raise ``Malformed("machine.*")`` with a pointer to the setting."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Malformed("machine.unreadable", "", f"{path}: {error.strerror}") from error
    return parse_machine(data, folder=path.absolute().parent)


def parse_machine(data: bytes, *, folder: Path) -> Machine:
    """Read a machine from TOML, on top of the kind it begins with."""
    table = read_toml(data, area="machine")
    if "folder" in table:
        raise Malformed("machine.unknown_setting", "/folder", "folder cannot be set")
    base = table.get("base", "")
    if base:
        table = _laid_over(_kind(base), table)
    try:
        machine = msgspec.convert(table, Machine)
    except msgspec.ValidationError as error:
        raise setting_refusal(str(error), area="machine", known=names_in(Machine)) from error
    _check(machine)
    return msgspec.structs.replace(machine, folder=str(folder))


def _kind(name: object) -> dict[str, Any]:
    if name not in shipped_kinds():
        raise Malformed("machine.kind_unknown", "/base", f"{name!r}; known: {', '.join(shipped_kinds())}")
    return read_toml(resources.files("firmware_config").joinpath(_FOLDER, f"{name}.toml").read_bytes(), area="machine")


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables are laid over each other key by key; everything else is replaced."""
    both = {key: _laid_over(below[key], above[key]) for key in below.keys() & above.keys() if _tables(below[key], above[key])}
    return below | above | both


def _tables(*values: object) -> bool:
    return all(isinstance(each, dict) for each in values)


def _check(machine: Machine) -> None:
    _check_devices(machine)
    _check_network(machine)
    for needed in ("site", "address"):
        if machine.bridge.enabled and not getattr(machine.bridge, needed):
            raise Malformed("machine.invalid_setting", f"/bridge/{needed}", "a bridge needs it")
    for place, name in enumerate(machine.kiosks):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise Malformed("machine.invalid_setting", f"/kiosks/{place}", "a profile beside this file")


def _check_devices(machine: Machine) -> None:
    sockets: dict[str, str] = {}
    for name, device in machine.devices.items():
        if not device.path:
            raise Malformed("machine.invalid_setting", f"/devices/{name}/path", "where it is plugged in: udevadm info, ID_PATH")
        if sockets.setdefault(device.path, name) != name:
            raise Malformed("machine.invalid_setting", f"/devices/{name}/path", f"{sockets[device.path]} is plugged in there")


def _check_network(machine: Machine) -> None:
    if len(machine.time.servers) < LEAST_TIME_SERVERS:
        raise Malformed("machine.invalid_setting", "/time/servers", f"{LEAST_TIME_SERVERS} servers with NTS, at least")
    if not machine.network.allow:
        raise Malformed("machine.invalid_setting", "/network/allow", "the broker's network")
    for place, each in enumerate(machine.network.allow):
        try:
            ipaddress.ip_network(each)
        except ValueError as error:
            raise Malformed("machine.invalid_setting", f"/network/allow/{place}", str(error)) from error
