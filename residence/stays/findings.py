"""One disagreement between a declaration and what is known: its name, how bad, and which declarations it is about.

- A finding is a value: the same code about the same declarations is the same finding, whoever came first.
- ``about`` holds declaration ids only, sorted. Ids of persons and stays may change when people turn out to be one; these never do.
- Severity stands with the sentences in ``residence/errors/codes/stays.toml``; ``info`` needs nobody to act.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final, Literal, cast
from uuid import UUID

import msgspec

from residence.errors import catalogue

FindingSeverity = Literal["error", "warning", "info"]

NAMESPACE: Final = UUID("6f1a7f0e-6a4c-5c2e-9a57-0d6c1f2b7a10")  # fixed for ever: identities derive from it
_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding of reconciliation."""

    code: str
    severity: FindingSeverity
    pointer: str = ""
    about: tuple[str, ...] = ()

    @property
    def finding_id(self) -> str:
        """Identity of the finding: equal findings have equal ids in every process."""
        return _uuid5("\n".join(("finding", self.code, *self.about)))


def _uuid5(name: str) -> str:
    """Return ``str(uuid5(NAMESPACE, name))`` at a quarter of its price (RFC 9562 section 5.5)."""
    digest = hashlib.sha1(NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{'89ab'[int(digest[16], 16) & 3]}{digest[17:20]}-{digest[20:32]}"


def finding(code: str, pointer: str, *about: str) -> Finding:
    """Build a finding; its severity comes from the catalogue."""
    severity = cast("FindingSeverity", catalogue()[code]["severity"])
    return Finding(code=code, severity=severity, pointer=pointer, about=tuple(sorted(set(about))))


def derived_id(kind: str, declaration_id: str) -> str:
    """Return the id of a thing that exists because of a declaration: the declaration's time, then bits of a hash.

    It has the shape of a UUIDv7, so rows keep their order of creation, and every process derives the same.
    """
    if not _UUID7.fullmatch(declaration_id):
        return _uuid5(f"{kind}\n{declaration_id}")
    noise = int.from_bytes(hashlib.sha256(f"{kind}\n{declaration_id}".encode()).digest()[:10], "big")
    tail = f"{0b10 << 62 | noise & ((1 << 62) - 1):016x}"
    return f"{declaration_id[:13]}-7{noise >> 62 & 0xFFF:03x}-{tail[:4]}-{tail[4:]}"


def once(found: Iterable[Finding]) -> frozenset[Finding]:
    """Keep one finding for each code and set of declarations, the one with the least pointer: two fields may tell the same."""
    return frozenset(
        {(each.code, each.about): each for each in sorted(found, key=lambda each: each.pointer, reverse=True)}.values()
    )
