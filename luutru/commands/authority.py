"""``luutru authority``: tell other authorities of stays, look at what was told, and settle what only a person can.

- Nothing is told without a file of authorities (``--settings``, docs/authorities.md) and a premises bound to one (``bind``).
- Lists name premises, states and codes, and no guest.

Example: ``luutru authority run --settings /etc/luutru/authorities.toml``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.commands.authority_export import export_files
from luutru.commands.registry import DEFAULT_REGISTRY, RegistryOption, VaultOption

if TYPE_CHECKING:
    from luutru.processes.authority import AuthorityProcess
    from registry.authority_lists import Record
    from registry.database import Registry

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Tell other authorities of stays.")
SettingsOption = Annotated[
    Path, typer.Option("--settings", envvar="LUUTRU_AUTHORITIES", help="File of authorities (docs/authorities.md).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
AuthorityOption = Annotated[str, typer.Option("--authority", help="Which authority.")]
DEFAULT_SETTINGS = Path("authorities.toml")
DEFAULT_VAULT = Path("vault")


@app.callback()
def root() -> None:
    """Tell other authorities of stays, and settle what only a person can."""


@app.command("run")
def run_sender(
    *,
    settings: SettingsOption = DEFAULT_SETTINGS,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
) -> None:
    """Tell what is due, again and again, until asked to stop (SIGTERM or Ctrl-C).

    Example: luutru authority run --settings /etc/luutru/authorities.toml
    """
    from luutru.logs import configure_logs
    from luutru.processes.authority import run
    from residence.errors import LuutruError

    configure_logs()
    try:
        run(_process(registry, vault, settings))
    except (LuutruError, OSError) as error:
        typer.echo(f"authority: {error}", err=True)
        raise typer.Exit(1) from None


@app.command("send")
def send_once(
    *,
    most: Annotated[int, typer.Option(min=1, help="How many steps at most.")] = 10_000,
    settings: SettingsOption = DEFAULT_SETTINGS,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Tell what is due now, and end.

    Example: luutru authority send --json
    """
    from luutru.logs import configure_logs
    from luutru.processes.authority import send_due, stop_on_signals
    from residence.errors import LuutruError

    configure_logs()
    try:
        steps = send_due(_process(registry, vault, settings), most=most, stopping=stop_on_signals())
    except (LuutruError, OSError) as error:
        typer.echo(f"authority: {error}", err=True)
        raise typer.Exit(1) from None
    _print({"steps": steps}) if json else typer.echo(f"{steps} steps.")


