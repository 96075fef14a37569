"""How like two pictures of a screen are, by what a person would see: letters are drawn a little differently by two programs, a bubble over the page is not.

Example: ``differing(seen, wanted) < MOST_DIFFERING``
"""

from __future__ import annotations

import numpy as np
from PIL import Image

SMALLER = 4  # what is finer than this is how a program draws letters
VISIBLE = 28  # of 255, in the colour in which two points differ most
MOST_DIFFERING = 0.01


def differing(one, other):
    """Return which share of a picture differs; all of it when the sizes do."""
    if one.size != other.size:
        return 1.0
    size = (one.width // SMALLER, one.height // SMALLER)
    first, second = (np.asarray(each.convert("RGB").resize(size, Image.Resampling.BOX), dtype=np.int16) for each in (one, other))
    return float((np.abs(first - second).max(axis=2) > VISIBLE).mean())


def alike(one, other):
    return differing(one, other) < MOST_DIFFERING
