"""What one input may cost: 64 MiB of memory on top of what the process holds, and one second of processor time.

- Memory is held by the kernel (``RLIMIT_AS``): one byte more is a MemoryError out of the parser, and that is a finding.
- Time is the process's own (``ITIMER_VIRTUAL``), so a busy machine changes nothing; code that never comes back from a library is the
  fuzzer's or the test runner's time limit to end.
- Linux only, in the main thread.

Example: ``with one_input(): judge(data)``
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_BYTES = 64 * 2**20
MOST_SECONDS = 1.0
_PAGE = resource.getpagesize()
_HELD = Path("/proc/self/statm")


class TooSlow(BaseException):
    """One input took more than a second of the processor; no parser's ``except Exception`` may swallow it."""


def _over(_signal, _frame):
    raise TooSlow


@contextmanager
def one_input(*, seconds: float = MOST_SECONDS) -> Iterator[None]:
    """Hold whatever runs inside to both limits."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGVTALRM, _over)
    held = int(_HELD.read_text().split()[0]) * _PAGE
    resource.setrlimit(resource.RLIMIT_AS, (held + MOST_BYTES, limits[1]))
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGVTALRM, handler)
