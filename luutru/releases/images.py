"""The images a product is built from and started of: each named by a whole version, and by the digest it had when somebody looked.

- ``deploy/images.toml`` is the lock: name and tag -> digest, empty until a registry of images was asked (``luutru release images --fill``).
- A tag that is missing, ``latest`` or not a whole version can be another image tomorrow: ``release.image_floating``, never filled.
- Dockerfile and compose file name the digest beside the tag once it is known; one that differs from the lock is ``release.image_differs``.

Example: ``problems(named(dockerfile), lock)`` is empty where every build takes what was looked at
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from residence.errors import Malformed

LOCK: Final = "deploy/images.toml"
FILES: Final = ("Dockerfile", "docker-compose.yml")
_NAMED: Final = re.compile(
    r"^(?:FROM(?:\s+--platform=\S+)?|\s+image:)\s+(?P<image>[^\s#]+)(?:\s+AS\s+(?P<stage>\S+))?", re.MULTILINE | re.IGNORECASE
)
_WHOLE: Final = re.compile(r"[0-9]+\.[0-9]+(\.[0-9]+)*(-[a-z0-9.]+)*")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_HEAD: Final = """\
# Every image of Dockerfile and docker-compose.yml, and the digest it had when it was looked at (docs/commune.md).
# Written by "luutru release images --fill"; empty: no registry of images could be reached yet.
[images]
"""


class Image(msgspec.Struct, frozen=True, order=True):
    """One image as a file names it."""

    name: str
    tag: str = ""
    digest: str = ""

    @property
    def key(self) -> str:
        """Return what the lock knows it by."""
        return f"{self.name}:{self.tag}" if self.tag else self.name

    @property
    def floats(self) -> bool:
        """Tell whether the tag may be another image tomorrow."""
        return _WHOLE.fullmatch(self.tag) is None


def named(text: str) -> list[Image]:
    """Return the images a Dockerfile or a compose file names, stages of its own left out, each once."""
    found = list(_NAMED.finditer(text))
    stages = {each["stage"] for each in found if each["stage"]}
    return sorted({_image(each["image"].strip("\"'")) for each in found if each["image"] not in stages})


def _image(text: str) -> Image:
    rest, _, digest = text.partition("@")
    name, colon, tag = rest.rpartition(":")
    return Image(name, tag, digest) if colon and "/" not in tag else Image(rest, "", digest)


def read_lock(text: str) -> dict[str, str]:
    """Read a lock; ``Malformed("release.image_lock")`` for what is none, and for a digest that is none."""
    try:
        found = msgspec.toml.decode(text, type=dict[str, dict[str, str]])["images"]
    except (msgspec.MsgspecError, ValueError, KeyError) as error:
        raise Malformed("release.image_lock", "", str(error)) from error
    if wrong := [name for name, digest in found.items() if digest and not _DIGEST.fullmatch(digest)]:
        raise Malformed("release.image_lock", "", ", ".join(wrong))
    return found


def write_lock(lock: Mapping[str, str]) -> str:
    """Return a lock's text."""
    return _HEAD + "".join(f'"{name}" = "{digest}"\n' for name, digest in sorted(lock.items()))


def problems(images: Iterable[Image], lock: Mapping[str, str]) -> list[str]:
    """Return what keeps a build from taking exactly what was looked at."""
    found = set()
    for each in images:
        known = lock.get(each.key, "")
        if each.floats:
            found.add(f"release.image_floating {each.key}")
        elif not known:
            found.add(f"release.image_unlocked {each.key}")
        elif each.digest != known:
            found.add(f"release.image_differs {each.key}")
    return sorted(found)


def pinned(text: str, lock: Mapping[str, str]) -> str:
    """Return a Dockerfile's or compose file's text with the lock's digest behind every tag it knows."""

    def put(match: re.Match[str]) -> str:
        image = _image(match["image"])
        digest = lock.get(image.key, "")
        return match[0].replace(match["image"], f"{image.key}@{digest}") if digest and not image.floats else match[0]

    return _NAMED.sub(put, text)
