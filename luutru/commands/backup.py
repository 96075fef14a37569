"""``luutru backup``: a registry's archive that is never more than seconds behind, and how far behind it is.

- ``configure`` writes what PostgreSQL and pgBackRest need; ``begin`` makes the repository and the first full backup, ``run`` a later one.
- ``status`` says how old the newest backup is and since when a commit waits for the archive; status 1 when either is too long.
- ``follow`` does the same for a SQLite registry, without PostgreSQL's programs: a process that runs beside the others.
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
KeyFileOption = Annotated[
    Path, typer.Option("--key-file", envvar="LUUTRU_BACKUP_KEY", dir_okay=False, help="Key of the pieces; made at first.")
]
FolderArgument = Annotated[Path, typer.Argument(file_okay=False, help="Where the two files go; for the database's user alone.")]
RepositoryOption = Annotated[Path, typer.Option(help="Folder of the repository; on another machine's disk.")]
DataOption = Annotated[Path, typer.Option(help="The cluster's data folder.")]
SocketOption = Annotated[Path, typer.Option(help="Folder of PostgreSQL's socket.")]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="PostgreSQL's port, of the socket's name.")]
UserOption = Annotated[str, typer.Option(help="The database's superuser.")]
DEFAULT_SOCKET = Path("/var/run/postgresql")
DEFAULT_KEY = Path("/etc/luutru/backup/pieces.key")
DEFAULT_SETTINGS = Path("/etc/luutru/backup/pgbackrest.conf")


@app.callback()
def backup() -> None:
    """Keep a registry's archive seconds behind it."""


@app.command()
def configure(
    folder: FolderArgument,
    *,
    repository: RepositoryOption,
    data: DataOption,
    socket: SocketOption = DEFAULT_SOCKET,
    port: PortOption = 5432,
    user: UserOption = "postgres",
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
def keep(  # noqa: PLR0913 - options of a command line
    folder: FolderArgument,
    *,
    repository: RepositoryOption,
    data: DataOption,
    socket: SocketOption = DEFAULT_SOCKET,
    port: PortOption = 5432,
    user: UserOption = "postgres",
    registry: Annotated[
        str, typer.Option("--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry: postgresql+psycopg://...")
    ],
    hour: Annotated[
        int, typer.Option("--hour", min=0, max=23, help="From this hour on, Vietnam's time, the night's backup.")
    ] = 3,
    group_drills: Annotated[
        bool,
        typer.Option(
            "--group-drills", help="Let the group of the folder read it and the repository: drills are another account's."
        ),
    ] = False,
) -> None:
    """Look after an archive until asked to stop: configure and begin it where it is not, look every minute, back up every night.

    For containers, where there are no timers. PostgreSQL's own settings are those of archive.conf, given to it by whoever starts it.

    Example: luutru backup keep /etc/luutru/backup --repository /backup/registry --data /var/lib/postgresql/15/main
    """
    import signal
    import threading

    from luutru.backups.keeping import keep as go_on
    from luutru.backups.settings import Place
    from luutru.logs import configure_logs
    from luutru.system import random_bytes, system_clock
    from registry.database import open_engine

    configure_logs()
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    place = Place(folder=folder.absolute(), repository=repository, data=data, socket=socket, port=port, user=user)
    engine = open_engine(registry)
    try:
        go_on(place, engine, clock=system_clock(), random_bytes=random_bytes, ended=ended.wait, hour=hour, group=group_drills)
    finally:
        engine.dispose()


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


@app.command()
def follow(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where base and pieces go; on another machine's disk.")],
    *,
    registry: Annotated[
        str, typer.Option("--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry: sqlite:////path")
    ] = "sqlite:///registry.db",
    key_file: KeyFileOption = DEFAULT_KEY,
    every: Annotated[float, typer.Option(min=0.05, max=60, help="Seconds between two looks.")] = 1.0,
) -> None:
    """Follow a SQLite registry: an encrypted base, and every commit since within seconds; until asked to stop.

    Example: luutru backup follow /backup/registry --registry sqlite:////var/lib/luutru/registry.db
    """
    import signal
    import threading

    from luutru.backups.following import follow as go_on
    from luutru.backups.pieces import Pieces, read_key
    from luutru.logs import configure_logs
    from luutru.system import random_bytes, system_clock
    from registry.database import open_engine
    from residence.errors import LuutruError, sentence

    configure_logs()
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    engine = open_engine(registry)
    if engine.dialect.name != "sqlite":
        raise typer.BadParameter("PostgreSQL is archived by pgBackRest: luutru backup configure", param_hint="--registry")
    pieces = Pieces(folder, read_key(key_file, random_bytes=random_bytes, make=True), random_bytes=random_bytes)
    try:
        go_on(engine, pieces, clock=system_clock(), ended=ended.wait, every=every)
    except LuutruError as error:
        typer.echo(f"{error.code}: {sentence(error.code).en}", err=True)
        raise typer.Exit(1) from None
