"""Whether a kiosk's process still works: readers, dialogue, store and page. Only then is its watchdog fed, so that one that is stuck is started anew.

- A thread that hangs cannot say so; it is asked, and has ``STUCK_NS`` to answer. Being started anew loses nothing that was kept.
- A device that is missing, a full disk, a line that is down: those are told to operators and no reason to start anew, for it would mend nothing.
- What is stuck is named, for the service manager's status and the log.

Example: ``Liveness(readers=readers, dialogue=ask, store=outbox.depth, page=ask_page, monotonic_ns=clock.monotonic_ns).stuck()``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.readers.port import Beating, Reader

STUCK_NS: Final = 20 * 10**9


@dataclass(frozen=True, kw_only=True, slots=True)
class Liveness:
    """How to ask each part. ``dialogue`` and ``page`` answer whether they are there; ``store`` reads, and raises when it cannot."""

    readers: Sequence[Reader]
    dialogue: Callable[[], bool]
    store: Callable[[], object]
    page: Callable[[], bool]
    monotonic_ns: Callable[[], int]

    def stuck(self) -> list[str]:
        """Return what does not answer; nothing when all is well."""
        found = [each.name for each in self.readers if isinstance(each, Beating) and self._hangs(each.beat_ns)]
        found += [] if self.dialogue() else ["dialogue"]
        found += [] if self._store_reads() else ["store"]
        found += [] if self.page() else ["page"]
        return found

    def _hangs(self, beat_ns: int | None) -> bool:
        return beat_ns is not None and self.monotonic_ns() - beat_ns > STUCK_NS

    def _store_reads(self) -> bool:
        try:
            self.store()
        except Exception:  # noqa: BLE001 - whatever it is, nothing can be looked up
            return False
        return True
