"""``luutru mrz``: read a machine-readable zone.

- ``--jsonl``: ``{"lines": ["...", "..."]}`` per line on stdin.
- Without it: the lines themselves, as arguments or on stdin, printed for people.
"""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.choices import ChoicesOption, choices_of

if TYPE_CHECKING:
    from residence.credentials.reading import MrzOutcome

app = typer.Typer(no_args_is_help=True, help="Read a machine-readable zone.")


class MrzLines(msgspec.Struct):
    """One input line: the rows of a zone, top first."""

    lines: list[str]


@app.callback()
def mrz() -> None:
    """Read a machine-readable zone. Nothing is stored."""


def as_object(outcome: MrzOutcome) -> dict[str, Any]:
    """Return the object of the public contract; dates are plain text, a partial birth date is shorter."""
    from residence.credentials.mrz import MrzFields

    fields: dict[str, Any] = dict.fromkeys(MrzFields.__struct_fields__)
    if outcome.fields is not None:
        fields = msgspec.structs.asdict(outcome.fields)
        fields["birth"] = outcome.fields.birth and outcome.fields.birth.value
    return {"ok": outcome.ok, "format": outcome.format, "fields": fields, "problems": outcome.problems}


def answer(line: bytes, *, today: date, no_expiry: tuple[str, ...]) -> tuple[dict[str, Any], bool]:
    """Answer one JSON line."""
    from luutru.jsonl import decode_line
    from residence.credentials.reading import read_mrz
    from residence.errors import Problem

    asked = decode_line(line, MrzLines)
    if isinstance(asked, Problem):
        return as_object(read_mrz([], reader="cli", today=today)) | {"problems": [asked]}, False
    outcome = read_mrz(asked.lines, reader="cli", today=today, no_expiry=no_expiry)
    return as_object(outcome), outcome.ok


@app.command("parse")
def parse(
    lines: Annotated[list[str] | None, typer.Argument(help="The lines of one zone; read from stdin when left out.")] = None,
    *,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='{"lines": [...]} per line on stdin, one JSON object per line on stdout.')
    ] = False,
    today: Annotated[str | None, typer.Option(help="Judge dates as on this day (YYYY-MM-DD) instead of today.")] = None,
    choices: ChoicesOption = None,
) -> None:
    """Read the two or three lines of a passport's or card's machine-readable zone and verify every check digit.

    Example: luutru mrz parse 'IDVNM0951234567079095123456<<7' '9512254M3512252VNM<<<<<<<<<<<2' 'NGUYEN<<HOANG<MINH<KHOI<<<<<<<'
    """
    from luutru.jsonl import answer_lines, day_in_vietnam
    from residence.credentials.reading import read_mrz

    day, no_expiry = day_in_vietnam(today), choices_of(choices).no_expiry
    if jsonl and lines:
        raise typer.BadParameter("give zones on stdin with --jsonl", param_hint="LINES")
    if jsonl:
        raise typer.Exit(answer_lines(lambda line: answer(line, today=day, no_expiry=no_expiry)))
    rows = lines or sys.stdin.buffer.read().decode("utf-8", "replace").split()
    outcome = read_mrz(rows, reader="cli", today=day, no_expiry=no_expiry)
    _print(outcome)
    raise typer.Exit(0 if outcome.ok else 1)


def _print(outcome: MrzOutcome) -> None:
    """Print one outcome for people."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    table = Table(show_header=False, box=None)
    table.add_row("Format", outcome.format or "none")
    for label, value in as_object(outcome)["fields"].items():
        if value:
            table.add_row(label.replace("_", " ").capitalize(), Text(value))
    console.print(table)
    for each in outcome.problems:
        console.print(Text(f"{each.severity}: {each.message.en}\n  {each.message.vi}  [{each.code}]"))
    if outcome.ok:
        console.print("Evidence level 1: read without error, which does not show that the document is genuine.")
