"""Which settings a kiosk starts by, and what follows those it is sent; put together from its own profile.

- The profile of its image says where settings come from. What was sent takes its place as a whole: profile, keyring, choices, chip trust. Paths
  of files that stay on the machine (keys, store) are relative to the image's profile as before, and where settings come from is the image's alone.
- What was sent must be for this kiosk and this site, the files it names must be there, and a trust bundle signed by a key of the ring it came
  with; else it is not tried at all.
- Settings that cannot be read at the start are taken back at once, and the kiosk starts by those before.

Example: ``profile, slots = in_force(load_profile(path)); run(profile, slots=slots)``
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from luutru import system
from luutru.processes.kiosk_papers import besides_of
from residence.clock import Clock
from residence.errors import LuutruError, Refused

if TYPE_CHECKING:
    from datetime import datetime

    from edge_agent.agent import KioskAgent
    from edge_agent.configuration.following import Following
    from edge_agent.configuration.slots import Slots
    from edge_agent.line import Health
    from firmware_config.profiles import KioskProfile
    from luutru.processes.kiosk_door import KioskDoor

ANOTHER: Final = "configuration.another_kiosk"
_log = structlog.get_logger("luutru.kiosk")


def in_force(image: KioskProfile) -> tuple[KioskProfile, Slots | None]:
    """Return the profile to start by and where what is sent lies; None for a kiosk that nobody sends settings."""
    if not image.configuration.url:
        return image, None
    from edge_agent.configuration.slots import Slots

    slots = Slots(image.path(image.configuration.folder))
    while (folder := slots.at_start()) is not None:
        try:
            return sent_profile({each.name: each.read_bytes() for each in folder.iterdir()}, image=image, folder=folder), slots
        except (LuutruError, OSError) as error:
            _log.warning("configuration taken back", error=str(error))
            try:
                slots.take_back() if slots.state.trying else slots.forget()
            except OSError:
                break  # the image's own profile can always be read
    return image, slots


def sent_profile(files: Mapping[str, bytes], *, image: KioskProfile, folder: Path | None = None) -> KioskProfile:
    """Return the profile these files make on this machine, or raise ``LuutruError``. ``folder``: where the files lie."""
    from firmware_config.profiles import parse_profile
    from firmware_config.signed.document import CHOICES, KEYRING, PROFILE, TRUST, rule_files
    from residence.choices import parse_choices
    from residence.wire.keyring import load_keyring

    profile = parse_profile(files[PROFILE].decode("utf-8", "replace"), folder=Path(image.folder))
    if (profile.kiosk.id, profile.kiosk.site) != (image.kiosk.id, image.kiosk.site):
        raise Refused(ANOTHER, "/kiosk/id", f"settings for {profile.kiosk.id} at {profile.kiosk.site}")
    rules = rule_files(files)
    choices = parse_choices(files.get(CHOICES, b""), extra=rules) if CHOICES in files or rules else image.choices
    profile = msgspec.structs.replace(profile, choices=choices, configuration=image.configuration)
    if KEYRING in files:
        load_keyring(files[KEYRING])
    if folder is not None and KEYRING in files:
        keys = msgspec.structs.replace(profile.keys, keyring_file=f"{image.configuration.folder}/{folder.name}/{KEYRING}")
        profile = msgspec.structs.replace(profile, keys=keys)
    if folder is not None and TRUST in files and profile.chip.enabled:
        profile = msgspec.structs.replace(profile, chip=msgspec.structs.replace(profile.chip, trust=str(folder / TRUST)))
    broker = profile.broker
    for each in (broker.authority_file, broker.certificate_file, broker.key_file, profile.keys.signing_key_file):
        if not profile.path(each).exists():
            raise Refused("key.file_missing", "", f"{each} is not on this machine")
    return profile


def following_of(
    profile: KioskProfile,
    slots: Slots | None,
    *,
    clock: Clock,
    heard: Callable[[datetime], None],
    agent: Callable[[], KioskAgent],
    line: Callable[[], Health],
    door: KioskDoor | None = None,
) -> Following | None:
    """Return what follows the kiosk's settings, the words of its screens and the list for its ``door``, or None. ``heard`` is told when they were signed; ``agent`` and ``line`` are asked later, when they are there."""
    if slots is None:
        return None
    from edge_agent.configuration.fetching import Fetching
    from edge_agent.configuration.following import Following, Kiosk, Pace
    from edge_agent.kiosk.states import Idle
    from edge_agent.line import ConnectionState
    from firmware_config.signed.paths import document_path

    section = profile.configuration
    try:
        root = profile.path(section.root_file).read_bytes()
    except OSError as error:
        raise Refused("key.file_missing", "/configuration/root_file", str(error)) from error
    path = document_path(section.district, profile.kiosk.id)
    fetching = Fetching(slots.folder / "seen", url=section.url, root=root, path=path, heard=heard)

    def proved() -> bool:
        readers = agent().readers_health().values()
        return line().state is ConnectionState.UP and all(each == "ok" for each in readers)

    def idle() -> bool:
        return isinstance(agent().view().state.screen, Idle)

    return Following(
        slots,
        fetch=fetching.fetch,
        kiosk=Kiosk(
            check=lambda files: _check(files, profile, clock.now()),
            proved=proved,
            idle=idle,
            end=lambda: os.kill(os.getpid(), signal.SIGTERM),
        ),
        clock=clock,
        jitter=system.fraction,
        pace=Pace(every=section.every_seconds, steady=section.steady_seconds, patience=section.patience_seconds),
        pin=section.pin,
        besides=besides_of(profile, slots, fetching=fetching, agent=agent, idle=idle, door=door, clock=clock),
    )


def _check(files: Mapping[str, bytes], profile: KioskProfile, now: datetime) -> None:
    from firmware_config.signed.document import KEYRING, TRUST
    from residence.wire.keyring import load_keyring
    from residence.wire.trust_bundle import accept_bundle

    sent_profile(files, image=profile)
    if TRUST in files and KEYRING in files:  # without a ring of its own it is judged when a chip is read
        accept_bundle(files[TRUST], keyring=load_keyring(files[KEYRING]), at=now)
