"""CBOR as this product speaks it: one spelling for every value, nothing left over.

- Only RFC 8949 section 4.2 deterministic encoding is read: shortest lengths, sorted keys, no indefinite items, no trailing bytes.
  The check is that encoding what was decoded gives back the same bytes.
- Byte strings, text, integers, arrays, maps and one tag (18) are all we use; anything else fails at the caller's type check.

>>> decode(encode([1, b"a"]), code="envelope.malformed")
[1, b'a']
"""

from __future__ import annotations

from typing import Any

import cbor2

from residence.errors import Malformed


def encode(value: Any) -> bytes:
    """Write ``value`` in deterministic CBOR."""
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, *, code: str) -> Any:
    """Read exactly one deterministically encoded item, or raise ``Malformed(code)``."""
    try:
        value = cbor2.loads(data)
        again = cbor2.dumps(value, canonical=True)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        raise Malformed(code, "", "not CBOR") from error
    if again != data:
        raise Malformed(code, "", "not the one deterministic spelling, or bytes left over")
    return value
