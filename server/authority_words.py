"""The words of telling other authorities: what became of a stay's telling, and what was to be told; part of ``server/wording.py``.

Sentences of what went wrong are not here: they come from ``residence/errors/codes/authorities.toml``.

>>> AUTHORITY_WORDS["telling"]["confirmed"]
"Found in the authority's list"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

AUTHORITY_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "telling": {
        "due": "To be told",
        "sending": "Being told",
        "silent": "No answer, asked again by itself",
        "probably": "Probably told, count back",
        "accepted": "Told",
        "confirmed": "Found in the authority's list",
        "refused": "Not taken, to be mended",
        "other-channel": "Another channel is needed",
        "exported": "In the portal's file, count back",
        "nothing": "Nothing to tell",
    },
    "ministry_list": {
        "nationalities": "Nationalities",
        "reasons": "Reasons",
        "documents": "Documents",
        "residences": "Kinds of residence",
        "provinces": "Provinces",
        "wards": "Wards",
    },
    "list_difference": {
        "unknown": "Unknown here",
        "missing": "No entry for ours",
        "moved": "Under another number, followed",
        "reworded": "In other words",
    },
    "line": {"open": "Connection works", "shut": "Connection interrupted"},
}
