"""One line in, one line out: how every ``--jsonl`` command talks to programs.

- Each input line gets exactly one output line, in order, also when it is rubbish or not UTF-8; the answer is written before the next
  line is read, so a program may hold the command open.
- A line ends with LF; a CR before it belongs to the line end. An empty last line is no line.
- Exit status 0 when every answer was fine, 1 when one was not.

Example: ``raise typer.Exit(answer_lines(lambda line: ({"ok": True}, True)))``
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from typing import Any, BinaryIO, TypeVar

import msgspec
import typer

from luutru.system import SystemClock
from residence.clock import VIETNAM
from residence.errors import Problem, problem

# The answer to one line (a mapping or Struct) and whether all was fine.
Answer = tuple[Any, bool]
Shape = TypeVar("Shape")


def answer_lines(answer: Callable[[bytes], Answer], *, source: BinaryIO | None = None, target: BinaryIO | None = None) -> int:
    """Answer every line of ``source`` (stdin) on ``target`` (stdout) and return the exit status."""
    source, target = source or sys.stdin.buffer, target or sys.stdout.buffer
    encoder = msgspec.json.Encoder()
    status = 0
    for line in source:
        reply, fine = answer(line.removesuffix(b"\n").removesuffix(b"\r"))
        status = status if fine else 1
        target.write(encoder.encode(reply) + b"\n")
        target.flush()
    return status


def decode_line(line: bytes, shape: type[Shape]) -> Shape | Problem:
    """Read one JSON line as ``shape``, or return the problem that says why it is none."""
    try:
        return msgspec.json.decode(line, type=shape, strict=True)
    except (ValueError, RecursionError) as error:  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return malformed(error)


def malformed(error: Exception) -> Problem:
    """Return the problem of a line that is not what was asked for, pointing at the field msgspec names (``$.person.sex``)."""
    what, _, path = str(error).partition(" - at `$")
    missing = what.partition("missing required field `")[2].rstrip("`")
    pointer = path.rstrip("`").replace("[", "/").replace("]", "").replace(".", "/") + (f"/{missing}" if missing else "")
    return problem("input.malformed", pointer, detail=what[:200])


def day_in_vietnam(text: str | None) -> date:
    """Return the date of a ``--today`` option, or today's date in Vietnam."""
    if text is None:
        return SystemClock().now().astimezone(VIETNAM).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not YYYY-MM-DD", param_hint="--today") from error
