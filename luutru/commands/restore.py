"""``luutru restore drill``: one command that proves a registry comes back; ``luutru restore run``: for the day it must.

- A drill changes nothing: it restores beside the living registry, holds the copy against a mark in it, and deletes the copy. Every month, by a timer.
- What is proved: rows and digest of every table, every sealed field opens, every receipt verifies, the log of looks has its signed root.
- ``run`` restores into an empty data folder all there is, and leaves starting PostgreSQL to whoever runs it.
- Status 1 when anything is not as it was; ``problems`` say what.

Example: ``luutru restore drill --registry postgresql+psycopg://luutru@/luutru?host=/var/run/postgresql --vault /etc/luutru/vault --json``
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luutru.commands.backup import DEFAULT_SETTINGS, JsonOption, SettingsOption
from luutru.commands.registry import DEFAULT_REGISTRY, DEFAULT_VAULT, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from luutru.transparency.checking import Trust

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Prove that a registry comes back from its archive.")


@app.callback()
def restore() -> None:
    """Prove that a registry comes back from its archive, and bring it back."""


@app.command()
def drill(
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    *,
    settings: SettingsOption = DEFAULT_SETTINGS,
    scratch: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Where the copy is made; as large as the registry.")
    ] = None,
    log: Annotated[str, typer.Option(help="The log of looks, a folder or an address, to be held against the copy.")] = "",
    log_key: Annotated[str, typer.Option(help="The log's public key, its line or its file.")] = "",
    json: JsonOption = False,
) -> None:
    """Restore the archive beside the living registry, prove both the same at one moment, and delete the copy.

    Example: luutru restore drill --settings /etc/luutru/backup/pgbackrest.conf --log log --log-key keys/log.pub --json
    """
    from luutru.backups.drill import PostgresArchive, told
    from luutru.backups.drill import drill as go_through
    from luutru.backups.pgbackrest import Repository
    from luutru.system import system_clock

    _need_folder(vault)
    if bool(log) != bool(log_key):
        raise typer.BadParameter("a log is checked with its key, and a key against a log", param_hint="--log")
    with answering(json=json) as answer, opened(registry, vault) as known:
        archive = PostgresArchive(known, Repository(settings))
        trusted = (log, _trust(log_key)) if log else None
        answer.update(told(go_through(known, archive, scratch=scratch, log=trusted, clock=system_clock())))


@app.command()
def run(
    data: Annotated[Path, typer.Argument(file_okay=False, help="An empty data folder.")],
    *,
    settings: SettingsOption = DEFAULT_SETTINGS,
    json: JsonOption = False,
) -> None:
    """Bring back all there is into an empty data folder; then start PostgreSQL on it, and it replays what came after the backup.

    Example: luutru restore run /var/lib/postgresql/15/main --settings /etc/luutru/backup/pgbackrest.conf
    """
    from luutru.backups.pgbackrest import Repository
    from residence.errors import Refused

    with answering(json=json) as answer:
        if data.is_dir() and any(data.iterdir()):
            raise Refused("backup.place_not_empty")
        Repository(settings).restore_for_good(data.absolute())
        answer["data"] = str(data)


def _trust(key: str) -> Trust:
    from luutru.transparency.checking import Trust
    from luutru.transparency.key_files import key_of

    return Trust(log=key_of(key))


def _need_folder(vault: Path) -> None:
    if not vault.is_dir():  # opening one that is not there would make new keys
        raise typer.BadParameter("no such folder", param_hint="--vault")
