"""What ``luutru doctor --kiosk`` looks at: whether this kiosk has all it needs here, from its profile to the broker's door, and how to mend each.

- Everything is asked of the thing itself: the device is looked for, the key file read, the certificate held against the key, the broker spoken to in TLS.
- Nothing is changed and nothing is sent. The outbox is read beside a running kiosk.

Example: ``list(kiosk_checks(Path("kiosk.toml"), now=now))``
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luutru.commands.doctor import Check
from residence.errors import LuutruError

if TYPE_CHECKING:
    from firmware_config.profiles import KioskProfile

PATIENCE_SECONDS: Final = 5.0
NEEDED_BY: Final = ("kiosk",)


def kiosk_checks(path: Path, *, now: datetime) -> Iterator[Check]:
    """Look at one kiosk; without a profile that can be read there is nothing else to look at."""
    from firmware_config.profiles import load_profile

    try:
        profile = load_profile(path)
    except LuutruError as error:
        yield _check(
            "profile",
            f"{error.code} {error.pointer} {error.detail}",
            meaning="A kiosk starts from its profile.",
            mend="correct the place named (docs/settings.md)",
        )
        return
    yield _check(
        "profile", "", fine=f"{profile.kiosk.id} at {profile.kiosk.site}", meaning="A kiosk starts from its profile.", mend=""
    )
    yield from _devices(profile)
    yield _keys(profile)
    yield _certificate(profile, now)
    yield _broker(profile)
    yield _outbox(profile)


def _check(name: str, wrong: str, *, meaning: str, mend: str, fine: str = "fine") -> Check:
    return Check(name=name, ok=not wrong, needed_by=NEEDED_BY, found=wrong or fine, meaning=meaning, mend=mend)


def _devices(profile: KioskProfile) -> Iterator[Check]:
    named = [each.source for each in profile.readers if each.kind in {"serial", "camera"} and each.source.startswith("/")]
    named += [each.device for each in profile.door_readers]
    named += [profile.printer.device] if profile.printer.device else []
    for device in dict.fromkeys(named):
        wrong = "not there" if not Path(device).exists() else "" if os.access(device, os.R_OK | os.W_OK) else "not ours to open"
        yield _check(
            f"device {device}",
            wrong,
            meaning="A reader, a printer or a door's line of the profile.",
            mend="plug it in where the machine's file says; udev's rules: luutru firmware diff MACHINE /; the kiosk's account: group luutru",
        )


def _keys(profile: KioskProfile) -> Check:
    from luutru.keys import read_signing_key
    from residence.wire.keyring import load_keyring

    wrong = ""
    try:
        read_signing_key(profile.path(profile.keys.signing_key_file), use="kiosk-sign")
        load_keyring(profile.path(profile.keys.keyring_file).read_bytes())
    except LuutruError as error:
        wrong = str(error)
    except OSError as error:
        wrong = f"{error.filename}: {error.strerror}"
    return _check(
        "signing key and keyring",
        wrong,
        meaning="Declarations are signed by the kiosk and sealed to the authority; without both none is taken.",
        mend="bring the kiosk's folder as it was enrolled; a lost signing key means enrolling anew (docs/gateway.md)",
    )


def _certificate(profile: KioskProfile, now: datetime) -> Check:
    from luutru.certificates import endings

    file, wrong = profile.path(profile.broker.certificate_file), ""
    try:
        _tls(profile)
        soon = [each for each in endings(file.parent, now=now) if Path(each.path) == file and each.soon]
        wrong = f"ends {soon[0].ends:%Y-%m-%d %H:%M} UTC" if soon else ""
    except (OSError, ssl.SSLError) as error:
        wrong = f"{type(error).__name__}: {error}"
    return _check(
        f"certificate {file}",
        wrong,
        meaning="It lets this kiosk, and no other, in at the broker.",
        mend="have the authority issue a new one for this key; it has to fit the key file beside it",
    )


def _broker(profile: KioskProfile) -> Check:
    host, port = profile.broker.host, profile.broker.port
    wrong = ""
    try:
        with (
            socket.create_connection((host, port), timeout=PATIENCE_SECONDS) as plain,
            _tls(profile).wrap_socket(plain, server_hostname=host) as line,
        ):
            line.settimeout(
                0.5
            )  # TLS 1.3: a refusal comes with what would be the first answer; a broker that takes us says nothing yet
            with suppress(TimeoutError):
                line.recv(1)
    except (OSError, ssl.SSLError) as error:
        wrong = f"{type(error).__name__}: {error}"
    return _check(
        f"broker {host}:{port}",
        wrong,
        meaning="Declarations are kept while it is away, and people are told so.",
        mend="network and firewall to this address; the clock; the certificate above; on the broker: luutru doctor --tls FOLDER",
    )


def _outbox(profile: KioskProfile) -> Check:
    from luutru.processes.kiosk import open_outbox
    from luutru.system import system_clock

    path, wrong, depth = profile.path(profile.store.path), "", 0
    if not path.exists():
        return _check("outbox", "", fine="not begun yet", meaning="", mend="")
    try:
        outbox = open_outbox(profile, clock=system_clock())
        try:
            depth, wrong = outbox.depth(), "full" if outbox.full else ""
        finally:
            outbox.close()
    except LuutruError as error:
        wrong = str(error)
    return _check(
        "outbox",
        wrong,
        fine=f"{depth} waiting for a receipt",
        meaning="What was promised to people and has no receipt yet.",
        mend="make room on its disk; never delete it: luutru kiosk outbox PROFILE shows what waits",
    )


def _tls(profile: KioskProfile) -> ssl.SSLContext:
    from edge_agent.line import tls_context
    from luutru.processes.kiosk_line import line_of

    return tls_context(line_of(profile))