@app.command("status")
def show_status(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that are settled, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many records at most.")] = 100,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Say how many records are in which state, how connections and code lists fare, and list what waits. Exit status 1: somebody has to act.

    Example: luutru authority status
    """
    from luutru.commands.authority_catalogues import catalogue_reports, in_words
    from registry import authority_lines, authority_lists
    from residence.errors import sentence

    states = (*authority_lists.WAITING_FOR_SOMEBODY, *authority_lists.UNDER_WAY)
    if everything:
        states = (*states, "accepted", "confirmed", "nothing")
    opened = _open(registry, vault)
    with opened.reading() as connection:
        counted = authority_lists.counts(connection)
        lines = list(authority_lines.lines(connection).values())
        rows = authority_lists.records(connection, states=states, limit=limit)
        catalogues = catalogue_reports(connection, "kbtt")
    opened.close()
    waiting = sum(count for (_, state), count in counted.items() if state in authority_lists.WAITING_FOR_SOMEBODY)
    waiting += sum(each.alarms for each in catalogues)
    if json:
        totals = [{"authority": name, "state": state, "count": count} for (name, state), count in sorted(counted.items())]
        _print({"ok": not waiting, "counts": totals, "lines": lines, "catalogues": catalogues, "records": rows})
        raise typer.Exit(1 if waiting else 0)
    for (name, state), count in sorted(counted.items()):
        typer.echo(f"{name}  {state:<14} {count}")
    for line in lines:
        until = f" until {line.shut_until:%Y-%m-%d %H:%M:%SZ}" if line.state == "shut" and line.shut_until else ""
        typer.echo(f"{line.authority}  line {line.facility}: {line.state}{until} {line.code or ''}")
    for text in (*map(in_words, catalogues), *(_in_words(each, sentence(each.code).en if each.code else "") for each in rows)):
        typer.echo(text)
    raise typer.Exit(1 if waiting else 0)


@app.command("retry")
def retry_records(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of records; all that are not told with --all.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every record that is not told.")] = False,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Let records be tried again now, after what was wrong is mended. What is probably there is not sent again by this: count back.

    Example: luutru authority retry --all
    """
    from luutru.system import system_clock
    from registry.authority_lists import retry

    if bool(ids) == everything:
        raise typer.BadParameter("name records, or give --all")
    opened = _open(registry, vault)
    with opened.writing() as connection:
        marked = retry(connection, None if everything else list(ids or ()), now=system_clock().now())
    opened.close()
    _print({"marked": marked}) if json else typer.echo(f"{marked} marked; they are tried next.")
    raise typer.Exit(0 if everything or marked == len(ids or []) else 1)


@app.command("bind")
def bind_premises(
    premises: Annotated[str, typer.Argument(help="Id of the premises.")],
    *,
    facility: Annotated[str, typer.Option(help="Name of its account at the authority: the name of its file of secrets.")],
    unit: Annotated[
        list[str] | None, typer.Option(help="A room of this establishment; may be given again. None: all rooms no other has.")
    ] = None,
    authority: AuthorityOption = "kbtt",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
) -> None:
    """From now on tell an authority of the stays at a premises, those of today and yesterday included.

    Example: luutru authority bind htl-sao-mai --facility sao-mai
    """
    from luutru.system import random_bytes, system_clock
    from registry.authority_links import Binding, bind
    from residence.errors import Refused

    opened = _open(registry, vault)
    binding = Binding(premises_id=premises, authority=authority, facility=facility, units=tuple(unit or ()))
    try:
        with opened.writing() as connection:
            noted = bind(connection, binding, now=system_clock().now(), random_bytes=random_bytes)
    except Refused as error:
        typer.echo(f"authority: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        opened.close()
    typer.echo(f"{authority} is told of {premises} as {facility}; {noted} stays of today and yesterday are due.")


@app.command("unbind")
def unbind_premises(
    premises: Annotated[str, typer.Argument(help="Id of the premises.")],
    *,
    authority: AuthorityOption = "kbtt",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
) -> None:
    """Tell an authority of no new stay at a premises; what is under way is finished.

    Example: luutru authority unbind htl-sao-mai
    """
    from luutru.system import system_clock
    from registry.authority_links import unbind

    opened = _open(registry, vault)
    with opened.writing() as connection:
        done = unbind(connection, premises, authority, now=system_clock().now())
    opened.close()
    typer.echo("Done." if done else "It was not bound.")
    raise typer.Exit(0 if done else 1)


@app.command("answer")
def answer_record(
    record: Annotated[str, typer.Argument(help="Id of the record.")],
    *,
    there: Annotated[bool, typer.Option("--there/--missing", help="Whether the authority's own list has it.")],
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
) -> None:
    """Say of one record what you found in the authority's own list. A missing one is told again.

    Example: luutru authority answer 01980000-0000-7000-8000-000000000001 --missing
    """
    from luutru.system import system_clock
    from registry.authority_lists import answer
    from residence.errors import Refused

    opened = _open(registry, vault)
    try:
        with opened.writing() as connection:
            answer(connection, record, is_there=there, now=system_clock().now())
    except Refused as error:
        typer.echo(f"authority: {error}", err=True)
        raise typer.Exit(1) from None
    finally:
        opened.close()
    typer.echo("Confirmed." if there else "It is told again.")


@app.command("count-back")
def count_back_day(
    facility: Annotated[str, typer.Argument(help="The facility.")],
    day: Annotated[str, typer.Argument(help="Day of arrival, YYYY-MM-DD.")],
    theirs: Annotated[int, typer.Argument(min=0, help="How many arrivals of that day the authority's own list shows.")],
    *,
    authority: AuthorityOption = "kbtt",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Compare a day's count with ours: the same confirms them all, another lists what to compare one by one. Exit status 1 when they differ.

    Example: luutru authority count-back sao-mai 2026-07-10 12
    """
    from luutru.system import random_bytes, system_clock
    from registry.authority_lists import Count, count_back
    from residence.errors import sentence

    opened = _open(registry, vault)
    count = Count(authority=authority, facility=facility, day=day, theirs=theirs)
    with opened.writing() as connection:
        result = count_back(connection, count, now=system_clock().now(), random_bytes=random_bytes)
    opened.close()
    if json:
        _print(result)
    elif result.ok:
        typer.echo(f"The same: {result.ours}. {result.confirmed} newly confirmed.")
    else:
        typer.echo(f"{sentence('authority.count_differs').en} Ours {result.ours}, theirs {result.theirs}.")
        for each in result.rows:
            typer.echo(_in_words(each, ""))
    raise typer.Exit(0 if result.ok else 1)


app.command("export")(export_files)


def _in_words(record: Record, words: str) -> str:
    codes = ", ".join(f"{each['code']} {each['pointer']}" for each in record.problems)
    return f"{record.record_id}  {record.premises_id}  {record.day or '-':<10} {record.state:<14} {words} {codes}".rstrip()


def _process(registry: str, vault: Path, settings: Path) -> AuthorityProcess:
    from luutru.processes.authority import AuthorityProcess

    return AuthorityProcess(registry=registry, vault=vault, settings=settings)


def _open(url: str, vault: Path) -> Registry:
    from luutru.opening import open_registry

    return open_registry(url, vault)


def _print(value: Any) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
