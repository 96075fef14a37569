"""The systemd units of a kiosk's machine: what runs, what it may touch, and when it is ended for being stuck.

- ``luutru-kiosk@<id>`` says by itself when it is ready, and feeds its watchdog only while its readers' threads, its dialogue, its store and its page
  answer (``edge_agent/liveness.py``). A device that is unplugged is no reason to end a process; a thread that hangs is.
- It may write its own folder and nothing else, reach the loopback and the networks the machine's file names, and open the kinds of devices it has.
  What parses the bytes of an OSDP reader is shut in further, by itself (``edge_agent/osdp/sandbox.py``), as a child of this unit.
- ``SCORES`` are the exposure levels of ``systemd-analyze security`` no unit may exceed, in tenths. The screen's is higher: a browser's own sandbox needs
  namespaces, and a compositor the graphics and input devices.

Example: ``kiosk_unit(machine)``
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from firmware_config.machines import DeviceKind, Machine

KIOSK: Final = "luutru-kiosk@.service"
SCREEN: Final = "luutru-screen.service"
USER: Final = "luutru"
STATE: Final = "/var/lib/luutru"
SCORES: Final = {KIOSK: 20, SCREEN: 30}
WATCHDOG_SECONDS: Final = 30

_CLASSES: Final[dict[DeviceKind, tuple[str, ...]]] = {
    "serial": ("char-ttyUSB", "char-ttyACM", "char-ttyAMA", "char-ttyS"),
    "rs485": ("char-ttyUSB", "char-ttyACM", "char-ttyAMA", "char-ttyS"),
    "camera": ("char-video4linux", "char-media"),
    "printer": ("char-usb", "char-ttyUSB", "char-ttyACM"),
}
# What each line takes away, for whoever has to change one.
_SHUT_IN: Final = (
    ("NoNewPrivileges=yes", "no program started from here becomes more than this one"),
    ("CapabilityBoundingSet=", "none of root's powers"),
    ("AmbientCapabilities=", ""),
    ("ProtectSystem=strict", "the whole system is read-only, but for what StateDirectory and RuntimeDirectory name"),
    ("ProtectHome=yes", "no homes"),
    ("PrivateTmp=yes", "a /tmp of its own"),
    ("PrivateUsers=yes", "sees no other account"),
    ("ProtectHostname=yes", ""),
    ("ProtectClock=yes", "cannot set the clock; chrony does"),
    ("ProtectKernelTunables=yes", ""),
    ("ProtectKernelModules=yes", ""),
    ("ProtectKernelLogs=yes", ""),
    ("ProtectControlGroups=yes", ""),
    ("ProtectProc=invisible", "sees no other process"),
    ("ProcSubset=all", "it reads its own memory and the boot's id there"),
    ("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "no raw packets, no netlink"),
    ("RestrictNamespaces=yes", ""),
    ("RestrictRealtime=yes", ""),
    ("RestrictSUIDSGID=yes", ""),
    ("LockPersonality=yes", ""),
    ("MemoryDenyWriteExecute=yes", "no memory that is written and then run"),
    ("RemoveIPC=yes", ""),
    ("SystemCallArchitectures=native", ""),
    ("SystemCallFilter=@system-service", "the calls of ordinary services"),
    ("SystemCallFilter=~@privileged @resources", "without those that need powers"),
    ("SystemCallFilter=setrlimit prlimit64", "an OSDP process lowers its own limits"),
    ("SystemCallErrorNumber=EPERM", ""),
    ("KeyringMode=private", ""),
    ("UMask=0077", "files for their owner alone"),
    ("LimitCORE=0", "a crash writes no memory to disk"),
)


def kiosk_unit(machine: Machine) -> str:
    """Return the unit of one kiosk process; its instance is the kiosk's id."""
    return _unit(
        (
            ("Description=Luutru kiosk %i", ""),
            ("After=network.target time-set.target pcscd.socket", "it needs none of them to take declarations"),
            ("StartLimitIntervalSec=0", "tried again for as long as it takes"),
        ),
        (
            ("Type=notify", "ready is what it says itself"),
            ("NotifyAccess=main", ""),
            (f"WatchdogSec={WATCHDOG_SECONDS}", "fed while readers, dialogue, store and page answer"),
            ("TimeoutStartSec=90", ""),
            ("Restart=always", ""),
            ("RestartSec=2", ""),
            (f"ExecStart=/usr/bin/luutru kiosk run {STATE}/%i/kiosk.toml", ""),
            (f"User={USER}", ""),
            (f"Group={USER}", "udev gives our devices to this group"),
            *((("SupplementaryGroups=audio", "the voice"),) if machine.sound else ()),
            ("StateDirectory=luutru/%i", "profile, keys, outbox: on the data partition"),
            ("StateDirectoryMode=0700", ""),
            (f"WorkingDirectory={STATE}/%i", ""),
            ("Environment=PYTHONDONTWRITEBYTECODE=1", ""),
            (f"MemoryMax={machine.memory_mib}M", "a leak ends this process and not the machine"),
            ("MemorySwapMax=0", "nothing personal in a swap file"),
            ("TasksMax=128", ""),
            ("IPAddressDeny=any", ""),
            (f"IPAddressAllow={' '.join(('localhost', *machine.network.allow))}", "the page, and the broker's network"),
            ("DevicePolicy=closed", ""),
            *((f"DeviceAllow={each} rw", "") for each in device_classes(machine)),
            *_SHUT_IN,
        ),
    )


