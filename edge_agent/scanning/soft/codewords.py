"""From one soft value per module to bytes: format, codewords with a reliability each, and generalised minimum distance decoding.

- Soft value: above 0 is dark; its size is how sure. A codeword is as sure as its least sure bit.
- Errors alone are tried first, then with the 2, 5, 8 ... least sure codewords of a block erased (Forney 1966). With erasures
  ``spare`` check codewords must be left over: without them any noise decodes into something. All blocks must succeed.
- What comes out is what the code's own mathematics confirms; nothing is ever filled in beyond it.

Example: ``decode(soft, layout_of(8))`` with ``soft`` of shape (49, 49) gives ``Decoded`` or None.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.scanning.soft.bitstream import Parsed, parse
from edge_agent.scanning.soft.blocks import Level, blocks_of, correcting, interleaving
from edge_agent.scanning.soft.layout import LEVEL_BITS, Layout, format_word
from edge_agent.scanning.soft.reed_solomon import correct
from residence.errors import Malformed, Refused

Soft = NDArray[np.float32]
SPARE: Final = 4
_CLEAR: Final = 0.25  # by so much the likeliest format must agree better than the next to be the only one tried
_ERASED_STEP: Final = 3
_STEEP: Final = 8.0  # how fast a codeword becomes sure


class Format(NamedTuple):
    """Level and mask, and how far the soft values agree with them (1 is perfectly)."""

    level: Level
    mask: int
    agreement: float


class Decoded(NamedTuple):
    """One decoded symbol. ``errors`` and ``erasures`` count codewords over all blocks.

    ``parsed`` is None when the codewords are right and still say nothing that may be used; ``refusal`` is the code why.
    """

    parsed: Parsed | None
    refusal: str
    format: Format
    errors: int
    erasures: int
    codewords: NDArray[np.uint8]  # as the symbol carries them, corrected

    @property
    def payload(self) -> bytes | None:
        """Return the bytes the code says."""
        return self.parsed.payload if self.parsed else None


@cache
def _format_words() -> tuple[list[tuple[Level, int]], NDArray[np.float32]]:
    names: list[tuple[Level, int]] = [(LEVEL_BITS[bits], mask) for bits in LEVEL_BITS for mask in range(8)]  # type: ignore[misc]
    words = [format_word(bits, mask) for bits in LEVEL_BITS for mask in range(8)]
    signs = np.array([[1.0 if word >> (14 - bit) & 1 else -1.0 for bit in range(15)] for word in words], np.float32)
    return names, signs


def formats(soft: Soft, layout: Layout) -> list[Format]:
    """Return all formats, likeliest first, from both copies of the fifteen bits."""
    names, signs = _format_words()
    seen = np.clip(soft[layout.formats[..., 0], layout.formats[..., 1]], -1, 1).sum(axis=0)
    agreement = signs @ seen / max(float(np.abs(seen).sum()), 1e-9)
    likeliest = np.argsort(-agreement)
    return [Format(level=names[index][0], mask=names[index][1], agreement=float(agreement[index])) for index in likeliest]


def decode(soft: Soft, layout: Layout, *, spare: int | None = SPARE, likely: list[Format] | None = None) -> Decoded | None:
    """Return what the symbol says, or None. With ``spare`` None only errors are corrected: the quick first try."""
    likely = formats(soft, layout) if likely is None else likely
    for form in likely[: 1 if likely[0].agreement - likely[1].agreement > _CLEAR else 2]:
        found = decode_as(soft, layout, form, spare=spare)
        if found is not None:
            return found
    return None


def burden(soft: Soft, layout: Layout, form: Format) -> float:
    """Return how many codewords of the worst block are probably wrong, as a share of its check codewords.

    Half of that could be corrected if nothing were known of their places; above 1.25 nothing ever was.
    """
    _, sureness = read_codewords(soft, layout, form.mask)
    wrong = 1 / (1 + np.exp(np.minimum(_STEEP * sureness, 50)))
    check = blocks_of(layout.version, form.level).check
    return max(float(wrong[places].sum()) / check for places in interleaving(layout.version, form.level))


def decode_as(soft: Soft, layout: Layout, form: Format, *, spare: int | None = SPARE) -> Decoded | None:
    """Return what the symbol says if its format is ``form``."""
    words, sureness = read_codewords(soft, layout, form.mask)
    corrected = correct_all(words, sureness, layout.version, form.level, spare=spare)
    if corrected is None:
        return None
    codewords, errors, erasures = corrected
    try:
        parsed, refusal = parse(data_of(codewords, layout.version, form.level), version=layout.version), ""
    except (Malformed, Refused) as error:
        parsed, refusal = None, error.code
    return Decoded(parsed, refusal, form, errors, erasures, codewords)


def read_codewords(soft: Soft, layout: Layout, mask: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the codewords in the symbol's order and how sure each is: shapes (codewords,)."""
    values = soft[layout.order[:, 0], layout.order[:, 1]]
    dark = (values > 0) ^ layout.masks[mask]
    return np.packbits(dark), np.abs(values).reshape(-1, 8).min(axis=1)


