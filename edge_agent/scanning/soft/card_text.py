"""What is known of an identity card's code before it is read: used to make doubtful bits sure, never to fill in a text.

- A card's text is one byte segment: mode, length, twelve digits, a bar, an old number of nine digits or nothing, a bar, ...,
  a bar, eight digits of the issue date, four bars more on cards issued since 2024-07; then terminator and padding.
- Digits share their upper four bits, bars are whole bytes, padding alternates: some 150 bits known of 1,200. Which length and
  which of the shapes it is, is told by how well the doubtful bits agree; if none agrees clearly, nothing is changed.
- The check codewords decide as before, with as many to spare: a code that is no card, or says something else, cannot become one.
- Source: identity-documents 2.1 and 2.2; ISO/IEC 18004 7.4.10 for padding.

Example: ``decode_as(as_a_card(soft, layout, form), layout, form)``
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.bitstream import count_bits
from edge_agent.scanning.soft.blocks import Level, blocks_of, interleaving
from edge_agent.scanning.soft.codewords import Format
from edge_agent.scanning.soft.grid import Floats
from edge_agent.scanning.soft.layout import Layout

_SHORTEST, _LONGEST = 60, 400  # bytes of a card's text
_LARGEST: Final = 13  # version: a card's code has 5 to 12, and the shapes of a large symbol's end would fill the memory
_SURE: Final = 1.0
_AGREEING: Final = 0.8  # of the known bits, weighted by how sure they were read
_BYTES: Final = 4  # the mode of a byte segment
_DIGIT, _BAR = "0011....", "01111100"
_STARTS: Final = (_DIGIT * 12 + _BAR * 2, _DIGIT * 12 + _BAR + _DIGIT * 9 + _BAR)
_ENDS: Final = (_BAR + _DIGIT * 8, _BAR + _DIGIT * 8 + _BAR * 4)
_PADS: Final = "1110110000010001"


def as_a_card(soft: Floats, layout: Layout, form: Format) -> Floats | None:
    """Return the soft values with the bits of a card's text made sure, or None when they do not look like one."""
    if layout.version > _LARGEST:
        return None
    places = stream_of(layout.version, form.level)
    if not _ends(layout.version, len(places) // 8):
        return None  # too small for a card
    turn = np.where(layout.masks[form.mask][places], -1, 1).astype(np.float32)
    rows, columns = layout.order[places, 0], layout.order[places, 1]
    seen = soft[rows, columns] * turn
    known, bits = _likeliest(np.clip(seen, -_SURE, _SURE), layout.version)
    heard = np.abs(seen[known]).clip(0, _SURE)
    if (heard * (np.sign(seen[known]) == bits)).sum() < _AGREEING * heard.sum():
        return None
    better = soft.copy()
    better[rows[known], columns[known]] = np.maximum(np.abs(seen[known]), _SURE) * bits * turn[known]
    return better


@cache
def stream_of(version: int, level: Level) -> NDArray[np.intp]:
    """Return where each bit of the data stream stands in the symbol's order of bits."""
    check = blocks_of(version, level).check
    codewords = np.concatenate([places[:-check] for places in interleaving(version, level)])
    return np.asarray((codewords[:, None] * 8 + np.arange(8)[None, :]).reshape(-1), np.intp)


def _likeliest(seen: Floats, version: int) -> tuple[NDArray[np.intp], Floats]:
    """Return the known bits (places, +1 or -1) of the start, the end and the length that agree best."""
    start = max((_start(shape, version) for shape in _STARTS), key=lambda each: _agreement(seen, each))
    ends = _ends(version, len(seen) // 8)
    end = max(ends, key=lambda each: _agreement(seen, each))
    return np.concatenate([start[0], end[0]]), np.concatenate([start[1], end[1]])


def _agreement(seen: Floats, known: tuple[NDArray[np.intp], Floats]) -> float:
    return float(seen[known[0]] @ known[1])


@cache
def _start(shape: str, version: int) -> tuple[NDArray[np.intp], Floats]:
    return _parsed("0100" + "." * count_bits(_BYTES, version) + shape, 0)


@cache
def _ends(version: int, room: int) -> list[tuple[NDArray[np.intp], Floats]]:
    """Return the known bits of every length and shape of the end, with the length itself."""
    width = count_bits(_BYTES, version)
    found = []
    for length in range(_SHORTEST, min(room - width // 8, _LONGEST)):
        head = _parsed(f"{length:0{width}b}", 4)
        for shape in _ENDS:
            begin = 4 + width + 8 * length - len(shape)
            left = (room * 8 - begin - len(shape)) // 8
            tail = shape + "0000" + (_PADS * left)[: 8 * (left - 1)]
            places, bits = _parsed(tail[: room * 8 - begin], begin)
            found.append((np.concatenate([head[0], places]), np.concatenate([head[1], bits])))
    return found


def _parsed(pattern: str, begin: int) -> tuple[NDArray[np.intp], Floats]:
    known = [(begin + index, 1.0 if bit == "1" else -1.0) for index, bit in enumerate(pattern) if bit != "."]
    return np.array([each[0] for each in known], np.intp), np.array([each[1] for each in known], np.float32)
