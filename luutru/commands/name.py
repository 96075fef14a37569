"""``luutru name``: compare two writings of a name.

- ``--jsonl``: ``{"a": "...", "b": "..."}`` per line on stdin, ``{"result", "why"}`` per line on stdout.
- ``why`` is a stable code; its sentences are in the table of codes.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

app = typer.Typer(no_args_is_help=True, help="Compare two names.")


class NamePair(msgspec.Struct):
    """One input line: two writings of a name."""

    a: str
    b: str


@app.callback()
def name() -> None:
    """Compare two names. A person decides on "likely"."""


def answer(line: bytes) -> tuple[Any, bool]:
    """Answer one JSON line; rubbish has no result and says why."""
    from luutru.jsonl import decode_line
    from residence.errors import Problem
    from residence.people.names import compare_names

    asked = decode_line(line, NamePair)
    if isinstance(asked, Problem):
        return {"result": None, "why": asked.code, "problems": [asked]}, False
    return compare_names(asked.a, asked.b), True


@app.command("compare")
def compare(
    one: Annotated[str | None, typer.Argument(help="One writing of the name.")] = None,
    other: Annotated[str | None, typer.Argument(help="The other.")] = None,
    *,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='{"a", "b"} per line on stdin, {"result", "why"} per line on stdout.')
    ] = False,
) -> None:
    """Say whether two writings may be the same person's name.

    Example: luutru name compare 'Nguyễn Văn An' 'NGUYEN VAN AN'
    """
    from luutru.jsonl import answer_lines
    from residence.errors import sentence
    from residence.people.names import compare_names

    if jsonl and one is None:
        raise typer.Exit(answer_lines(answer))
    if jsonl or one is None or other is None:
        raise typer.BadParameter("give two names, or --jsonl with pairs on stdin")
    found = compare_names(one, other)
    told = sentence(found.why)
    typer.echo(f"{found.result}: {told.en}\n  {told.vi}")
