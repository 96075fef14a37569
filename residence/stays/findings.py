"""One disagreement between a declaration and what is known: its name, how bad, and which things it is about.

- A finding is a value: same code about the same things is the same finding, whoever came first.
- ``about`` holds declaration ids, and ids of things that do not come from declarations (register persons, imported stays); sorted.
- Severity stands in ``residence/errors/codes/stays.toml`` with the sentences; ``info`` is written there as ``info``.
"""

from __future__ import annotations

from typing import Final, Literal, cast
from uuid import UUID, uuid5

import msgspec

from residence.errors import catalogue

FindingSeverity = Literal["error", "warning", "info"]

NAMESPACE: Final = UUID("6f1a7f0e-6a4c-5c2e-9a57-0d6c1f2b7a10")  # fixed for ever: identities derive from it


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding of reconciliation."""

    code: str
    severity: FindingSeverity
    pointer: str = ""
    about: tuple[str, ...] = ()

    @property
    def finding_id(self) -> str:
        """Identity of the finding: equal findings have equal ids in every process."""
        return str(uuid5(NAMESPACE, "\n".join(("finding", self.code, *self.about))))


def finding(code: str, pointer: str, *about: str) -> Finding:
    """Build a finding; its severity comes from the catalogue."""
    severity = cast("FindingSeverity", catalogue()[code]["severity"])
    return Finding(code=code, severity=severity, pointer=pointer, about=tuple(sorted(set(about))))
