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
    """Collect the answer, print it (for people by ``show``, or name by name) and end with the right status."""
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
        (show or _print)(msgspec.to_builtins(answer))
    raise typer.Exit(0 if answer["ok"] else 1)


def _print(answer: dict[str, Any]) -> None:
    from rich.console import Console

    from residence.errors import sentence

    console = Console(highlight=False, markup=False)
    console.print("done" if answer.pop("ok") else "not done", f"({answer.pop('seconds')} s)")
    where = " ".join(each for each in (answer.pop("pointer", ""), answer.pop("detail", "")) if each)
    if where:
        console.print(" ", where)
    for each in answer.pop("problems", ()):
        said = (each["code"], each["pointer"], each["message"]["en"]) if isinstance(each, dict) else (each, sentence(each).en)
        console.print(" ", *said)
    for name, value in answer.items():
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            text = "  ".join(f"{key}: {each}" for key, each in row.items() if each is not None) if isinstance(row, dict) else row
            console.print(f"  {name}  {text}")
