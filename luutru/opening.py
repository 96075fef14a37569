"""How every process of the authority opens the registry: with the vault's keys, and with the folder in which its looks are handed over.

- ``LUUTRU_LOOKS_HANDED`` names that folder for all of them at once, commands included: one that forgot it would show what the log never hears of.
- Unset, nothing is handed over; docs/log.md says what that leaves open.
- A process that goes on working does not begin on tables older than its version (``open_for_work``): it would fail at the first row that
  needs the new ones. What kiosks kept waits with the broker, and whatever starts processes tries again.

Example: ``registry = open_registry("sqlite:////var/lib/luutru/registry.db", Path("vault"))``
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from luutru.system import random_bytes, setting
from registry.database import Registry, connect, is_behind
from registry.handing_over import Handing
from registry.key_provider import FileKeyProvider
from registry.vault import Vault
from residence.errors import Refused

HANDED: Final = "LUUTRU_LOOKS_HANDED"


def open_registry(url: str, vault: Path) -> Registry:
    """Open the registry with the vault's keys in a directory."""
    keys = Vault(FileKeyProvider(vault, random_bytes=random_bytes), random_bytes=random_bytes)
    return connect(url, vault=keys, handing=looks_handed())


def open_for_work(url: str, vault: Path) -> Registry:
    """Open the registry for a process that stays, or raise ``Refused("registry.not_upgraded")`` for tables of an older version."""
    registry = open_registry(url, vault)
    if is_behind(registry.engine):
        registry.close()
        raise Refused("registry.not_upgraded")
    return registry


def looks_handed() -> Handing | None:
    """Return the folder looks are handed over in, None where none is named."""
    folder = setting(HANDED)
    return Handing(Path(folder)) if folder else None
