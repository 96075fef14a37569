"""The words of the page of a house's programs: how a webhook and its messages stand.

Example: ``PROGRAM_WORDS["hook"]["gone"]``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PROGRAM_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "hook": {
        "active": "Told",
        "paused": "Paused",
        "gone": "Stopped: the address said no more",
        "given_up": "Stopped: nothing was taken for five days",
    },
    "hook_type": {
        "declaration.accepted": "Accepted",
        "declaration.conflicting": "In conflict, please check",
        "declaration.refused": "Refused",
        "webhook.test": "Test message",
    },
    "told": {"waiting": "Waiting", "sending": "On its way", "delivered": "Taken", "failed": "Not taken"},
}
PROGRAM_TAGS: Final[Mapping[str, str]] = {
    "hook-active": "govuk-tag--green",
    "hook-paused": "govuk-tag--yellow",
    "hook-gone": "govuk-tag--red",
    "hook-given_up": "govuk-tag--red",
    "told-waiting": "govuk-tag--yellow",
    "told-sending": "govuk-tag--yellow",
    "told-delivered": "govuk-tag--green",
    "told-failed": "govuk-tag--red",
}
