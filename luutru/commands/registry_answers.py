"""How commands about a registry open it and answer: one object with ``--json``, else a few readable lines; status 1 when not ``ok``.

- An error of ours is an answer: its code under ``problems``, which may also hold whole problems with pointers.
- Nothing personal is printed: whoever fills the answer sees to that.

Example: ``with answering(json=True) as answer, opened(url, vault) as registry: answer["counts"] = {}``
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from luutru.commands.answer_printing import print_answer

if TYPE_CHECKING:
    from registry.database import Registry


@contextmanager
def opened(registry: str, vault: Path) -> Iterator[Registry]:
    """Open a registry with its vault, and close it."""
    from luutru.opening import open_registry

    known = open_registry(registry, vault)
    try:
        yield known
    finally:
        known.close()


@contextmanager
def answering(*, json: bool, show: Callable[[dict[str, Any]], None] | None = None) -> Iterator[dict[str, Any]]:
    """Collect the answer, print it (for people by ``show``, or as ``answer_printing.py`` does) and end with the right status."""
    from luutru.system import SystemClock
    from residence.errors import LuutruError

    clock = SystemClock()
    started = clock.monotonic_ns()
    answer: dict[str, Any] = {"ok": True}
    try:
        yield answer
    except LuutruError as error:
        answer |= {"ok": False, "problems": [error.code], "pointer": error.pointer, "detail": error.detail}
    answer["seconds"] = round((clock.monotonic_ns() - started) / 1e9, 3)
    if json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    else:
        (show or print_answer)(msgspec.to_builtins(answer))
    raise typer.Exit(0 if answer["ok"] else 1)
