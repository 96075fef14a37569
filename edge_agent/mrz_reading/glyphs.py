"""Which OCR-B sign stands in a cell: a small network over the cell's grey levels, one answer per sign and one for "no sign".

- A cell is cut at a fixed scale: ``PITCH`` pixels from sign to sign, ``WIDE`` x ``TALL`` pixels of grey round its middle, so the neighbours'
  edges are in it. Brightness and contrast are set aside before anything is asked.
- The networks were taught differently: ``PLAIN`` names what is seen; those of ``WORN`` say what stood there before: two have
  seen much rubbed print, two also dark marks on it. The two of a pair were taught the same from other drawings, and only their mean counts.
- The weights (``glyphs.npz``, ``worn_glyphs*.npz``, ``marked_glyphs*.npz``) were made by ``scripts/train_glyphs.py`` from Debian's OCR-B font alone: no picture of a document went in.
  ADR 16 says why they are committed instead of being learned at first use.
- "No sign" is what an empty, half-hit or foreign cell is: it keeps ordinary text and patterns from being read as a zone.
- Pure: grey levels in, log-probabilities out.

>>> sum(len(row) for row in weigh(np.zeros((2, TALL, WIDE), np.float32))) == 2 * (len(SIGNS) + 1)
True
"""

from __future__ import annotations

import io
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIGNS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<"
NO_SIGN: Final = len(SIGNS)
PITCH: Final = 16
WIDE: Final = 22
TALL: Final = 26
PLAIN: Final = "glyphs"
WORN: Final = (("worn_glyphs", "worn_glyphs_again"), ("marked_glyphs", "marked_glyphs_again"))
_FLATTEST: Final = 1.0  # grey levels of spread below which a cell is taken to be empty

Cells = NDArray[np.float32]
Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


def weigh(cells: Cells, learned: str = PLAIN) -> NDArray[np.float32]:
    """Return log-probabilities (cells, signs and "no sign") for cells (n, ``TALL``, ``WIDE``)."""
    values = evened(cells)
    *hidden, last = network(learned)
    for weights, offsets in hidden:
        values = np.maximum(values @ weights + offsets, 0)
    scores = values @ last[0] + last[1]
    scores -= scores.max(1, keepdims=True)
    return np.asarray(scores - np.log(np.exp(scores).sum(1, keepdims=True)), np.float32)


def evened(cells: Cells) -> NDArray[np.float32]:
    """Return each cell as one row without its brightness and contrast."""
    rows = cells.reshape(len(cells), -1).astype(np.float32)
    rows = rows - rows.mean(1, keepdims=True)
    return np.asarray(rows / (rows.std(1, keepdims=True) + _FLATTEST), np.float32)


@cache
def network(learned: str) -> tuple[Layer, ...]:
    """Return the layers: weights (inputs, outputs) and offsets."""
    with np.load(io.BytesIO(resources.files("edge_agent.mrz_reading").joinpath(f"{learned}.npz").read_bytes())) as stored:
        count = len(stored.files) // 2
        return tuple(
            (stored[f"weights{number}"].astype(np.float32), stored[f"offsets{number}"].astype(np.float32))
            for number in range(count)
        )
