"""Topics the broker does not take from us: a receipt for one of them must not come again and again with the declaration it answers.

- Mosquitto 2.0.11 answers a topic it forbids with 0x87 and then hangs up. What waits for an acknowledgement comes again with the next
  connection; answered again on that topic it would end every connection, and everybody's line.
- So a refused topic is left alone for ``SHUT_SECONDS``: its receipts are counted as not sent, its declarations acknowledged all the same.
- A broker may hang up without an answer. A topic that was unanswered at the end of ``SUSPECTED_AFTER`` connections in a row is left
  alone, too: perhaps innocent, and then its kiosk asks again.

Example: ``shut.refused("luutru/1/07/blk/kiosk/r", now); shut.holds("luutru/1/07/blk/kiosk/r", now + 1)``
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SHUT_SECONDS: Final = 60.0
SUSPECTED_AFTER: Final = 3
REMEMBERED: Final = 10_000


class ShutTopics:
    """What is left alone, and until when. Outlives connections."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._unanswered: dict[str, int] = {}

    def holds(self, topic: str, now: float) -> bool:
        """Tell whether this topic is to be left alone now."""
        until = self._until.get(topic)
        if until is None:
            return False
        if now >= until:
            del self._until[topic]
            return False
        return True

    def refused(self, topics: Iterable[str], now: float) -> None:
        """Leave these alone for a while."""
        if len(self._until) >= REMEMBERED:
            self._until.clear()  # whatever is still refused is soon known again
        self._until.update(dict.fromkeys(topics, now + SHUT_SECONDS))

    def connection_ended(self, unanswered: Iterable[str], now: float) -> None:
        """Take into account what a connection left unanswered."""
        before = self._unanswered
        self._unanswered = {each: before.get(each, 0) + 1 for each in unanswered}
        self.refused([each for each, times in self._unanswered.items() if times >= SUSPECTED_AFTER], now)
