"""One picture on its way through the stages, and what they have found in it so far.

- A ``Candidate`` is a place where a decoder saw a code without reading it; a later, dearer stage may look there.
- The own reader's looks are kept with what they saw, for adding up over frames and for telling why nothing was read.
- Nothing here outlives the picture's turn.

Example: ``View(grey, always)``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.codes import Code
from edge_agent.scanning.soft.looking import GOOD_FIT, Look

Grey = NDArray[np.uint8]
Points = NDArray[np.float64]
_SAME_PLACE: Final = 8.0  # pixels, of every corner


class Candidate(NamedTuple):
    """A place where a decoder saw a code without reading it: corners (4, 2) in the code's own order, and its version."""

    corners: Points
    version: int
    by_zxing: bool = True  # else proposed by a dense place's look alone


@dataclass(slots=True)
class View:
    """One picture (uint8, height by width), and whether there is time for more."""

    grey: Grey
    time_left: Callable[[], bool]
    candidates: list[Candidate] = field(default_factory=list)
    tried: list[Candidate] = field(default_factory=list)  # where the own reader has looked
    looks: list[Look] = field(default_factory=list)
    read: list[Candidate] = field(default_factory=list)  # where zxing read a code
    refusals: list[str] = field(default_factory=list)  # codes that were decoded and may not be used: error codes
    searched: bool = False  # all stages have run
    laid: int = 0  # candidates that zxing has seen laid square

    def is_worth_a_look(self, candidate: Candidate) -> bool:
        """Tell whether the own reader could still find something there.

        Not the same place with the same version the same way round again, and not where a code was found, well fitted, and
        still not read.
        """
        for each in self.tried:
            if each.version == candidate.version and float(np.abs(each.corners - candidate.corners).max()) < _SAME_PLACE:
                return False
        centre = candidate.corners.mean(axis=0)
        for found in self.looks:
            away = float(np.abs(found.corners.mean(axis=0) - centre).max())
            extent = float((found.corners.max(axis=0) - found.corners.min(axis=0)).max())
            if abs(found.fit) >= GOOD_FIT and away < extent / 2:
                return False
        return True


def always() -> bool:
    """Say that there is time for every stage."""
    return True


def as_code(payload: bytes, reader: str, corners: Points) -> Code:
    """Return a code that ``reader`` read at ``corners`` (4, 2)."""
    first, second, third, fourth = ((float(x), float(y)) for x, y in corners)
    return Code(payload=payload, format="QRCode", reader=reader, corners=(first, second, third, fourth))
