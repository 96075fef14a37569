"""``luutru desk``: what a front desk does in its pages, for whoever has a list and a shell.

- ``import`` goes the way of ``/desk/import``: read, counted twice, checked, and declared by the same steps as an account of the premises.
- With ``--dry-run`` nothing is declared. Without it a list is declared piece by piece; broken off, the same command goes on: lines that are in
  are recognised.
- Lines to correct go to ``<file>.rejected.<ending>``, readable by their owner only. Exit status 1 when a line was refused or nobody was declared.

Example: ``luutru desk import khach.xlsx --account letan --dry-run``
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.commands.account import DEFAULT_REGISTRY, JsonOption, RegistryOption, VaultOption

if TYPE_CHECKING:
    from registry.guest_lists import GuestList, Phase
    from server.policy import Account
    from server.wiring import Server

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Declare a house's guests from a list.")


@app.callback()
def desk() -> None:
    """Declare a house's guests from a list."""


@app.command("import")
def import_list(  # noqa: PLR0913 - the options of one command
    file: Annotated[Path, typer.Argument(help="The list: the ministry's XLSX or XML, or any XLSX or CSV with headings.")],
    *,
    account: Annotated[str, typer.Option(help="Sign-in name of a clerk of the premises: who declares.")],
    premises: Annotated[str, typer.Option(help="The premises; the account's first when left out.")] = "",
    mapping: Annotated[Path | None, typer.Option(help="A mapping (docs/desk.md); else what the house said before.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line and declare nobody.")] = False,
    result: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for the lines to correct; else beside the list.")
    ] = None,
    keys: Annotated[Path, typer.Option(envvar="LUUTRU_KEYS", help="Folder of the server's keys.")] = Path("keys"),
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """Check a list of guests, or check and declare it.

    Example: luutru desk import khach.xlsx --account letan --dry-run
    """
    from luutru.logs import configure_logs
    from luutru.processes.server import ServerProcess, build
    from residence.errors import LuutruError, plain_sentence

    folder = result or file.parent
    configure_logs(level=logging.WARNING)  # to stderr; stdout is the answer
    process = ServerProcess(registry=registry, vault=vault, keys=keys)
    try:
        _make(folder)
        server: Server = build(process).state.server
        answer = _declare(server, file, sign_in_name=account, premises=premises, mapping=mapping, dry_run=dry_run)
        told = _told(server, *answer, dry_run=dry_run, folder=folder)
    except (LuutruError, OSError) as error:
        code = error.code if isinstance(error, LuutruError) else "guest-import.no_file"
        typer.echo(f"{code}: {plain_sentence(code).en}", err=True)
        raise typer.Exit(1) from None
    server.registry.close()
    typer.echo(msgspec.json.encode(told).decode() if json else _for_people(told))
    raise typer.Exit(0 if told["ok"] else 1)


def _make(folder: Path) -> None:
    """Make the folder of the lines to correct before anybody is declared, or say that it cannot be."""
    from residence.errors import Refused

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused("guest-import.result_unwritten") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Refused("guest-import.result_unwritten")


def _write(place: Path, data: bytes) -> None:
    from residence.errors import Refused

    try:
        place.touch(mode=0o600)
        place.write_bytes(data)
    except OSError as error:
        raise Refused("guest-import.result_unwritten") from error


def _declare(
    server: Server, file: Path, *, sign_in_name: str, premises: str, mapping: Path | None, dry_run: bool
) -> tuple[Account, GuestList, Phase]:
    from registry.accounts import find_account
    from registry.importing.mapping import load_mapping
    from residence.errors import Malformed, Refused
    from server.desk.list_giving import Given, give
    from server.desk.list_steps import step
    from server.desk.own_premises import workplace
    from server.visitor import account_of

    given = Given(name=file.name, data=file.read_bytes(), mapping=load_mapping(mapping) if mapping else None)
    with server.registry.writing() as connection:
        known = find_account(connection, sign_in_name)
        if known is None:
            raise Refused("account.unknown")
        who = account_of(known)
        place = workplace(server, connection, who, action="declare", premises_id=premises)
        kept = give(server, connection, who, premises=place.here, file=given)
    if kept.state == "given":
        raise Malformed("guest-import.columns")
    phases: tuple[Phase, ...] = ("check",) if dry_run else ("check", "declare")
    for phase in phases:
        while not step(server, who, list_id=kept.list_id, phase=phase):
            pass
    return who, kept, phases[-1]


def _told(server: Server, who: Account, kept: GuestList, phase: Phase, *, dry_run: bool, folder: Path) -> dict[str, Any]:
    from registry.guest_lists import lines_of, outcomes_of, remember
    from server.desk.list_files import result_file
    from server.desk.list_view import list_view

    with server.registry.writing() as connection:
        view = list_view(server, connection, kept, phase=phase)
        outcomes = outcomes_of(connection, kept, phase)
        pieces = lines_of(connection, kept, range(kept.pieces), vault=server.registry.vault)
        if not dry_run:
            remember(connection, kept, kept.mapping, account_id=who.account_id, now=server.clock.now())
    lines = [line for number in sorted(pieces) for line in pieces[number]]
    rejected = result_file(kept, lines, outcomes, phase=phase, everything=False)
    place = folder / rejected.name
    if rejected.rows:
        _write(place, rejected.data)
    return {
        "ok": view.declared > 0 and not view.counts["refused"] and not view.counts["conflicting"],
        "list_id": kept.list_id,
        "dry_run": dry_run,
        "rows": kept.rows,
        "counts": view.counts,
        "warnings": view.warnings,
        "refused": dict(view.by_code),
        "unused": view.unused,
        "rejected": str(place) if rejected.rows else None,
        "code": None if view.declared else "guest-import.nobody_declared",
    }


def _for_people(told: dict[str, Any]) -> str:
    from residence.errors import plain_sentence

    counts = told["counts"]
    kinds = " + ".join(f"{count} {state}" for state, count in counts.items())
    lines = [f"{'would be: ' if told['dry_run'] else ''}{told['rows']} lines = {kinds}"]
    lines += [f"  {times} x {code}: {plain_sentence(code).en}" for code, times in told["refused"].items()]
    lines += [f"  to correct: {told['rejected']}"] if told["rejected"] else []
    lines += [f"{told['code']}: {plain_sentence(told['code']).en}"] if told["code"] else []
    return "\n".join(lines)
