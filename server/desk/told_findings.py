"""Which findings about a guest a desk is told of: those a clerk can do something about.

- What is only noted, and doubts about what a kiosk claimed, are the authority's matter: they make no guest disputed, and warn no kiosk.

Example: ``told(findings)`` -> ``("stay.overlaps",)``
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from registry.declarations import StandingFinding
from residence.credentials.chip.claims import NOT_SHOWN, TRUST_DIFFERS

_ABOUT_KIOSKS: Final = frozenset({NOT_SHOWN, TRUST_DIFFERS})


def told(findings: Iterable[StandingFinding]) -> tuple[str, ...]:
    """Return their codes, each once, in order of the alphabet."""
    return tuple(sorted({each.code for each in findings if each.severity != "info" and each.code not in _ABOUT_KIOSKS}))
