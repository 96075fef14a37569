"""``luutru declaration``: check a stay declaration and name every problem, as a kiosk, a desk and the registry do.

- ``--jsonl``: a stay declaration per line on stdin, ``{"ok", "problems", "due", "rule_set"}`` per line on stdout.
- What a declaration does not carry can stand beside it: ``premises_kind``, ``remote_area`` and ``units`` of its premises. Without the kind the
  unit cannot be judged, and a warning says so.
- ``--at`` sets the present instant, so that results can be repeated.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.choices import ChoicesOption, choices_of
from residence.places.premises import PremisesKind

if TYPE_CHECKING:
    from residence.places.premises import Premises
    from residence.stays.check import CheckResult
    from residence.stays.rules import RuleBook

app = typer.Typer(no_args_is_help=True, help="Check a stay declaration.")


@app.callback()
def declaration() -> None:
    """Check a stay declaration. Warnings never stop it."""


class Beside(msgspec.Struct):
    """What may stand beside a declaration about its premises."""

    premises_kind: PremisesKind | None = None
    remote_area: bool = False
    units: tuple[str, ...] = ()


def _premises(line: bytes, premises_id: str) -> Premises | None:
    """Return the premises described beside a declaration, or None."""
    from residence.places.premises import Premises

    beside = msgspec.json.decode(line, type=Beside)
    if beside.premises_kind is None:
        return None
    return Premises(
        premises_id=premises_id,
        kind=beside.premises_kind,
        commune_code="",
        name="",
        remote_area=beside.remote_area,
        units=beside.units,
    )


def _shape(result: CheckResult) -> dict[str, Any]:
    from residence.clock import rfc3339

    return {
        "ok": result.ok,
        "problems": list(result.problems),
        "due": rfc3339(result.due) if result.due else None,
        "rule_set": result.rule_set,
    }


def _answer(line: bytes, now: datetime, rules: RuleBook) -> tuple[Any, bool]:
    from luutru.jsonl import decode_line, malformed
    from residence.errors import Problem
    from residence.stays.check import check_declaration
    from residence.stays.declaration import StayDeclaration

    stated = decode_line(line, StayDeclaration)
    try:
        premises = None if isinstance(stated, Problem) else _premises(line, stated.premises_id)
    except msgspec.ValidationError as error:
        stated, premises = malformed(error), None
    if isinstance(stated, Problem):
        return {"ok": False, "problems": [stated], "due": None, "rule_set": None}, False
    result = check_declaration(stated, premises=premises, rules=rules, now=now)
    return _shape(result), result.ok


@app.command("check")
def check(
    file: Annotated[Path | None, typer.Argument(help="A file with one declaration as JSON.", exists=True, dir_okay=False)] = None,
    *,
    at: Annotated[str | None, typer.Option(help="The present instant, RFC 3339; without it the machine's clock.")] = None,
    choices: ChoicesOption = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One declaration per line on stdin, one answer per line on stdout.")
    ] = False,
) -> None:
    """Name every problem of a declaration at once, and the deadline it is judged by.

    Example: luutru declaration check --at 2026-07-10T20:00:00+07:00 declaration.json
    """
    from luutru.jsonl import answer_lines
    from luutru.system import SystemClock
    from residence.clock import parse_instant
    from residence.errors import Malformed

    try:
        now = parse_instant(at) if at else SystemClock().now()
    except Malformed as error:
        raise typer.BadParameter("not RFC 3339 with an offset", param_hint="--at") from error
    rules = choices_of(choices).rules
    if jsonl and file is None:
        raise typer.Exit(answer_lines(lambda line: _answer(line, now, rules)))
    if jsonl or file is None:
        raise typer.BadParameter("give one file, or --jsonl and declarations on stdin")
    reply, fine = _answer(file.read_bytes(), now, rules)
    for each in reply["problems"]:
        typer.echo(f"{each.severity}  {each.pointer or '/'}  {each.message.en}")
    typer.echo(f"{'ok' if fine else 'not ok'}, due before {reply['due']} by {reply['rule_set']}")
    raise typer.Exit(0 if fine else 1)
