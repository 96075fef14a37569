"""Where in a symbol's data a text begins that another decoder read there: what stood before it says what kind of code it is.

- Some decoders give the text of a damaged code and not its heading. The text's own bits, a thousand of them, find their place in the soft
  values even where a tenth of the modules is wrong; the heading is what is left in front (ISO/IEC 18004 clause 7.4).
- Before a whole text there is a mode and a length, with an ECI twelve bits more. Twenty bits more are the header of a part of
  a structured append (clause 8.2).
- A text in several segments stands nowhere as one run of bytes; then the first four modules decide, as they look.

Example: ``is_a_part(look.soft, layout_of(8), code.payload)``
"""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_agent.scanning.soft.card_text import length_bits, stream_of
from edge_agent.scanning.soft.codewords import formats
from edge_agent.scanning.soft.grid import Floats
from edge_agent.scanning.soft.layout import Layout

_HEADER: Final = 20  # bits of a structured append's header
_MODE: Final = 4
_APPEND: Final = (-1, -1, 1, 1)  # the mode 0011
_CLEARLY: Final = 0.4  # of the text's bits, weighted by how sure they are; elsewhere in the stream 0.25 was the most seen


def is_a_part(soft: Floats, layout: Layout, text: bytes) -> bool:
    """Tell whether a symbol with these soft values (side, side), in which ``text`` was read, is one of several codes."""
    stream = np.clip(_stream(soft, layout), -1, 1)
    bits = np.unpackbits(np.frombuffer(text, np.uint8)).astype(np.float32) * 2 - 1
    if 0 < len(bits) <= len(stream):
        heard = np.correlate(np.abs(stream), np.ones_like(bits), "valid")
        agreement = np.correlate(stream, bits, "valid") / np.maximum(heard, 1e-9)
        begin = int(agreement.argmax())
        if agreement[begin] > _CLEARLY:
            return begin - _MODE - length_bits(layout.version) >= _HEADER
    return bool((np.sign(stream[:_MODE]) == _APPEND).all())


def _stream(soft: Floats, layout: Layout) -> Floats:
    """Return the data bits in the order in which the encoder wrote them, unmasked, as soft values."""
    form = formats(soft, layout)[0]
    places = stream_of(layout.version, form.level)
    values: Floats = soft[layout.order[places, 0], layout.order[places, 1]]
    return np.where(layout.masks[form.mask][places], -values, values)
