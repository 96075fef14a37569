"""What a kiosk says of its parts, gathered from where each is known: readers, door, disk, settings, what was heard.

- The settings are named by a hash, so that an operator sees whether a kiosk works by those it was sent.

Example: ``uplink = Uplink(..., vitals=vitals_of(profile, outbox, hearing, readers=agent.readers_health, door=door))``
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from residence.clock import rfc3339
from residence.wire.state import CONFIGURATION

if TYPE_CHECKING:
    from edge_agent.configuration.following import Following
    from edge_agent.hearing import Hearing
    from edge_agent.outbox import Outbox
    from edge_agent.vitals import Vitals
    from firmware_config.profiles import KioskProfile
    from luutru.processes.kiosk_door import KioskDoor

DIGITS = 12


def settings_hash(profile: KioskProfile) -> str:
    """Return the name of the settings a kiosk works by; the same wherever its folder is."""
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(profile, folder="."))).hexdigest()[:DIGITS]


def vitals_of(
    profile: KioskProfile,
    outbox: Outbox,
    *,
    hearing: Hearing,
    readers: Callable[[], Mapping[str, str]],
    door: KioskDoor | None,
    following: Following | None = None,
) -> Callable[[], Vitals]:
    """Return what asks every part how it is."""
    from edge_agent.vitals import Vitals, disk_of

    named = settings_hash(profile)

    def ask() -> Vitals:
        return Vitals(
            readers=dict(readers()) | ({CONFIGURATION: following.health(), **following.healths()} if following else {}),
            doors=_doors(door),
            disk=disk_of(outbox.store.path, full=outbox.full),
            profile=named,
            read_at=rfc3339(hearing.read_at) if hearing.read_at else None,
            unread=hearing.unread,
        )

    return ask


def _doors(door: KioskDoor | None) -> dict[str, str]:
    return {} if door is None else {door.keeper.door.name: door.keeper.told()}
