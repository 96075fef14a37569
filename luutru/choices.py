"""Where the file of choices is read: the option every command shares, and the folder of further rules beside the file.

- Without a file the built-in rules and defaults hold. A file that cannot be used ends the command before anything starts.
- ``[rules] extra`` is relative to the file, so both can be moved together.

Example: ``luutru gateway run --choices /etc/luutru/choices.toml``
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from residence.choices import Choices

ChoicesOption = Annotated[
    Path | None,
    typer.Option(
        "--choices",
        envvar="LUUTRU_CHOICES",
        help="File of choices on what is open in law and formats (docs/settings.md, Choices).",
    ),
]


def load_choices(path: Path | None) -> Choices:
    """Read the file and the rules it adds; the built-in choices without one. Raises ``Malformed("choices.*")``."""
    from residence.choices import Choices, extra_folder, parse_choices
    from residence.errors import Malformed

    if path is None:
        return Choices()
    try:
        data = path.read_bytes()
        folder = extra_folder(data)
        extra = (
            {each.name: each.read_bytes() for each in (path.parent / folder).iterdir() if each.suffix == ".toml"}
            if folder
            else {}
        )
    except OSError as error:
        raise Malformed("choices.unreadable", "", str(error)) from error
    return parse_choices(data, extra=extra)


def choices_of(path: Path | None) -> Choices:
    """Return what a ``--choices`` option names, or end the command as wrongly used, naming the setting."""
    from residence.errors import LuutruError

    try:
        return load_choices(path)
    except LuutruError as error:
        raise typer.BadParameter(f"{error.code} {error.pointer}: {error.detail}", param_hint="--choices") from error
