"""An incident with personal data: by when the authority must hear of it, and whether the persons must.

- The authority is told within 72 hours of detection (Law 91/2025/QH15; docs/operations.md). Detected is when somebody of ours knew, not when it happened.
- Where a person is or was is location: then the persons are told within the same time, and the file is kept for five years at least. So are biometrics,
  which the registry does not keep.

Example: ``due(parse_instant("2026-11-29T08:00:00+07:00"))`` is 2026-12-02T08:00:00+07:00
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from residence.access.purposes import Field

WITHIN: Final = timedelta(hours=72)
KEPT_YEARS: Final = 5
LOCATION: Final = frozenset({Field.WHEREABOUTS.value, Field.PREMISES.value, Field.UNIT.value})


def due(detected: datetime, *, within: timedelta = WITHIN) -> datetime:
    """Return until when the authority is told."""
    return detected + within


def persons_are_told(fields: Iterable[str] | None) -> bool:
    """Tell whether persons hear of it, too. ``None``: whole records were exposed, places among them."""
    return fields is None or bool(LOCATION & set(fields))
