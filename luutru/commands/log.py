"""``luutru log``: publish the logs of looks and of statements, and check one, watch it, witness it from anywhere.

- ``new`` and ``publish`` are the authority's; ``verify``, ``monitor``, ``witness`` and ``look`` need no account and no registry, only an
  address (or a copy of the folder) and a key that came another way.
- ``--json`` prints ``{"ok", "size", "root", "problems"}``, the root in base64 as in the checkpoint. Status 1 when not ``ok``.
- Without ``--key`` the key beside the checkpoint is taken, and a warning says what that is worth.

Example: ``luutru log verify https://luutru.example/log --key luutru.example/log+1a2b3c4d+AQ...``
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luutru.commands.log_writing import new, publish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from luutru.transparency.checking import Trust
    from residence.errors import Problem
    from residence.transparency.checkpoints import Checkpoint
    from residence.transparency.tiles import Fetch

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The logs of looks and of statements.")
app.command()(new)
app.command()(publish)
LogArgument = Annotated[str, typer.Argument(help="Address or folder of a log.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
KeyOption = Annotated[str, typer.Option("--key", help="Public key of the log, or a file that holds it.")]
WitnessOption = Annotated[list[str], typer.Option("--witness", help="Public key of a witness, or its file; may be repeated.")]
LeastOption = Annotated[int, typer.Option("--least", min=0, help="How many of the witnesses must have cosigned.")]


@app.callback()
def log() -> None:
    """Publish and check the log of looks."""


@app.command()
def verify(
    source: LogArgument,
    *,
    key: KeyOption = "",
    witness: WitnessOption = [],  # noqa: B006 - Typer's way
    least: LeastOption = 0,
    registry: Annotated[str, typer.Option(envvar="LUUTRU_LOG_CHECK_REGISTRY", help="Compare this registry's looks, too.")] = "",
    json: JsonOption = False,
) -> None:
    """Recompute a whole log from its entries and tiles, and compare it with its signed root.

    Example: luutru log verify log --key keys/log.pub --json
    """
    from luutru.transparency.checking import verify_log
    from luutru.transparency.fetching import fetch_from

    fetch = fetch_from(source)
    trust, problems = _trusted(fetch, key, witness, least)
    head = None
    if trust is not None:
        checked = verify_log(fetch, trust)
        problems += checked.problems
        head = checked.opened.checkpoint if checked.opened else None
    if head is not None and registry:
        problems += _against_registry(registry, fetch, head.size, log_id=trust.log.key_id.hex() if trust else "")
    _answer(head, problems, json=json)


@app.command()
def monitor(
    source: LogArgument,
    *,
    state: Annotated[Path, typer.Option(file_okay=False, help="Where what was seen is kept.")] = Path("log-seen"),
    beside: Annotated[
        list[str], typer.Option(help="Address or file of a checkpoint as somebody else sees it; may be repeated.")
    ] = [],  # noqa: B006
    key: KeyOption = "",
    witness: WitnessOption = [],  # noqa: B006 - Typer's way
    least: LeastOption = 0,
    json: JsonOption = False,
) -> None:
    """Say whether a log continues what was seen of it last time, and what others see of it now.

    Example: luutru log monitor https://luutru.example/log --key log.pub --state seen --json
    """
    from luutru.transparency.checking import watch_log
    from luutru.transparency.fetching import fetch_from, note_from

    fetch = fetch_from(source)
    trust, problems = _trusted(fetch, key, witness, least)
    head = None
    if trust is not None:
        others = [note_from(fetch_from(each.rpartition("/")[0] or "."), each.rpartition("/")[2]) for each in beside]
        checked = watch_log(fetch, trust, state=state, beside=others)
        problems += checked.problems
        head = checked.opened.checkpoint if checked.opened else None
    _answer(head, problems, json=json)


@app.command()
def witness(
    source: Annotated[str, typer.Argument(help="Address or folder of a log to cosign now; leave out to only listen.")] = "",
    *,
    state: Annotated[Path, typer.Option(file_okay=False, help="Key and memory of this witness.")] = Path("log-witness"),
    name: Annotated[str, typer.Option(help="Name of this witness, used when its key is made.")] = "witness.invalid/luutru",
    key: Annotated[list[str], typer.Option("--key", help="Public key of a log, or its file; may be repeated.")] = [],  # noqa: B006
    listen: Annotated[str, typer.Option(help="HOST:PORT to answer add-checkpoint at, until asked to stop.")] = "",
    json: JsonOption = False,
) -> None:
    """Cosign a log that continues what this witness has seen of it; remember it.

    Example: luutru log witness --listen 127.0.0.1:8311 --key log.pub --state witness
    """
    from luutru.transparency.witnessing import listen_until_stopped, witness_once

    if bool(source) == bool(listen):
        raise typer.BadParameter("give a log, or --listen, and not both")
    if listen:
        listen_until_stopped(listen, state=state, name=name, keys=key)
        return
    head, problems, line = witness_once(source, state=state, name=name, key=key[0] if key else "")
    _answer(head, problems, json=json, more={"cosignature": line})


@app.command()
def look(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .tlog-proof from one's own page.")],
    *,
    key: KeyOption,
    witness: WitnessOption = [],  # noqa: B006 - Typer's way
    least: LeastOption = 0,
    json: JsonOption = False,
) -> None:
    """Check, offline, that one look at oneself stands in the log, and say what it says.

    Example: luutru log look look.tlog-proof --key log.pub --witness witness.pub --least 1
    """
    from luutru.transparency.key_files import key_of
    from residence.errors import LuutruError, problem
    from residence.transparency.proofs import verify_proof

    try:
        keys = [key_of(each) for each in witness]
        proven = verify_proof(file.read_text("utf-8"), log=key_of(key), witnesses=keys, least=least)
    except (LuutruError, UnicodeDecodeError) as error:
        code = error.code if isinstance(error, LuutruError) else "log.proof_malformed"
        _answer(None, [problem(code)], json=json)
        return
    seen = sorted(each.key.name for each in proven.opened.witnesses)
    _answer(proven.opened.checkpoint, [], json=json, more={"row": proven.row, "index": proven.index, "witnesses": seen})


def _trusted(fetch: Fetch, key: str, witnesses: Sequence[str], least: int) -> tuple[Trust | None, list[Problem]]:
    from luutru.transparency.checking import Trust
    from luutru.transparency.key_files import key_of
    from residence.errors import LuutruError, problem
    from residence.transparency.notes import read_vkey

    try:
        chosen = key_of(key) if key else read_vkey(fetch("key").decode("utf-8", "replace"))
        trust = Trust(log=chosen, witnesses=tuple(key_of(each) for each in witnesses), least=least)
    except LuutruError as error:
        return None, [problem(error.code)]
    return trust, [] if key else [problem("log.key_from_log")]


def _against_registry(registry: str, fetch: Fetch, size: int, *, log_id: str) -> list[Problem]:
    from registry.checking_looks import looks_problems
    from registry.checking_statements import statements_problems
    from registry.database import open_engine
    from residence.transparency.statements import is_statement
    from residence.transparency.tiles import Tiles

    engine = open_engine(registry)
    try:
        with engine.connect() as connection:
            tiles = Tiles(size, fetch)
            if any(is_statement(each) for each in tiles.entries(0, min(size, 1))):
                return statements_problems(connection, tiles, log_id=log_id)
            return looks_problems(connection, Tiles(size, fetch), since=None)
    finally:
        engine.dispose()


def _answer(head: Checkpoint | None, problems: Sequence[Problem], *, json: bool, more: dict[str, Any] | None = None) -> None:
    import base64

    import msgspec

    from residence.errors import has_errors

    ok = not has_errors(list(problems))
    root = base64.b64encode(head.root).decode() if head else None
    answer = {"ok": ok, "size": head.size if head else None, "root": root, **(more or {}), "problems": problems}
    if json:
        typer.echo(msgspec.json.encode(answer).decode())
    else:
        typer.echo("The log holds." if ok else "The log does NOT hold.")
        for name, value in answer.items():
            if name not in {"ok", "problems"} and value is not None:
                typer.echo(f"  {name}: {value}")
        for each in problems:
            typer.echo(f"  {each.code} {each.pointer}: {each.message.en} / {each.message.vi}")
    raise typer.Exit(0 if ok else 1)
