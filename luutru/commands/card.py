r"""``luutru card``: read the payload of a card's QR, and print specimens to try a camera with.

- ``--jsonl``: one payload per line on stdin, with ``\``, newline and carriage return inside a payload written as ``\\``, ``\n``, ``\r``.
- Without it: one payload, given as an argument or on stdin, printed for people.
- ``test-sheet`` writes a page of specimen cards in true size, to try a camera with; it needs the kiosk's libraries.
"""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from luutru.choices import ChoicesOption, choices_of

if TYPE_CHECKING:
    from residence.credentials.card_qr import CardPolicy
    from residence.credentials.reading import PayloadOutcome

app = typer.Typer(no_args_is_help=True, help="Read the payload of a card's QR code.")

_ESCAPE: Final = re.compile(rb"\\(.?)", re.DOTALL)
_PLAIN: Final = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}


@app.callback()
def card() -> None:
    """Read the payload of a card's QR code. Nothing is stored."""


def unescape(line: bytes) -> bytes | None:
    r"""Undo ``\\``, ``\n`` and ``\r``; None when the line has any other escape."""
    if any(match[1] not in _PLAIN for match in _ESCAPE.finditer(line)):
        return None
    return _ESCAPE.sub(lambda match: _PLAIN[match[1]], line)


def as_object(outcome: PayloadOutcome) -> dict[str, Any]:
    """Return the object of the public contract: ok, kind, card, fields, problems."""
    return {
        "ok": outcome.ok,
        "kind": outcome.kind,
        "card": outcome.card,
        "fields": outcome.fields,
        "problems": outcome.problems,
    }


def answer(line: bytes, *, today: date, policy: CardPolicy) -> tuple[dict[str, Any], bool]:
    """Answer one escaped payload."""
    from residence.credentials.reading import read_payload, refuse_payload

    payload = unescape(line)
    if payload is None:
        outcome = refuse_payload("payload.bad_escape")
    else:
        outcome = read_payload(payload, reader="cli", today=today, policy=policy)
    return as_object(outcome), outcome.ok


@app.command("parse")
def parse(
    text: Annotated[str | None, typer.Argument(help="One payload; read from stdin when left out.")] = None,
    *,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="One payload per line on stdin, one JSON object per line on stdout.")
    ] = False,
    today: Annotated[str | None, typer.Option(help="Judge dates as on this day (YYYY-MM-DD) instead of today.")] = None,
    choices: ChoicesOption = None,
) -> None:
    """Read the text in a card's QR and name every problem.

    Example: luutru card parse '001095000117||Trần Văn An|01021995|Nam|Láng Hạ, Đống Đa, Hà Nội|15082021'
    """
    from luutru.jsonl import answer_lines, day_in_vietnam
    from residence.credentials.reading import read_payload

    day, policy = day_in_vietnam(today), choices_of(choices).card
    if jsonl and text is not None:
        raise typer.BadParameter("give payloads on stdin with --jsonl", param_hint="TEXT")
    if jsonl:
        raise typer.Exit(answer_lines(lambda line: answer(line, today=day, policy=policy)))
    # On a terminal or a pipe the final line end belongs to the shell, not to the code.
    payload = text.encode("utf-8", "surrogateescape") if text is not None else sys.stdin.buffer.read()
    outcome = read_payload(payload, reader="cli", today=day, policy=policy)
    _print(outcome)
    raise typer.Exit(0 if outcome.ok else 1)


@app.command("test-sheet")
def write_test_sheet(
    *, out: Annotated[Path, typer.Option(help="The PDF to write; it holds one A4 page with invented specimens.")]
) -> None:
    """Write a sheet of specimen cards in true size, a ladder of module sizes and a ruler, to print and hold before a camera.

    Example: luutru card test-sheet --out test-sheet.pdf
    """
    from edge_agent.sim.sheet import draw_sheet, sheet_pdf
    from luutru.system import SystemClock
    from residence.errors import Refused

    try:
        out.write_bytes(sheet_pdf(draw_sheet(), made_at=SystemClock().now()))
    except Refused as error:
        typer.echo(f"{error.detail} [{error.code}]", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"cannot write {out}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{out}: print it at 100 %, not fitted to the page; its ruler must measure 100 mm.")


def _print(outcome: PayloadOutcome) -> None:
    """Print one outcome for people: what it is, what it says, what is odd, and what it proves."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    fields = outcome.fields
    table = Table(show_header=False, box=None)
    rows = {
        "Kind": outcome.card or outcome.kind,
        "Personal number": fields.personal_number,
        "Old number": fields.old_number,
        "Full name": fields.full_name,
        "Born": fields.birth and f"{fields.birth.value} (known to the {fields.birth.precision})",
        "Sex": fields.sex,
        "Residence": fields.residence_text,
        "Issued": fields.issued,
        "Further fields": " | ".join(fields.extra) if any(fields.extra) else None,
    }
    for label, value in rows.items():
        if value:
            table.add_row(label, Text(str(value)))
    console.print(table)
    for each in outcome.problems:
        console.print(Text(f"{each.severity}: {each.message.en}\n  {each.message.vi}  [{each.code}]"))
    if outcome.ok:
        console.print("Evidence level 1, card text: it can be copied, so it identifies but proves nothing.")
