"""How one declaration fits what the registry knows: which person, which stay, and every disagreement as a named finding.

- Pure: a value in, a value out; the registry writes what comes back in one transaction.
- **Never drops**: every declaration ends in a stay or in a finding that says why not.
- **Order-free and idempotent**: stays and findings are computed from the *set* of declarations, never from who came first, so two
  kiosks that were offline, a desk and a replay end in the same registry whatever arrives first.
- Stays are named after the least declaration id they rest on. When an older declaration arrives late, or a withdrawal splits a
  stay, ids that no longer stand come back in ``removed``.
- A person's id is a surrogate made from the first declaration that brought them, and stays.

Example: the lobby and the desk both declare the same person for one night; one stay rests on both declarations, and
``stays.duplicate`` names the two.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from residence.stays.declaration import StayDeclaration
from residence.stays.findings import Finding
from residence.stays.known import Known, KnownNumber, KnownStay
from residence.stays.rules import RuleBook

ReconciliationState = Literal["accepted", "conflicting", "refused"]


class PersonChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who the declaration is about.

    ``new``: insert the person with the declaration's fields. ``merges``: these ids are the same person; move their numbers, stays
    and residences to ``person_id`` and keep them as pointers.
    """

    action: Literal["new", "known"]
    person_id: str
    add_numbers: tuple[KnownNumber, ...] = ()
    merges: tuple[str, ...] = ()


class StayChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to write about stays: replace or insert ``stays`` whole by id; mark ``removed`` as standing no longer."""

    stay_id: str | None = None  # the stay this declaration belongs to; None when it stands in no stay
    stays: tuple[KnownStay, ...] = ()
    removed: tuple[str, ...] = ()


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole answer. ``findings`` are new or about this declaration; ``cleared`` stood before and do no longer.

    Registry: findings(after) = findings(before) - cleared + findings, by ``finding_id``.
    """

    state: ReconciliationState
    person: PersonChange
    stay: StayChange | None = None
    findings: tuple[Finding, ...] = ()
    cleared: tuple[Finding, ...] = ()


def reconcile(declaration: StayDeclaration, known: Known, *, rules: RuleBook, received_at: datetime) -> Reconciliation:
    """Fit one checked declaration into what is known. See ``residence/stays/known.py`` for what must be looked up."""
    raise NotImplementedError
