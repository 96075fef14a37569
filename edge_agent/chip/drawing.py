"""Where the protocols' random numbers come from: drawn from bytes that are passed in, so worked examples can be replayed.

- A private key is uniform in [1, order - 1] to within 2 ** -64.

Example: ``FromBytes(luutru.system.random_bytes).scalar(order)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

_SPARE_BYTES: Final = 8


class Draw(Protocol):
    """A source of random bytes and private keys."""

    def take(self, count: int) -> bytes:
        """Return random bytes."""
        ...

    def scalar(self, order: int) -> int:
        """Return a private key for a group of this order."""
        ...


class FromBytes:
    """Draws from the operating system's generator, handed in as a function."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes

    def take(self, count: int) -> bytes:
        """Return random bytes."""
        return self._random_bytes(count)

    def scalar(self, order: int) -> int:
        """Return a private key for a group of this order."""
        size = (order.bit_length() + 7) // 8 + _SPARE_BYTES
        return 1 + int.from_bytes(self._random_bytes(size), "big") % (order - 1)
