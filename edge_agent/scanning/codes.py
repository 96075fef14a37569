"""A code read from one picture.

- The payload is the exact bytes in the code, never a decoder's guess at their charset (zbar guesses Shift-JIS for Vietnamese).
- ``text`` is strict UTF-8 or nothing; NFC and the card's grammar are the parser's business, nothing is repaired here.
- Corners run top left, top right, bottom right, bottom left in the code's own orientation, in pixels of the picture given.

>>> Code(payload="Trần Văn An".encode(), format="QRCode", reader="zxing", corners=((0, 0), (9, 0), (9, 9), (0, 9))).text
'Trần Văn An'
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from residence.credentials.reading import is_complete

Corners = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One code: its bytes, "QRCode", the stage that read it, and where it stood."""

    payload: bytes
    format: str
    reader: str
    corners: Corners

    @property
    def text(self) -> str | None:
        """Return the payload as strict UTF-8 text, or None when it is not."""
        try:
            return self.payload.decode("utf-8")
        except UnicodeDecodeError:
            return None


def has_card(codes: Iterable[Code]) -> bool:
    """Tell whether one of them is a whole card: what a kiosk goes on looking for beside a poster's code."""
    return any(is_complete(code.payload) for code in codes)
