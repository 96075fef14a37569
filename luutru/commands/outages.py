"""``luutru outages``: the times in which nothing came through, as the authority signed them, and a check of one, offline.

- ``list`` reads a registry; with ``--to`` each outage is also written as a file, to be given to whoever was late because of it.
- ``verify`` needs no registry: the file, and a keyring you chose to trust (``--keyring`` or ``LUUTRU_KEYRING``).

Example: ``luutru outages list --since 2026-07-01T00:00:00+07:00 --to proofs``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from luutru.commands.registry import DEFAULT_REGISTRY, RegistryOption

app = typer.Typer(no_args_is_help=True, help="Outages of kiosks and gateways, with proof.")
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def outages() -> None:
    """List outages, or verify the proof of one."""


@app.command("list")
def list_outages(
    *,
    since: Annotated[str, typer.Option(help="Ended after this instant, RFC 3339.")] = "2026-01-01T00:00:00+07:00",
    to: Annotated[Path | None, typer.Option(file_okay=False, help="Write each signed outage into this folder.")] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    json: JsonOption = False,
) -> None:
    """List when nothing came through, for whom, and why.

    Example: luutru outages list --json
    """
    from registry.database import open_engine
    from registry.outage_windows import signed_since
    from residence.clock import parse_instant
    from residence.errors import Malformed
    from residence.wire.outages import read_outage
    from residence.wire.signing import read_sign1

    try:
        begin = parse_instant(since)
    except Malformed as error:
        raise typer.BadParameter(error.detail, param_hint="--since") from None
    engine = open_engine(registry)
    with engine.connect() as connection:
        signed = signed_since(connection, begin)
    engine.dispose()
    windows = [(read_outage(read_sign1(each).payload), each) for each in signed]
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        for window, data in windows:
            (to / f"{window.outage_id}.outage").write_bytes(data)
    if json:
        _print_json({"ok": True, "outages": [window for window, _ in windows]})
        return
    for window, _ in windows:
        whom = window.premises_id or f"{len(window.shards)} topic shards"
        typer.echo(f"{window.began_at}  {window.ended_at}  {window.cause:14} {whom}  {window.outage_id}")
    if not windows:
        typer.echo("none")


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A signed outage.")],
    *,
    keyring: Annotated[Path | None, typer.Option(help="The keyring to trust; LUUTRU_KEYRING when left out.")] = None,
    json: JsonOption = False,
) -> None:
    """Say whether the authority signed this outage, and what it says.

    Example: luutru outages verify 0197f000-0000-7000-8000-000000000001.outage --keyring keyring.json
    """
    from luutru.system import setting
    from residence.errors import LuutruError, problem
    from residence.wire.keyring import load_keyring
    from residence.wire.outages import verify_outage

    chosen = keyring or (Path(named) if (named := setting("LUUTRU_KEYRING")) else None)
    window, problems = None, []
    try:
        if chosen is None or not chosen.exists():
            problems.append(problem("keyring.missing"))
        else:
            window = verify_outage(file.read_bytes(), keyring=load_keyring(chosen.read_bytes()))
    except LuutruError as error:
        problems.append(problem(error.code, error.pointer))
    if json:
        _print_json({"ok": not problems, "outage": window, "problems": problems})
    else:
        typer.echo("The authority signed this." if window else "The authority did NOT sign this, as far as can be told.")
        if window:
            typer.echo(f"  {window.cause}: {window.began_at} to {window.ended_at}, {window.premises_id or 'topic shards'}")
        for each in problems:
            typer.echo(f"  {each.code}: {each.message.en} / {each.message.vi}")
    raise typer.Exit(1 if problems else 0)


def _print_json(answer: dict[str, Any]) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(answer).decode())
