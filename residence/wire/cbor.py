"""CBOR as this product speaks it: one spelling for every value, nothing left over.

- Only RFC 8949 section 4.2 deterministic encoding is read: shortest lengths, sorted keys, no indefinite items, no trailing bytes.
  The check is that encoding what was decoded gives back the same bytes.
- Byte strings, text, integers, arrays, maps and one tag (18) are all we use; anything else fails at the caller's type check.
- Any other tag is refused before anything is built: two hundred bytes of references (tag 29) write out as gigabytes, and decoders make
  regular expressions, decimals and dates of other tags.

>>> decode(encode([1, b"a"]), code="envelope.malformed")
[1, b'a']
"""

from __future__ import annotations

from typing import Any, Final

import cbor2

from residence.errors import Malformed

_BYTES, _TEXT, _TAG = 2, 3, 6
_SIGN1_TAG: Final = 18


def encode(value: Any) -> bytes:
    """Write ``value`` in deterministic CBOR."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, *, code: str) -> Any:
    """Read exactly one deterministically encoded item, or raise ``Malformed(code)``."""
    if _has_other_tag(data):
        raise Malformed(code, "", "a tag we do not use")
    try:
        value = cbor2.loads(data)
        again = cbor2.dumps(value, canonical=True)
    except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, MemoryError, RecursionError) as error:
        raise Malformed(code, "", "not CBOR") from error
    if again != data:
        raise Malformed(code, "", "not the one deterministic spelling, or bytes left over")
    return value


def byte_string_at(data: bytes, place: int) -> tuple[bytes, int] | None:
    """Return the byte string whose head is at ``place``, and where it ends; None unless it is there whole and in its one spelling.

    A general decoder costs several times more, and every message has six of these. None means: let ``decode`` say what is wrong.
    """
    head = data[place : place + 3]
    if head[:1] == b"\x58" and len(head) > 1 and head[1] >= 24:  # noqa: PLR2004 - RFC 8949 section 3: shorter ones have shorter heads
        start, length = place + 2, head[1]
    elif head[:1] == b"\x59" and len(head) == 3 and head[1]:  # noqa: PLR2004 - as above
        start, length = place + 3, head[1] << 8 | head[2]
    elif head and 0x40 <= head[0] < 0x58:  # noqa: PLR2004 - as above
        start, length = place + 1, head[0] - 0x40
    else:
        return None
    end = start + length
    return (data[start:end], end) if end <= len(data) else None


def _has_other_tag(data: bytes) -> bool:
    """Tell whether a tag but 18 stands among the heads, what is inside strings left out; damaged data is the decoder's business."""
    place, end = 0, len(data)
    while place < end:
        major, short = data[place] >> 5, data[place] & 31
        more = 1 << (short - 24) if 24 <= short <= 27 else 0  # noqa: PLR2004 - RFC 8949 section 3: 1, 2, 4 or 8 bytes follow
        argument = int.from_bytes(data[place + 1 : place + 1 + more], "big") if more else short
        if major == _TAG and argument != _SIGN1_TAG:
            return True
        is_string = major in {_BYTES, _TEXT} and short != 31  # noqa: PLR2004 - 31 opens a string in parts, whose parts follow
        place += 1 + more + (argument if is_string else 0)
    return False
