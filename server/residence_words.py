"""The words pages use for temporary residence: one table per kind of word, as in ``server/wording.py``.

Example: ``RESIDENCE_WORDS["lodging"]["to_renew"]`` is ``"Ends soon, renew"``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RESIDENCE_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "lodging": {
        "to_come": "Begins later",
        "holds": "Registered",
        "to_renew": "Ends soon, renew",
        "ended": "Registration ended",
        "moved_out": "Moved out",
    },
}

RESIDENCE_TAGS: Final[Mapping[str, str]] = {
    "to_come": "govuk-tag--blue",
    "holds": "govuk-tag--green",
    "to_renew": "govuk-tag--yellow",
    "moved_out": "govuk-tag--grey",
}
