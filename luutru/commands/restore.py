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

from luutru.commands.backup import DEFAULT_KEY, DEFAULT_SETTINGS, JsonOption, KeyFileOption, SettingsOption
from luutru.commands.registry import DEFAULT_REGISTRY, DEFAULT_VAULT, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from luutru.backups.pieces import Pieces
    from luutru.transparency.checking import Trust

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Prove that a registry comes back from its archive.")

PiecesOption = Annotated[
    Path | None, typer.Option("--pieces", exists=True, file_okay=False, help="Of a SQLite registry: where it was followed into.")
]


@app.callback()
def restore() -> None:
    """Prove that a registry comes back from its archive, and bring it back."""


@app.command()
def drill(  # noqa: PLR0913 - options of a command line
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    *,
    settings: SettingsOption = DEFAULT_SETTINGS,
    scratch: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Where the copy is made; as large as the registry.")
    ] = None,
    log: Annotated[str, typer.Option(help="The log of looks, a folder or an address, to be held against the copy.")] = "",
    log_key: Annotated[str, typer.Option(help="The log's public key, its line or its file.")] = "",
    pieces: PiecesOption = None,
    key_file: KeyFileOption = DEFAULT_KEY,
    json: JsonOption = False,
) -> None:
    """Restore the archive beside the living registry, prove both the same at one moment, and delete the copy.

    Example: luutru restore drill --settings /etc/luutru/backup/pgbackrest.conf --log log --log-key keys/log.pub --json
    """
    from luutru.backups.drill import Archive, PostgresArchive, told
    from luutru.backups.drill import drill as go_through
    from luutru.backups.pgbackrest import Repository
    from luutru.backups.sqlite_archive import SqliteArchive
    from luutru.system import system_clock

    _need_folder(vault)
    if bool(log) != bool(log_key):
        raise typer.BadParameter("a log is checked with its key, and a key against a log", param_hint="--log")
    with answering(json=json) as answer, opened(registry, vault) as known:
        archive: Archive
        if known.engine.dialect.name == "sqlite":
            archive = SqliteArchive(known, _opened_pieces(pieces, key_file))
        else:
            archive = PostgresArchive(known, Repository(settings))
        trusted = (log, _trust(log_key)) if log else None
        answer.update(told(go_through(known, archive, scratch=scratch, log=trusted, clock=system_clock())))


@app.command()
def run(
    data: Annotated[Path, typer.Argument(help="An empty data folder of PostgreSQL, or the file of a SQLite registry to be.")],
    *,
    settings: SettingsOption = DEFAULT_SETTINGS,
    pieces: PiecesOption = None,
    key_file: KeyFileOption = DEFAULT_KEY,
    json: JsonOption = False,
) -> None:
    """Bring back all there is: a data folder, on which PostgreSQL is started and replays the rest, or with --pieces the file of a SQLite registry.

    Example: luutru restore run /var/lib/postgresql/15/main --settings /etc/luutru/backup/pgbackrest.conf

    Example: luutru restore run /var/lib/luutru/registry.db --pieces /backup/registry
    """
    from luutru.backups.pgbackrest import Repository
    from luutru.backups.sqlite_archive import bring_back
    from residence.errors import Refused

    with answering(json=json) as answer:
        answer["data"] = str(data)
        if pieces is not None:
            bring_back(_opened_pieces(pieces, key_file), data, target=None)
            return
        if data.is_dir() and any(data.iterdir()):
            raise Refused("backup.place_not_empty")
        Repository(settings).restore_for_good(data.absolute())


def _opened_pieces(folder: Path | None, key_file: Path) -> Pieces:
    from luutru.backups.pieces import Pieces, read_key
    from luutru.system import random_bytes

    if folder is None:
        raise typer.BadParameter("a SQLite registry comes back from the pieces it was followed into", param_hint="--pieces")
    return Pieces(folder, read_key(key_file, random_bytes=random_bytes, make=False), random_bytes=random_bytes)


def _trust(key: str) -> Trust:
    from luutru.transparency.checking import Trust
    from luutru.transparency.key_files import key_of

    return Trust(log=key_of(key))


def _need_folder(vault: Path) -> None:
    if not vault.is_dir():  # opening one that is not there would make new keys
        raise typer.BadParameter("no such folder", param_hint="--vault")
