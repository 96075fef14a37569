"""``luutru door keys``: the two keys that doors need, made or followed by newer ones.

- One signs lists and orders (the gateway holds it), one signs what phones show (the web server holds it). Neither can do the other's work.
- The first of each is entered for a commune; a newer one stands beside the older until every list signed with that is over.
- Kiosks are told by the running gateway, as of every key of the authority. Gateway and server sign with the newest at their next start.

Example: ``luutru door keys --keys keys --commune demo-01``
"""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from residence.wire.keyring import KeyUse

PURPOSES: Final[dict[KeyUse, str]] = {"door-list": "door-list", "door-pass": "server-door-pass"}
OVERLAP: Final = timedelta(days=8)  # a list is over after seven

KeysOption = Annotated[Path, typer.Option("--keys", envvar="LUUTRU_KEYS", help="Directory the private keys are written to.")]


def make_keys(
    *,
    keys: KeysOption = Path("keys"),
    commune: Annotated[str, typer.Option(help="Commune the first keys are entered for.")] = "",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Make the keys that sign door lists and door passes, or newer ones beside those there are.

    Example: luutru door keys --keys keys --commune demo-01
    """
    from luutru.opening import open_registry
    from luutru.system import system_clock
    from residence.errors import LuutruError, sentence

    known = open_registry(registry, vault)
    try:
        with known.writing() as connection:
            made = {use: _make(connection, use, keys, commune=commune, now=system_clock().now()) for use in PURPOSES}
    except LuutruError as error:
        typer.echo(f"{sentence(error.code).en} ({error.detail})", err=True)
        raise typer.Exit(1) from None
    finally:
        known.close()
    if json:
        sys.stdout.write(msgspec.json.encode({"ok": True, "files": made}).decode() + "\n")
    else:
        typer.echo("\n".join(f"{use}: {path}" for use, path in made.items()))


def _make(connection: Connection, use: KeyUse, directory: Path, *, commune: str, now: datetime) -> str:
    from luutru import keys
    from luutru.system import random_bytes
    from registry.key_changes import put_beside
    from registry.kiosks import add_key
    from residence.errors import Refused
    from residence.wire.keyring import AUTHORITY

    old_ids = [keys.key_id_of(path) for path in keys.key_files(directory, PURPOSES[use])]
    if not old_ids and not commune:
        raise Refused("key.unknown", detail="the first keys need --commune")
    path = keys.rotated_path(directory, PURPOSES[use], now=now)
    entry = keys.make_key(path, key_id=path.stem, use=use, owner=AUTHORITY, now=now, random_bytes=random_bytes)
    try:
        if old_ids:
            put_beside(connection, entry, old_ids=old_ids, end=now + OVERLAP)
        else:
            add_key(connection, entry, commune_code=commune)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise
    return str(path)
