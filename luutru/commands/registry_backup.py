"""``luutru registry backup`` and ``restore``: a copy in a folder, and the proof that what comes back is the same.

- A backup may be made while everything runs. It holds no key: back up the vault by itself, elsewhere. The vault seals its manifest.
- Whatever was changed in a backup since is refused before anything is brought back.
- A restore writes into an empty place only, then counts and digests every table and opens every sealed field with ``--vault``.
- Whoever was erased after the backup was made is erased again at once, and the answer says who, when and why.
- ``--json`` prints one object; exit status 1 when something is not as it was.

Example: ``luutru registry backup /backup/2026-07-10 --registry sqlite:////var/lib/luutru/registry.db``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption

if TYPE_CHECKING:
    from registry.backups import Manifest
    from registry.key_notes import Shredded
    from residence.errors import LuutruError


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for the copy and its manifest.")],
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Copy the registry into a new folder, with a manifest of rows and digests; the vault's keys are not in it.

    Example: luutru registry backup /backup/2026-07-10 --registry postgresql+psycopg://luutru@db/luutru
    """
    from luutru.opening import open_registry
    from luutru.system import system_clock
    from registry.backups import back_up
    from residence.errors import LuutruError

    answer: dict[str, Any] = {"ok": True}
    _need_folder(vault)
    try:
        opened = open_registry(registry, vault)
        try:
            answer |= _told(back_up(registry, folder, vault=opened.vault, now=system_clock().now()))
        finally:
            opened.close()
    except LuutruError as error:
        answer |= {"ok": False, "problems": [_said(error)]}
    _end(answer, json=json)


def restore(
    folder: Annotated[Path, typer.Argument(help="The folder of a backup.", exists=True, file_okay=False)],
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Bring a backup back into an empty place, and prove it: every table the same, every sealed field opens.

    Example: luutru registry restore /backup/2026-07-10 --registry sqlite:////var/lib/luutru/new.db --vault /etc/luutru/vault
    """
    from luutru.opening import open_registry
    from luutru.system import random_bytes, system_clock
    from registry.backups import restore as bring_back
    from registry.checking import check_registry
    from registry.erasing import erase_again
    from residence.errors import LuutruError

    answer: dict[str, Any] = {"ok": True}
    _need_folder(vault)
    try:
        opened = open_registry(registry, vault)
        try:
            answer |= _told(bring_back(folder, registry, vault=opened.vault))
            again = erase_again(opened, now=system_clock().now(), random_bytes=random_bytes)
            answer["erased_again"] = [_why(each) for each in again]
            report = check_registry(opened)
        finally:
            opened.close()
        answer |= {"ok": report.ok, "opened": report.opened, "erased": report.erased, "problems": list(report.problems)}
    except LuutruError as error:
        answer |= {"ok": False, "problems": [_said(error)]}
    _end(answer, json=json)


def _need_folder(vault: Path) -> None:
    if not vault.is_dir():  # opening one that is not there would make new keys
        raise typer.BadParameter("no such folder", param_hint="--vault")


def _said(error: LuutruError) -> str:
    """Say a refusal as its code, its sentence, and what it is about."""
    from residence.errors import plain_sentence

    return f"{error.code} {plain_sentence(error.code).en} {error.detail or ''}".strip()


def _why(note: Shredded) -> dict[str, Any]:
    """Say of somebody who was erased after the backup was made when, and on which ground."""
    from residence.wire.deletions import read_deletion_unverified

    said = read_deletion_unverified(note.certificate) if note.certificate else None
    told = {"person_id": note.subject_id, "erased_at": msgspec.to_builtins(note.at), "by": note.by}
    return told | ({"certificate_id": said.certificate_id, "reason": said.reason} if said else {})


def _told(manifest: Manifest) -> dict[str, Any]:
    told = msgspec.to_builtins(manifest)
    counts = {name: each.rows for name, each in manifest.tables.items()}
    return {"made_at": told["made_at"], "revision": manifest.revision, "counts": counts, "period_keys": told["period_keys"]}


def _end(answer: dict[str, Any], *, json: bool) -> None:
    if json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    else:
        typer.echo("in order" if answer["ok"] else "not in order")
        for name, rows in answer.get("counts", {}).items():
            typer.echo(f"  {name}: {rows}")
        for each in answer.get("erased_again", ()):
            typer.echo(f"  erased again: {each['person_id']} (erased {each['erased_at']}, {each.get('reason', '')})")
        for each in answer.get("problems", ()):
            typer.echo(f"  {each}", err=True)
    raise typer.Exit(0 if answer["ok"] else 1)
