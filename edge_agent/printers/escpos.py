"""The few ESC/POS commands a slip needs: a picture, a cut, and two questions about how the printer is.

- A slip is sent as a raster picture (``GS v 0``): no code page of any printer holds Vietnamese, Chinese, Korean, Japanese and Russian.
- The picture goes in bands, so that a printer with a small buffer can begin.
- A status byte has two bits always set and two never (``DLE EOT``); anything else is no answer, and no answer is not "all is well".

>>> trouble_of(0x12, 0x72)
'printer.no_paper'
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from PIL import Image

INITIALISE: Final = b"\x1b@"
FEED_AND_CUT: Final = b"\x1dVB\x00"  # feed to the cutter, then cut; a printer without one only feeds
ASK_OFFLINE: Final = b"\x10\x04\x02"
ASK_PAPER: Final = b"\x10\x04\x04"
BAND_ROWS: Final = 64
_FIXED_BITS: Final = 0b1001_0011
_FIXED_VALUE: Final = 0b0001_0010
_COVER_OPEN: Final = 0x04
_STOPPED_FOR_PAPER: Final = 0x20
_ERROR: Final = 0x40
_NO_PAPER: Final = 0x60


def raster(picture: Image.Image) -> Iterator[bytes]:
    """Yield a one-bit picture (black is 0) as bands of raster commands."""
    across = (picture.width + 7) // 8
    for top in range(0, picture.height, BAND_ROWS):
        rows = min(BAND_ROWS, picture.height - top)
        band = picture.crop((0, top, across * 8, top + rows))
        dots = bytes(each ^ 0xFF for each in band.tobytes())
        yield b"\x1dv0\x00" + across.to_bytes(2, "little") + rows.to_bytes(2, "little") + dots


def is_status(byte: int | None) -> bool:
    """Tell whether a byte can be the answer to a status question."""
    return byte is not None and byte & _FIXED_BITS == _FIXED_VALUE


def trouble_of(offline: int | None, paper: int | None) -> str | None:
    """Return the code of what keeps the printer from printing, None when it says that nothing does."""
    if paper is not None and paper & _NO_PAPER == _NO_PAPER:
        return "printer.no_paper"
    if offline is None:
        return None
    if offline & _COVER_OPEN:
        return "printer.cover_open"
    if offline & _STOPPED_FOR_PAPER:
        return "printer.no_paper"
    return "printer.failed" if offline & _ERROR else None
