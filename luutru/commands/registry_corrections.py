"""What the commands that correct the register share: who corrects, the key it is signed with, and the history as it is printed.

- ``--keys`` (or ``LUUTRU_KEYS``) is the folder with ``server-receipt*.key``: with it a correction is signed, without it the history says *none*.
- A history is checked against ``--keyring``, else the registry's own keys. Ids, days and units are printed; a name or an address never.

Example: ``hand = hand_of(known, by="can-bo", reason="the deed", keys=None)``
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.commands.gateway_keys import Purpose
from luutru.commands.registry_answers import opened

if TYPE_CHECKING:
    from registry.correcting import Corrected, Hand
    from registry.database import Registry

ByOption = Annotated[str, typer.Option("--by", help="Account that corrects.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence that names nobody.")]
KeysOption = Annotated[
    Path | None,
    typer.Option("--keys", envvar="LUUTRU_KEYS", help="Folder with server-receipt*.key, to sign; without it unsigned."),
]
KeyringOption = Annotated[
    Path | None, typer.Option("--keyring", dir_okay=False, help="Keyring to trust; the registry's own keys if not given.")
]


def hand_of(known: Registry, *, by: str, reason: str, keys: Path | None) -> Hand:
    """Return who corrects, and with which key."""
    from luutru.keys import receipt_signer
    from luutru.system import random_bytes, system_clock
    from registry.correcting import Hand
    from registry.key_changes import keyring_if_reachable
    from registry.numbering import Means, Officer

    now = system_clock().now()
    signer = (
        receipt_signer(keys, Purpose.SERVER_RECEIPT.files, keyring=keyring_if_reachable(known), now=now)
        if keys is not None
        else None
    )
    means = Means(vault=known.vault, now=now, random_bytes=random_bytes)
    return Hand(officer=Officer(account_id=by, reason=reason), means=means, signer=signer)


def told(done: Corrected) -> dict[str, Any]:
    """Return what came of a correction, for the answer."""
    from residence.errors import has_errors

    said: dict[str, Any] = msgspec.to_builtins(done)
    return said | {"ok": not has_errors(done.problems)}


def history(where: tuple[str, Path], subject_id: str, keyring: Path | None) -> list[dict[str, Any]]:
    """Return every correction of a premises or a person, the latest first, with how its signature stands."""
    from registry.correcting import corrections_of
    from registry.key_changes import keyring_if_reachable
    from residence.wire.keyring import load_keyring

    with opened(*where) as known:
        ring = load_keyring(keyring.read_bytes()) if keyring is not None else keyring_if_reachable(known)
        with known.reading() as connection:
            return [msgspec.to_builtins(each) for each in corrections_of(connection, subject_id, keyring=ring)]


def day_of(text: str, option: str) -> date:
    """Return a day of an option."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("YYYY-MM-DD", param_hint=option) from error
