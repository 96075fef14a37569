"""``luutru registry``: create, upgrade, seed and check the registry.

- ``--registry`` is an address (``sqlite:////path``, ``postgresql+psycopg://...``), ``--vault`` the directory with its keys; keep the two
  on different disks and in different backups.
- ``--json`` prints one object: ``ok``, ``counts``, ``seconds``, ``rejected`` and, for a check, ``problems``. Exit status 1 when not ``ok``.
- Nothing personal is printed, but by ``person`` for a purpose (``registry_person.py``). Groups of commands are in files of their own.

Example: ``luutru registry create --registry sqlite:////var/lib/luutru/registry.db && luutru registry check``
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec
import typer

from luutru.commands.registry_affected import affected
from luutru.commands.registry_answers import answering, opened
from luutru.commands.registry_backup import backup, restore
from luutru.commands.registry_cleaning import app as cleaning_app
from luutru.commands.registry_disputes import app as disputes_app
from luutru.commands.registry_duplicates import app as duplicates_app
from luutru.commands.registry_home import app as home_app
from luutru.commands.registry_keys import app as keys_app
from luutru.commands.registry_lapses import app as lapses_app
from luutru.commands.registry_numbers import app as numbers_app
from luutru.commands.registry_person import person
from luutru.commands.registry_premises import app as premises_app
from luutru.commands.registry_relations import app as relations_app
from luutru.commands.registry_residence import app as residence_app
from luutru.commands.registry_retention import app as retention_app
from luutru.commands.registry_scoreboard import scoreboard
from luutru.commands.registry_units import app as units_app

if TYPE_CHECKING:
    from registry.table_files import Form

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Create, upgrade, seed and check the registry.")
app.add_typer(duplicates_app, name="duplicates")
app.add_typer(retention_app, name="retention")
app.command()(backup)
app.command()(restore)
app.command()(affected)
app.add_typer(disputes_app, name="disputes")
app.command()(person)
app.add_typer(residence_app, name="residence")
app.add_typer(relations_app, name="relations")
app.add_typer(numbers_app, name="numbers")
app.add_typer(home_app, name="home")
app.add_typer(keys_app, name="keys")
app.add_typer(premises_app, name="premises")
app.add_typer(lapses_app, name="lapses")
app.add_typer(units_app, name="units")
app.add_typer(cleaning_app, name="cleaning")
app.command("scoreboard")(scoreboard)

RegistryOption = Annotated[
    str,
    typer.Option(
        "--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry: sqlite:////path or postgresql+psycopg://..."
    ),
]
VaultOption = Annotated[
    Path, typer.Option("--vault", envvar="LUUTRU_VAULT", help="Directory with the keys of the registry's sealed fields.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DEFAULT_REGISTRY = "sqlite:///registry.db"
DEFAULT_VAULT = Path("vault")
Progress = Callable[[str, int, int], None]


@app.command()
def create(registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, *, json: JsonOption = False) -> None:
    """Make the tables and the vault's keys; a registry that exists is refused.

    Example: luutru registry create --registry sqlite:////var/lib/luutru/registry.db --vault /etc/luutru/vault
    """
    from registry.database import current_revision, newest_revision, open_engine, upgrade

    with answering(json=json, show=_print) as answer:
        engine = open_engine(registry)
        standing = current_revision(engine)
        engine.dispose()
        if standing is not None:
            answer |= {"ok": False, "revision": standing, "problems": ["registry.exists"]}
            return
        with opened(registry, vault):
            pass  # makes the vault
        upgrade(registry)
        answer |= {"revision": newest_revision()}


@app.command()
def upgrade(registry: RegistryOption = DEFAULT_REGISTRY, *, json: JsonOption = False) -> None:
    """Bring the tables to this version; nothing happens when they are.

    Example: luutru registry upgrade --registry postgresql+psycopg://luutru@db/luutru
    """
    from registry.database import newest_revision
    from registry.database import upgrade as bring_up

    with answering(json=json, show=_print) as answer:
        bring_up(registry)
        answer |= {"revision": newest_revision()}


@app.command()
def seed(
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    *,
    persons: Annotated[int, typer.Option("--persons", min=0, help="An invented city of so many persons instead.")] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another number, another city; the same, the same.")] = 1,
    files: Annotated[
        Path | None, typer.Option("--files", help="Write the city as files into this folder, with its truth.")
    ] = None,
    form: Annotated[str, typer.Option("--form", help="Of the files: parquet, csv or xlsx.")] = "parquet",
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Without --files: where the city's truth goes, as Parquet.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a small invented commune: premises, households, sixty residents; once. Or a city of any size, into the registry or as files.

    Example: luutru registry seed --persons 100000 --seed 7 --files /tmp/city --json
    """
    from luutru.commands.registry_city import City, fill_registry, write_files

    if form not in {"parquet", "csv", "xlsx"}:
        raise typer.BadParameter("parquet, csv or xlsx", param_hint="--form")
    if not persons and (files or truth):
        raise typer.BadParameter("say how many with --persons")
    city = City(persons=persons, seed=seed)
    with answering(json=json, show=_print) as answer, _progress(quiet=json) as progress:
        if not persons:
            counts = _seed_demo(registry, vault, progress)
        elif files is not None:
            counts = write_files(city, files, cast("Form", form), progress)
        else:
            with opened(registry, vault) as known:
                counts = fill_registry(known, city, truth, progress)
        answer |= {"counts": counts, "rejected": []}


