"""What may become of a stay declared before.

- Longer and over are said of the person's stay, whichever it is; a correction and a withdrawal name one declaration.

Example: ``Change(kind="extension")``
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ChangeKind = Literal["extension", "departure", "correction", "withdrawal"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What is to become of a stay declared before. ``about`` and ``arrival`` come from its receipt code, where one is needed."""

    kind: ChangeKind
    about: str | None = None
    arrival: datetime | None = None
