r"""The Vietnamese encoding of before Unicode, TCVN 5712:1993 ("TCVN3", "ABC"), under the name ``tcvn3`` for whoever opens a text.

- ASCII is ASCII; the upper half is the standard's first table, which holds the other two. Letters in its control half are not taken:
  those places are line ends and tabs in a file.
- Capitals with a tone are written by TCVN3 as small letters in a font of capitals; as such they are read, for nobody else knows the font.

>>> install()
>>> b"Tr\xc7n V\xa8n".decode("tcvn3")
'Trần Văn'
"""

from __future__ import annotations

import codecs
from typing import Final

NAME: Final = "tcvn3"
_UPPER_HALF: Final = (
    "ÀẢÃÁẠẶẬÈẺẼÉẸỆÌỈĨÍỊÒỎÕÓỌỘỜỞỠỚỢÙỦŨ"
    "\u00a0ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴ"
    "ẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịò"
    "ỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
TABLE: Final = "".join(map(chr, range(128))) + _UPPER_HALF
_SIGNS: Final = codecs.charmap_build(TABLE)


class _Decoder(codecs.IncrementalDecoder):
    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]  # noqa: ARG002, FBT001, FBT002 - Python's own signature
        """Decode a piece; every byte stands for itself."""
        return codecs.charmap_decode(data, self.errors, TABLE)[0]


class _Encoder(codecs.IncrementalEncoder):
    def encode(self, text: str, final: bool = False) -> bytes:  # noqa: ARG002, FBT001, FBT002 - as above
        """Encode a piece."""
        return codecs.charmap_encode(text, self.errors, _SIGNS)[0]


def _codec(name: str) -> codecs.CodecInfo | None:
    if name != NAME:
        return None
    return codecs.CodecInfo(
        name=NAME,
        encode=lambda text, errors="strict": codecs.charmap_encode(text, errors, _SIGNS),
        decode=lambda data, errors="strict": codecs.charmap_decode(data, errors, TABLE),
        incrementalencoder=_Encoder,
        incrementaldecoder=_Decoder,
    )


def install() -> None:
    """Make the name known to Python; doing it twice changes nothing."""
    try:
        codecs.lookup(NAME)
    except LookupError:
        codecs.register(_codec)
