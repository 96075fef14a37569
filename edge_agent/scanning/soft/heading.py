"""What stands in a symbol's data before a text that another decoder read there: it says whether the symbol is one of several codes.

- Some decoders give the text of a damaged code and not its heading. Every heading a card's code may have, and the same with the header
  of a structured append (ISO/IEC 18004 clauses 7.4 and 8.2), is held with the text's first bytes against the soft values; the one that
  most of them speak for is taken. A third of the modules may be wrong.
- The digits with which a text begins may be a segment of their own, as numbers or as bytes, and an ECI may follow them.
- Where none agrees clearly, the text is cut up in another way or the place was seen badly; then the first four modules decide.

Example: ``is_a_part(look.soft, layout_of(8), code.payload)``
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np

from edge_agent.scanning.soft.bitstream import count_bits
from edge_agent.scanning.soft.card_text import stream_of
from edge_agent.scanning.soft.codewords import Format, formats
from edge_agent.scanning.soft.grid import Floats
from edge_agent.scanning.soft.layout import Layout

_BYTES, _NUMBERS = 4, 1  # modes
_APPEND: Final = "0011" + "." * 16  # "." is any bit
_MODE: Final = (-1, -1, 1, 1)  # its mode, 0011
_ECI, _FNC1 = "01110" + "." * 7, "0101"
_WHOLE: Final = ("", _ECI, _FNC1)
_PARTS: Final = (_APPEND, _APPEND + _ECI, _APPEND + _FNC1, _ECI + _APPEND)
_FORMATS: Final = 4  # likeliest: in so bad a place the format is none too sure
_OPENING: Final = 32  # bytes of the text that are held against the symbol
_CLEARLY: Final = 4.0  # times what chance gives


def is_a_part(soft: Floats, layout: Layout, text: bytes) -> bool:
    """Tell whether a symbol with these soft values (side, side), in which ``text`` was read, is one of several codes."""
    streams = [_stream(soft, layout, form) for form in formats(soft, layout)[:_FORMATS]]
    headings = [(head, _as_signs(head + opening)) for head, opening in _openings(text, layout.version)]
    found = [(*_spoken_for(signs, stream), head) for head, signs in headings for stream in streams]
    _, clearly, head = max(found)
    return head in _PARTS if clearly > _CLEARLY else bool((np.sign(streams[0][: len(_MODE)]) == _MODE).all())


def _stream(soft: Floats, layout: Layout, form: Format) -> Floats:
    """Return the data bits in the order in which the encoder wrote them, unmasked, as soft values from -1 to 1."""
    places = stream_of(layout.version, form.level)
    values: Floats = soft[layout.order[places, 0], layout.order[places, 1]]
    return np.clip(np.where(layout.masks[form.mask][places], -values, values), -1, 1)


def _as_signs(pattern: str) -> Floats:
    return np.array([{"1": 1, "0": -1, ".": 0}[bit] for bit in pattern], np.float32)


def _spoken_for(signs: Floats, stream: Floats) -> tuple[float, float]:
    """Return how much the stream's beginning speaks for these signs, and how many times what chance gives that is."""
    length = min(len(signs), len(stream))
    said = stream[:length] * signs[:length]
    total = float(said.sum())
    return total, total / max(float(np.linalg.norm(said)), 1e-9)


def _openings(text: bytes, version: int) -> Iterator[tuple[str, str]]:
    """Yield every heading with every way in which ``text`` may begin in a symbol of ``version``, as bits."""
    digits = text[: len(text) - len(text.lstrip(b"0123456789"))]
    rest = _segment(_BYTES, text[len(digits) :], version) if digits != text else ""
    apart = [_segment(_NUMBERS, digits, version) + then + rest for then in ("", _ECI)]
    return product((*_WHOLE, *_PARTS), (_segment(_BYTES, text, version), *(apart if digits else ())))


def _segment(mode: int, text: bytes, version: int) -> str:
    """Return the first bits of a segment that says ``text``."""
    said = _bits(text[:_OPENING]) if mode == _BYTES else _numbers(text)
    return f"{mode:04b}{len(text):0{count_bits(mode, version)}b}{said}"


def _bits(text: bytes) -> str:
    return "".join(f"{each:08b}" for each in text)


def _numbers(digits: bytes) -> str:
    """Return digits as a numeric segment has them: three in ten bits, two in seven, one in four (clause 7.4.3)."""
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "".join(f"{int(each):0{(4, 7, 10)[len(each) - 1]}b}" for each in groups)
