"""An answer that comes at an even time: how long the work took says nothing of what it found.

- Somebody known is recorded by other work than somebody new, some milliseconds longer; whoever names a number could tell the two apart by that.
- The end is put off to the next whole step after the beginning, whatever comes of it. Work that takes longer than a step ends at the second.
- The thread waits meanwhile: only where one account may do it but so often.

Example: ``with at_even_time(server.clock): declare(...)``
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Final

from residence.clock import Clock

STEP_NS: Final = 400_000_000


@contextmanager
def at_even_time(clock: Clock) -> Iterator[None]:
    """Let what is done inside end a whole number of steps after it began."""
    began = clock.monotonic_ns()
    try:
        yield
    finally:
        sleep((STEP_NS - (clock.monotonic_ns() - began) % STEP_NS) / 1e9)
