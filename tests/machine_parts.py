"""A machine of each shipped kind, with invented sockets, servers and networks, as an installer would fill it in."""

from __future__ import annotations

from pathlib import Path

from kiosk_page_parts import DESK, LOBBY

from firmware_config.machine_files import machine_files
from firmware_config.machines import Machine, parse_machine

ROOM = Path(__file__).resolve().parents[1] / ".tools" / "kiosk-room"
SITE = """
[time]
servers = ["nts1.example.org", "nts2.example.org"]
[network]
allow = ["10.20.0.0/16"]
"""
BRIDGE = '[bridge]\nenabled = true\nsite = "blk-hoa-binh"\naddress = "broker.example.org"\n'
CAMERA = '[[readers]]\nkind = "camera"\nsource = "/dev/edge/camera"\n[printer]\nkind = "usb"\ndevice = "/dev/edge/printer"\n'
SCANNER = '[[readers]]\nkind = "serial"\nsource = "/dev/edge/scanner"\n'
DOOR = '[[doors]]\nname = "{0}"\noutput_pin = {1}\n[[door_readers]]\nname = "{0}-outside"\ndevice = "/dev/edge/rs485-{0}"\n'
FRONT = LOBBY + SCANNER + DOOR.format("front", 17)
BACK = LOBBY.replace("kiosk-lobby-1", "kiosk-back-1") + "[page]\nport = 8801\n" + DOOR.format("back", 22)
# kind -> what the installer adds, and the kiosks' profiles
KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "lobby": (SITE + BRIDGE, {"kiosk.toml": LOBBY + CAMERA}),
    "hotel-desk": (SITE, {"kiosk.toml": DESK + SCANNER}),
    "guard-post": (SITE + "[screen]\nenabled = false\n", {"kiosk.toml": LOBBY + SCANNER}),
    "pn532-budget": (
        SITE.replace("[time]", "[time]\nfirst_time_unchecked = true"),
        {"kiosk.toml": LOBBY + SCANNER + '[chip]\nenabled = true\nreader = "pn532:/dev/edge/pn532"\n'},
    ),
    "osdp-two-door": (SITE, {"front.toml": FRONT, "back.toml": BACK}),
}
DEVICES = {
    "lobby": ("camera", "printer"),
    "hotel-desk": ("scanner",),
    "guard-post": ("scanner",),
    "pn532-budget": ("pn532", "scanner"),
    "osdp-two-door": ("rs485-back", "rs485-front", "scanner"),
}


def machine_text(kind: str) -> str:
    sockets = "".join(
        f'[devices.{name}]\npath = "platform-xhci-hcd.{place}-usb-0:1:1.0"\n' for place, name in enumerate(DEVICES[kind])
    )
    return f'base = "{kind}"\nname = "{kind}-1"\n{sockets}{KINDS[kind][0]}'


def machine_of(kind: str) -> Machine:
    return parse_machine(machine_text(kind).encode(), folder=Path("/nowhere"))


def files_of(kind: str) -> dict[str, str]:
    return machine_files(machine_of(kind), KINDS[kind][1])


def write_machine(kind: str, folder: Path) -> Path:
    """Write a machine's file and its profiles, as they lie on an installer's disk."""
    for name, text in KINDS[kind][1].items():
        (folder / name).write_text(text, "utf-8")
    path = folder / f"{kind}.toml"
    path.write_text(machine_text(kind), "utf-8")
    return path