def data_of(codewords: NDArray[np.uint8], version: int, level: Level) -> bytes:
    """Return the data codewords of all blocks in order, as the encoder wrote them."""
    check = blocks_of(version, level).check
    return b"".join(codewords[places[:-check]].tobytes() for places in interleaving(version, level))


def correct_all(
    words: NDArray[np.uint8], sureness: NDArray[np.float32], version: int, level: Level, *, spare: int | None
) -> tuple[NDArray[np.uint8], int, int] | None:
    """Correct every block, or return None; with how many codewords were wrong and how many erased."""
    check, places = blocks_of(version, level).check, interleaving(version, level)
    length = max(len(each) for each in places)
    rows = np.zeros((len(places), length), np.uint8)
    for row, place in zip(rows, places, strict=True):
        row[length - len(place) :] = words[place]
    most = (correcting(version, level), 0 if spare is None else check - spare)
    found = _first_successes(rows, [sureness[place] for place in places], check, most)
    if found is None:
        return None
    fixed, errors, erasures = found
    result = words.copy()
    for row, place in zip(fixed, places, strict=True):
        result[place] = row[length - len(place) :]
    return result, int(errors.sum()), erasures


def _first_successes(
    rows: NDArray[np.uint8], sureness: list[NDArray[np.float32]], check: int, most: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.intp], int] | None:
    """Return the first success of every row over a growing number of erasures: the rows, their errors, erasures in all.

    ``most`` is what may be corrected without erasures, and with (0: they are not tried). All trials of all rows run together; a
    success that changes the zeros before a shorter block is none, and ends the search in that block: only noise has one.
    """
    counts = (0, *range(_ERASED_STEP - 1, most[1] + 1, _ERASED_STEP))
    length, trials = rows.shape[1], len(counts)
    erased = np.zeros((len(rows), trials, length), bool)
    for row, sure in enumerate(sureness):
        doubtful = length - len(sure) + np.argsort(sure, kind="stable")
        for index, count in enumerate(counts):
            erased[row, index, doubtful[:count]] = True
    allowed = np.tile([most[0]] + [most[1]] * (trials - 1), len(rows))
    before = np.repeat(rows, trials, axis=0)
    fixed, errors = correct(before, check=check, erased=erased.reshape(-1, length), most=allowed, trials_each=trials)
    filling = np.arange(length)[None, :] < np.array([length - len(sure) for sure in sureness]).repeat(trials)[:, None]
    fits = ((errors >= 0) & ~((fixed != before) & filling).any(axis=1)).reshape(len(rows), trials)
    if not fits.any(axis=1).all():
        return None
    first = fits.argmax(axis=1)
    chosen = np.arange(len(rows)) * trials + first
    return fixed[chosen], errors[chosen], int(sum(counts[index] for index in first))
