"""How ``luutru door`` opens a registry and answers: one object with ``--json``, else lines; the code of a refusal and status 1.

Example: ``with answering(json=json) as answer, changing(registry, vault) as (known, connection): ...``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.database import Registry


@contextmanager
def answering(*, json: bool) -> Iterator[dict[str, Any]]:
    """Print what was answered, or the code of the refusal with status 1."""
    from residence.errors import LuutruError, sentence

    answer: dict[str, Any] = {"ok": True}
    try:
        yield answer
    except LuutruError as error:
        answer = {"ok": False, "code": error.code, "pointer": error.pointer}
        if not json:
            typer.echo(f"{sentence(error.code).en} ({error.detail})", err=True)
    if json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    elif answer["ok"]:
        _print(answer)
    if not answer["ok"]:
        raise typer.Exit(1)


def _print(answer: dict[str, Any]) -> None:
    for name, value in answer.items():
        if isinstance(value, list):
            for each in value:
                typer.echo("  ".join(str(part) for part in each.values()))
        elif name != "ok":
            typer.echo(f"{name}: {value}")


@contextmanager
def changing(registry: str, vault: Path) -> Iterator[tuple[Registry, Connection]]:
    """Open a registry for one change."""
    from luutru.opening import open_registry

    known = open_registry(registry, vault)
    try:
        with known.writing() as connection:
            yield known, connection
    finally:
        known.close()