def _seed_demo(registry: str, vault: Path, progress: Progress) -> dict[str, int]:
    from luutru.system import system_clock
    from registry.seed import seed_demo

    with opened(registry, vault) as known, known.writing() as connection:
        return seed_demo(connection, vault=known.vault, now=system_clock().now(), progress=progress)


@app.command("import")
def import_(  # noqa: PLR0913 - options of a command line
    files: Annotated[list[Path], typer.Argument(help="CSV, XLSX or Parquet files.", exists=True, dir_okay=False)],
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    *,
    kind: Annotated[str | None, typer.Option("--kind", help="premises, households, residents or old-numbers.")] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="Which column is which field, in TOML.")] = None,
    rejected: Annotated[
        Path | None,
        typer.Option("--rejected", help="Folder for rows set aside; beside the file if not said.", exists=True, file_okay=False),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who imports; kept with the import.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything and keep nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Take over premises, households, residents and old numbers from files; run again after a break it goes on.

    Example: luutru registry import premises.csv households.csv residents.csv --mapping so-ho-khau.toml --json
    """
    from luutru.commands.registry_import import Asked, import_files, lines_of

    def show(answer: dict[str, Any]) -> None:
        _print(answer)
        for line in lines_of(answer):
            typer.echo(f"  {line}")

    asked = Asked(files=files, kind=kind, mapping=mapping, by=by, dry_run=dry_run, rejected=rejected)
    with answering(json=json, show=show) as answer, _progress(quiet=json) as progress, opened(registry, vault) as known:
        answer.update(import_files(known, asked, progress))


@app.command()
def check(registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, *, json: JsonOption = False) -> None:
    """Check that the registry is whole: newest tables, every sealed field opens, every reference leads somewhere.

    Example: luutru registry check --json
    """
    from registry.checking import check_registry

    with answering(json=json, show=_print) as answer, _progress(quiet=json) as progress:
        with opened(registry, vault) as known:
            report = check_registry(known, progress=progress)
        answer |= {"ok": report.ok, **msgspec.to_builtins(report)}


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    tasks: dict[str, TaskID] = {}
    with Bar(console=Console(stderr=True), disable=quiet, transient=True) as bar:

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done)

        yield tell


def _print(answer: dict[str, Any]) -> None:
    from rich.console import Console

    from residence.errors import catalogue, sentence

    console = Console(highlight=False)
    console.print("[green]in order[/]" if answer["ok"] else "[red]not in order[/]", f"({answer['seconds']} s)")
    if answer.get("revision"):
        console.print(f"revision {answer['revision']}")
    for name, count in sorted((answer.get("counts") or {}).items()):
        console.print(f"  {name}: {count}")
    if where := " ".join(each for each in (answer.get("pointer"), answer.get("detail")) if each):
        console.print(f"  {where}", markup=False)
    for each in answer.get("problems") or ():
        known = each.split()[0] in catalogue()
        console.print(f"  [red]{each}[/]", sentence(each.split()[0]).en if known else "", markup=True)
