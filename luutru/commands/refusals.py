"""How a command that refuses says so: both sentences, the code, and status 1.

Example: ``with refusing(): load_profile(path)``
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def refusing() -> Iterator[None]:
    """End the command with status 1 when something in here is refused."""
    from residence.errors import LuutruError, catalogue, sentence

    try:
        yield
    except LuutruError as error:
        if error.code in catalogue():
            said = sentence(error.code)
            typer.echo(f"{said.vi}\n{said.en}", err=True)
        typer.echo(f"{error.code} {error.pointer} {error.detail}".replace("  ", " "), err=True)
        raise typer.Exit(1) from None
