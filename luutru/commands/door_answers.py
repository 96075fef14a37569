"""How ``luutru door`` opens a registry and answers: one object with ``--json``, else lines; the code of a refusal and status 1.

- A list is a table with a heading for people; ``--json`` has every field. In a pipe a row stays one line, however wide.
- Of an event people see when it was (by the confirmed clock, where there was one later), how far the clock is believed, and what happened.

Example: ``with answering(json=json) as answer, changing(registry, vault) as (known, connection): ...``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import typer

_AS_WIDE_AS_IT_IS: Final = 1 << 16

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


def as_told(event: dict[str, Any]) -> dict[str, Any]:
    """Return what people are told of one event, in the order of the columns.

    >>> as_told({"sequence": 7, "wall": "2026-11-29T11:49:51Z", "time_state": "synced"})["when"]
    '2026-11-29T11:49:51Z'
    """
    corrected = event.get("corrected_at")
    return {
        "when": corrected or event.get("wall_at") or event.get("wall"),
        "clock": f"{event['time_state']}, dated later" if corrected else event["time_state"],
        "kiosk": event.get("kiosk_id"),
        "number": event["sequence"],
        **{name: event.get(name) for name in ("door", "what", "detail", "who")},
    }


def _print(answer: dict[str, Any]) -> None:
    from rich.console import Console

    from luutru.commands.answer_printing import lines_of, text_of

    width = Console().width if sys.stdout.isatty() else _AS_WIDE_AS_IT_IS
    for name, value in answer.items():
        if isinstance(value, list) and value:
            rows = [as_told(each) for each in value] if name == "events" else value
            typer.echo("\n".join(lines_of(rows, width=width)))
        elif name != "ok":
            typer.echo(f"{name}: {'none' if value == [] else text_of(value)}")


@contextmanager
def changing(registry: str, vault: Path) -> Iterator[tuple[Registry, Connection]]:
    """Open a registry for one change, or raise ``Refused("registry.not_upgraded")``."""
    from luutru.opening import open_for_work
    from registry.database import current_revision
    from residence.errors import Refused

    place = registry.removeprefix("sqlite:///")
    if place != registry and not Path(place).exists():  # opening would lay an empty registry and new keys beside it
        raise Refused("registry.not_upgraded", "", place)
    known = open_for_work(registry, vault)
    try:
        if current_revision(known.engine) is None:
            raise Refused("registry.not_upgraded", "", "no table")
        with known.writing() as connection:
            yield known, connection
    finally:
        known.close()
