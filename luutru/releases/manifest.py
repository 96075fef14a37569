"""The list of a release's files, signed: whoever has the public key knows that they have what was built, and all of it.

- A C2SP signed note, as the log's checkpoints are: readable, and any tool for signed notes checks it.
- A file that is missing, changed, or there without being listed is told; a note that nobody known signed is believed in nothing.
- Names are plain names in one folder, so that a list cannot point elsewhere.

Example: ``check(note, found, key=key)`` is empty for a release nobody touched
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from residence.errors import Malformed
from residence.transparency.notes import Key, Signer, open_note

NAME: Final = "release.txt"
_FIRST: Final = "luutru release 1"
_FILE: Final = re.compile(r"([0-9a-f]{64})  ([0-9]+)  ([A-Za-z0-9][A-Za-z0-9._+-]*)")
_WORD: Final = re.compile(r"[0-9A-Za-z.+-]+")
_HEAD: Final = 3


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a release."""

    sha256: str
    bytes: int


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What a list says."""

    version: str
    commit: str
    files: dict[str, Listed]


def listed(content: bytes) -> Listed:
    """Return what is said of a file."""
    return Listed(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


def sign(release: Release, signer: Signer) -> str:
    """Return the signed list; ``Malformed("release.manifest")`` for a name or word that could be read otherwise."""
    lines = [_FIRST, f"version {release.version}", f"commit {release.commit}"]
    lines += [f"{each.sha256}  {each.bytes}  {name}" for name, each in sorted(release.files.items())]
    text = "".join(f"{line}\n" for line in lines)
    if _read(text) != release:
        raise Malformed("release.manifest")
    return f"{text}\n{signer.sign(text)}"


def read(note: str, key: Key) -> Release:
    """Return a list the key signed; ``Untrusted("log.unsigned")``, ``Untrusted("log.signature_bad")``, ``Malformed``."""
    return _read(open_note(note, [key]).text)


def compare(release: Release, found: Mapping[str, Listed]) -> list[str]:
    """Return what is not as the list says."""
    missing = [f"release.missing {name}" for name in sorted(release.files.keys() - found.keys())]
    changed = [f"release.changed {name}" for name, each in sorted(release.files.items()) if found.get(name, each) != each]
    return missing + changed + [f"release.unlisted {name}" for name in sorted(found.keys() - release.files.keys())]


def _read(text: str) -> Release:
    lines = text.splitlines()
    words = [line.split(" ") for line in lines[1:_HEAD]]
    if len(lines) < _HEAD or lines[0] != _FIRST or [each[0] for each in words] != ["version", "commit"]:
        raise Malformed("release.manifest")
    if any(len(each) != len(("name", "value")) or not _WORD.fullmatch(each[1]) for each in words):
        raise Malformed("release.manifest")
    files = {}
    for line in lines[_HEAD:]:
        told = _FILE.fullmatch(line)
        if told is None or told[3] in files:
            raise Malformed("release.manifest", "", line[:100])
        files[told[3]] = Listed(sha256=told[1], bytes=int(told[2]))
    return Release(version=words[0][1], commit=words[1][1], files=files)
