"""Which findings about a guest a desk is told of: those a clerk can do something about.

- What is only noted, and doubts about what a kiosk claimed, are the authority's matter: they make no guest disputed, and warn no kiosk.
- A statement that changes nothing is told, after what does; the guest it would have changed is declared as before and not disputed.

Example: ``told(findings)`` -> ``("stay.overlaps",)``
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from registry.declarations import StandingFinding
from residence.credentials.chip.claims import NOT_SHOWN, TRUST_DIFFERS

_ABOUT_KIOSKS: Final = frozenset({NOT_SHOWN, TRUST_DIFFERS})
_CHANGES_NOTHING: Final = frozenset({"stays.overtaken", "stays.about_withdrawn", "stays.end_not_corrected"})


def told(findings: Iterable[StandingFinding]) -> tuple[str, ...]:
    """Return their codes, each once, in order of the alphabet; last those of statements that change nothing."""
    codes = {each.code for each in findings if each.severity != "info" and each.code not in _ABOUT_KIOSKS}
    return tuple(sorted(codes, key=lambda code: (code in _CHANGES_NOTHING, code)))


def is_in_doubt(codes: Iterable[str]) -> bool:
    """Tell whether any of these puts what is declared of a guest in doubt.

    >>> is_in_doubt(["stays.overtaken"]), is_in_doubt(["stays.elsewhere", "stays.overtaken"])
    (False, True)
    """
    return any(each not in _CHANGES_NOTHING for each in codes)
