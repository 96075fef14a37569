"""The rule sets of other authorities, one file each, dated like our own rules.

Example: ``terms_for("kbtt", arrival).id``
"""

from __future__ import annotations

import tomllib
from datetime import datetime
from functools import cache
from importlib import resources

import msgspec

from gateway.authorities.port import Terms
from residence.clock import VIETNAM


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    terms: tuple[Terms, ...]


@cache
def rule_sets(authority: str) -> tuple[Terms, ...]:
    """Return an authority's rule sets, the oldest first."""
    table = tomllib.loads(resources.files(__name__).joinpath(f"{authority}.toml").read_text("utf-8"))
    return tuple(sorted(msgspec.convert(table, _File).terms, key=lambda each: each.valid_from))


def terms_for(authority: str, arrival: datetime) -> Terms:
    """Return the rule set in force on the day of arrival; before the first there is none other than it."""
    day = arrival.astimezone(VIETNAM).date().isoformat()
    sets = rule_sets(authority)
    return next((each for each in reversed(sets) if each.valid_from <= day), sets[0])
