"""The lock files read: every component of every process, with the hashes an installation accepts.

- ``requirements/*.txt`` as uv writes them (a pin, its hashes, comments), and ``package-lock.json`` of npm's form 3.
- Every pin of Python has at least one SHA-256, every npm package an integrity: one without is ``Malformed("release.unlocked")``, for it could be anything.

Example: ``read_requirements(text, "requirements/kiosk.txt")[0].version``
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from residence.errors import Malformed

_PIN: Final = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)(?P<marker>\s*;[^\\]*)?\s*\\?$"
)
_HASH: Final = re.compile(r"^    --hash=sha256:(?P<hash>[0-9a-f]{64})\s*\\?$")


class Component(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One pinned package."""

    kind: Literal["npm", "pypi"]
    name: str
    version: str
    hashes: tuple[str, ...]  # hex: SHA-256 of Python's files, SHA-512 of npm's
    locks: tuple[str, ...]  # the files that pin it
    shipped: bool = True  # False: it builds or tests, and reaches no machine of an authority

    @property
    def purl(self) -> str:
        """Return the package's address as package-url has it."""
        name = self.name.replace("@", "%40") if self.kind == "npm" else self.name
        return f"pkg:{self.kind}/{name}@{self.version.replace('+', '%2B')}"


def read_requirements(text: str, lock: str, *, shipped: bool = True) -> list[Component]:
    """Read one lock file of Python's."""
    found: list[Component] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if pin := _PIN.match(line):
            name = re.sub(r"[-_.]+", "-", pin["name"]).lower()
            found.append(Component(kind="pypi", name=name, version=pin["version"], hashes=(), locks=(lock,), shipped=shipped))
        elif (one := _HASH.match(line)) and found:
            found[-1] = msgspec.structs.replace(found[-1], hashes=(*found[-1].hashes, one["hash"]))
        else:
            raise Malformed("release.unlocked", "", f"{lock}:{number}")
    _need_hashes(found)
    return found


def read_npm(data: bytes, lock: str) -> list[Component]:
    """Read npm's lock file."""
    try:
        packages = msgspec.json.decode(data, type=dict[str, object])["packages"]
    except (msgspec.MsgspecError, KeyError) as error:
        raise Malformed("release.unlocked", "", lock) from error
    assert isinstance(packages, dict)  # noqa: S101 - npm's own form
    found = [
        Component(
            kind="npm",
            name=place.rpartition("node_modules/")[2],
            version=str(told.get("version", "")),
            hashes=_integrity(str(told.get("integrity", ""))),
            locks=(lock,),
            shipped=not told.get("dev", False),
        )
        for place, told in packages.items()
        if place
    ]
    _need_hashes(found)
    return found


def together(components: Iterable[Component]) -> list[Component]:
    """Return each package and version once, with all that pin it, sorted."""
    known: dict[str, Component] = {}
    for each in components:
        before = known.get(each.purl, each)
        known[each.purl] = msgspec.structs.replace(
            each,
            hashes=tuple(sorted({*before.hashes, *each.hashes})),
            locks=tuple(sorted({*before.locks, *each.locks})),
            shipped=before.shipped or each.shipped,
        )
    return sorted(known.values())


def _integrity(text: str) -> tuple[str, ...]:
    try:
        kinds = [each.partition("-") for each in text.split()]
        return tuple(base64.b64decode(content, validate=True).hex() for kind, _, content in kinds if kind == "sha512")
    except binascii.Error:
        return ()


def _need_hashes(found: Iterable[Component]) -> None:
    for each in found:
        if not each.hashes or not each.version:
            raise Malformed("release.unlocked", "", f"{each.locks[0]}: {each.name}")
