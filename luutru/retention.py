"""Where a retention policy of one's own is read; without one the built-in policy holds.

- Read once, when a command starts; a policy that cannot be used ends the command before anything is deleted.

Example: ``luutru gateway run --retention /etc/luutru/retention.toml``
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from registry.retention_policy import Policy

RetentionOption = Annotated[
    Path | None,
    typer.Option(
        "--retention",
        envvar="LUUTRU_RETENTION",
        help="Retention policy of your own (docs/operations.md); the built-in one if not given.",
    ),
]


def policy_of(path: Path | None) -> Policy:
    """Return the policy a ``--retention`` option names, or end the command as wrongly used, naming what is wrong."""
    from registry.retention_policy import read_policy
    from residence.errors import LuutruError

    try:
        return read_policy(path.read_bytes() if path else None)
    except (LuutruError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--retention") from error
