"""What was released: each version, its commit, and what of it may never change any more.

- ``released.toml`` beside this file travels with the package; a tag may be missing in a clone, and a copy has no history at all.
- Newest first; a version, a commit and a tag name one thing: no version and no commit twice, else ``Malformed("release.list")``.
- A version that was released is never built of another commit (``taken_by``), and its migrations never change again (``changed``).

Example: ``read_released(text)[0].commit`` is the version before this one
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from importlib import resources
from typing import Annotated, Final

import msgspec

from residence.errors import Malformed

NAME: Final = "released.toml"
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}$")]
Version = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]


class Released(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One released version."""

    version: Version
    commit: Commit
    day: date
    revision: str  # the newest revision of its tables
    statements: Sha256  # of what it says to a registry
    changelog: Sha256  # of its section
    migrations: dict[str, Sha256]  # file name -> its bytes


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    release: list[Released]


def released() -> list[Released]:
    """Return what was released, newest first."""
    return read_released(resources.files(__package__).joinpath(NAME).read_text("utf-8"))


def read_released(text: str) -> list[Released]:
    """Read a list of releases; ``Malformed("release.list")``."""
    try:
        found = msgspec.toml.decode(text, type=_List).release
    except (msgspec.MsgspecError, ValueError) as error:  # ValueError: no TOML
        raise Malformed("release.list", "", str(error)) from error
    versions = [_ordered(each.version) for each in found]
    if versions != sorted(set(versions), reverse=True):
        raise Malformed("release.list", "", "not newest first, each once")
    if len({each.commit for each in found}) != len(found):
        raise Malformed("release.list", "", "one commit is two versions")
    return found


def taken_by(version: str, commit: str, known: Sequence[Released]) -> str | None:
    """Return the other commit that was released under this version, None when it is free or is this one."""
    return next((each.commit for each in known if each.version == version and each.commit != commit), None)


def changed(migrations: Mapping[str, bytes], known: Sequence[Released]) -> list[str]:
    """Return the released migrations that are not among these files as they were released: whoever has run one will not run it again."""
    return sorted(
        {
            name
            for each in known
            for name, sha256 in each.migrations.items()
            if hashlib.sha256(migrations.get(name, b"")).hexdigest() != sha256
        }
    )


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
