"""Whether a stay declaration can be taken as it is: all problems at once, and the deadline it is judged by.

- An error means the declarant must change something; a warning never stops our own record.
- What is mandatory comes from the dated rule set and the kind of premises, never from this file.
- The ministry's form takes arrivals of today and yesterday only; older ones get the warning "another channel is needed".
- A person without papers is welcome: no document and no number is never an error, and the level stays *stated*.

Example: a hotel guest without a room gives ``declaration.unit_missing`` at ``/unit`` and still names the deadline.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from residence.errors import Problem
from residence.places.premises import Premises
from residence.stays.declaration import StayDeclaration
from residence.stays.rules import RuleBook


class CheckResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every problem found; ``due`` and ``rule_set`` are empty only when the arrival cannot be read or no rule is dated for it."""

    problems: tuple[Problem, ...] = ()
    due: datetime | None = None
    rule: str | None = None
    rule_set: str | None = None

    @property
    def ok(self) -> bool:
        """Tell whether no error stands; warnings leave it true."""
        return not any(each.severity == "error" for each in self.problems)


def check_declaration(declaration: StayDeclaration, *, premises: Premises | None, rules: RuleBook, now: datetime) -> CheckResult:
    """Check one declaration against its premises (None: unknown here), the rules and the present instant."""
    raise NotImplementedError
