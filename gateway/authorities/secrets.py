"""The secrets of one facility at another authority: a file of its own, readable by this process alone.

- ``<folder>/<facility>.toml`` with four texts. A file others may read is refused, as is one that is not complete.
- Read at each log-in, so that a new password needs no new start. Never printed: the value's own text hides them.

Example: ``read_secrets(Path("secrets"), "sao-mai").username``
"""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import msgspec

from residence.errors import Refused


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a facility logs in with."""

    client_id: str
    client_secret: str
    username: str
    password: str

    def __repr__(self) -> str:
        """Say nothing of it."""
        return "Secrets(...)"


def read_secrets(folder: Path, facility: str) -> Secrets:
    """Return a facility's secrets, or raise ``Refused("authority.secrets_*")``."""
    path = folder / f"{facility}.toml"
    if path.parent != folder or path.name != f"{facility}.toml":
        raise Refused("authority.secrets_missing", detail="a facility's name is no path")
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Refused("authority.secrets_open", detail=f"others may read {path}: chmod 600")
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Secrets)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        # Without the error's own text: it may quote what is in the file.
        raise Refused("authority.secrets_missing", detail=f"{path}: {type(error).__name__}") from None
