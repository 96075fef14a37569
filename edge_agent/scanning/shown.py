"""When a code counts as newly shown: a card held still is delivered once, until it has been gone for a moment.

- A frame or two without the code (blur, a hand's tremble) is not "gone"; ``gone_after_ns`` of not seeing it is.
- Two cards in one view are two codes; each is delivered once.
- Only a hash of the payload is remembered, and only while the code is in view: this is personal data.

>>> shown = NewlyShown(gone_after_ns=1_000)
>>> [shown.is_new(b"card", now_ns) for now_ns in (0, 500, 1_400, 3_000)]
[True, False, False, True]
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

GONE_AFTER_NS: Final = 1_500_000_000


class NewlyShown:
    """Remembers what is in view now."""

    def __init__(self, *, gone_after_ns: int = GONE_AFTER_NS) -> None:
        self._gone_after_ns = gone_after_ns
        self._last_seen: dict[bytes, int] = {}

    def is_new(self, payload: bytes, now_ns: int) -> bool:
        """Note that ``payload`` is seen now; tell whether it was not in view before."""
        self._last_seen = {key: at for key, at in self._last_seen.items() if now_ns - at <= self._gone_after_ns}
        key = sha256(payload).digest()
        known = key in self._last_seen
        self._last_seen[key] = now_ns
        return not known
