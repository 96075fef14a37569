"""``luutru backup``: a registry's archive that is never more than seconds behind, and how far behind it is.

- ``configure`` writes what PostgreSQL and pgBackRest need; ``begin`` makes the repository and the first full backup, ``run`` a later one.
- ``status`` says how old the newest backup is and since when a commit waits for the archive; status 1 when either is too long.
- The passphrase is made once and stands in ``pgbackrest.conf`` alone: a copy of that file belongs where the vault's copy is.

Example: ``luutru backup configure /etc/luutru/backup --repository /backup/registry --data /var/lib/postgresql/15/main --socket /var/run/postgresql``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from luutru.commands.registry_answers import answering

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Keep a registry's archive seconds behind it.")

SettingsOption = Annotated[
    Path,
    typer.Option(
        "--settings", envvar="LUUTRU_BACKUP", dir_okay=False, help='pgbackrest.conf, as "luutru backup configure" wrote it.'
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DEFAULT_SETTINGS = Path("/etc/luutru/backup/pgbackrest.conf")


@app.callback()
def backup() -> None:
    """Keep a registry's archive seconds behind it."""


@app.command()
def configure(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the two files go; for the database's user alone.")],
    *,
    repository: Annotated[Path, typer.Option(help="Folder of the repository; on another machine's disk.")],
    data: Annotated[Path, typer.Option(help="The cluster's data folder.")],
    socket: Annotated[Path, typer.Option(help="Folder of PostgreSQL's socket.")] = Path("/var/run/postgresql"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="PostgreSQL's port, of the socket's name.")] = 5432,
    user: Annotated[str, typer.Option(help="The database's superuser.")] = "postgres",
    json: JsonOption = False,
) -> None:
    """Write pgbackrest.conf, with a new passphrase, and archive.conf; files that are there are refused.

    Example: luutru backup configure /etc/luutru/backup --repository /backup/registry --data /var/lib/postgresql/15/main
    """
    from luutru.backups.settings import Place, files_of, make_passphrase, write_files
    from luutru.system import random_bytes

    with answering(json=json) as answer:
        place = Place(folder=folder.absolute(), repository=repository, data=data, socket=socket, port=port, user=user)
        written = write_files(place.folder, files_of(place, passphrase=make_passphrase(random_bytes)))
        answer["files"] = [str(path) for path in written]


@app.command()
def begin(*, settings: SettingsOption = DEFAULT_SETTINGS, json: JsonOption = False) -> None:
    """Make the repository, see that PostgreSQL archives into it, and make the first full backup.

    Example: luutru backup begin --settings /etc/luutru/backup/pgbackrest.conf
    """
    from luutru.backups.pgbackrest import Repository

    with answering(json=json) as answer:
        repository = Repository(settings)
        for command in ("stanza-create", "check", "backup"):
            repository.run(command)
        answer["backups"] = len(repository.info()["backup"])


@app.command()
def run(
    *,
    settings: SettingsOption = DEFAULT_SETTINGS,
    full: Annotated[bool, typer.Option("--full", help="All files, not what changed since the last full one.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a backup while everything runs, and let go of what is older than the second last full one: by a timer, every night.

    Example: luutru backup run --full
    """
    from luutru.backups.pgbackrest import Repository

    with answering(json=json) as answer:
        repository = Repository(settings)
        repository.run("backup", "--type=full" if full else "--type=diff")
        answer["backups"] = len(repository.info()["backup"])


@app.command()
def status(
    *,
    settings: SettingsOption = DEFAULT_SETTINGS,
    registry: Annotated[
        str, typer.Option("--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry: postgresql+psycopg://...")
    ],
    most_seconds: Annotated[float, typer.Option(min=0, help="The archive may be so many seconds behind.")] = 10,
    most_hours: Annotated[float, typer.Option(min=0, help="The newest backup may be so old.")] = 26,
    json: JsonOption = False,
) -> None:
    """Say how old the newest backup is and how far the archive is behind, by writing a mark and waiting for it.

    Example: luutru backup status --registry postgresql+psycopg://luutru@db/luutru --json
    """
    import time

    from luutru.backups.pgbackrest import Repository
    from luutru.backups.watching import look
    from luutru.system import system_clock
    from registry.database import open_engine

    with answering(json=json) as answer:
        engine = open_engine(registry)
        try:
            answer.update(
                look(Repository(settings), engine, clock=system_clock(), wait=time.sleep, most=(most_seconds, most_hours))
            )
        finally:
            engine.dispose()
