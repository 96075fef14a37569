"""How the signed papers of a fleet are called, and which kiosk stands where in a rollout.

- A district's key signs below the district's own name: each kiosk's settings, the district's words, and a list for the doors of each site.
- A kiosk's place among a hundred follows from its name, so that every rollout by shares begins with the same kiosks.

>>> document_path("ward-01", "kiosk-lobby-1")
'ward-01/kiosk-lobby-1/configuration.json'
>>> door_list_path("ward-01", "blk-hoa-binh")
'ward-01/blk-hoa-binh/door-list.json'
"""

from __future__ import annotations

import hashlib
from typing import Final

SETTINGS: Final = "configuration.json"
WORDS: Final = "words.json"
DOOR_LIST: Final = "door-list.json"


def document_path(district: str, kiosk_id: str) -> str:
    """Return the name a kiosk asks for."""
    return f"{district}/{kiosk_id}/{SETTINGS}"


def words_path(district: str) -> str:
    """Return the name of a district's words for its screens."""
    return f"{district}/words/{WORDS}"


def door_list_path(district: str, site: str) -> str:
    """Return the name of a site's list for its doors."""
    return f"{district}/{site}/{DOOR_LIST}"


def place_of(kiosk_id: str) -> int:
    """Return where among a hundred a kiosk stands in every rollout: 0 to 99."""
    return int.from_bytes(hashlib.sha256(kiosk_id.encode()).digest()[:4], "big") % 100
