"""Seeded damage for the short run without a fuzzer: cuts, bent bits, bent lengths and doubled pieces of a good input."""

from __future__ import annotations

import random
from collections.abc import Iterator

_LENGTHS = (0, 0x7F, 0x80, 0x81, 0x84, 0xFF)


def bent(seed: bytes, *, name: str, count: int) -> Iterator[bytes]:
    """Return ``count`` damaged copies, the same ones for the same name; the first byte says which parser and stays."""
    draw = random.Random(name)
    for _ in range(count):
        data = bytearray(seed)
        for _ in range(draw.randrange(1, 4)):
            if len(data) < 2:
                break
            place = draw.randrange(1, len(data))
            kind = draw.randrange(4)
            if kind == 0:
                data[place] ^= 1 << draw.randrange(8)
            elif kind == 1:
                data[place] = draw.choice(_LENGTHS)
            elif kind == 2:
                data[place:place] = data[place : place + draw.randrange(1, 40)]
            else:
                del data[place + 1 :]
        yield bytes(data)