def device_classes(machine: Machine) -> tuple[str, ...]:
    """Return the kinds of devices the kiosk's process may open. Kinds, for a device that comes back has another number."""
    found = [each for device in machine.devices.values() for each in _CLASSES[device.kind]]
    found += ["char-gpiochip"] if machine.doors else []
    found += ["char-alsa"] if machine.sound else []
    return tuple(sorted(set(found)))


def screen_unit(*, folder: str, user: str) -> str:
    """Return the unit that keeps the compositor, and with it the browser's watch, running."""
    return _unit(
        (("Description=Luutru kiosk screen", ""), ("After=systemd-user-sessions.service", ""), ("StartLimitIntervalSec=0", "")),
        (
            ("Type=notify", "ready is what the browser's watch says, a child of the compositor"),
            ("NotifyAccess=all", ""),
            ("WatchdogSec=60", "fed while the page gives signs of life, or the kiosk is away"),
            ("TimeoutStartSec=90", ""),
            (f"User={user}", ""),
            ("PAMName=login", "a seat, which is what opens graphics and input"),
            ("TTYPath=/dev/tty1", ""),
            (f"RuntimeDirectory={folder.rpartition('/')[2]}", "the browser's profile: memory"),
            ("RuntimeDirectoryMode=0700", ""),
            (f"Environment=XDG_RUNTIME_DIR={folder}", ""),
            ("ExecStart=/usr/bin/sway --config /etc/luutru/sway.conf", ""),
            ("Restart=always", ""),
            ("RestartSec=2", ""),
            ("IPAddressDeny=any", ""),
            ("IPAddressAllow=localhost", "the kiosk's page and nothing else"),
            ("MemorySwapMax=0", ""),
            *(each for each in _SHUT_IN if each[0] not in _NOT_FOR_A_BROWSER),
            ("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "libinput hears of devices by netlink"),
            ("RestrictNamespaces=user pid net", "those of the browser's own sandbox"),
            ("SystemCallFilter=~@clock @cpu-emulation @module @obsolete @raw-io @reboot @swap", ""),
        ),
    )


_NOT_FOR_A_BROWSER: Final = frozenset(
    {
        "PrivateUsers=yes",  # the browser makes users of its own
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "RestrictNamespaces=yes",
        "MemoryDenyWriteExecute=yes",  # scripts are compiled as they run
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged @resources",
        "SystemCallFilter=setrlimit prlimit64",
    }
)


def _unit(head: Iterable[tuple[str, str]], service: Iterable[tuple[str, str]]) -> str:
    lines = ["# Written by `luutru firmware render`; changes are lost.", "[Unit]", *_commented(head)]
    lines += ["", "[Service]", *_commented(service), "", "[Install]", "WantedBy=multi-user.target", ""]
    return "\n".join(lines)


def _commented(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Put each reason before its line: behind a setting systemd knows no comments."""
    return [text for line, why in lines for text in ((f"# {why}", line) if why else (line,))]
