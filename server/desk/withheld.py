"""What a correction's form shows of the declaration it corrects, and what it keeps unseen.

- A field is shown when the clerk's purpose releases it (``residence/access/purposes.py``); the look is on the record with those fields.
- What nothing releases is left blank and **kept as declared when left empty**: numbers, home address, notes, the reason in own words, the
  end of the permitted stay. The clerk can replace it and never reads it.
- The reason's own words go with the reason: another reason does not keep them.

Example: ``shown({"full_name": "Trần Văn An", "note": "..."}, released)`` -> ``{"full_name": "Trần Văn An", "note": ""}``
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from residence.access.purposes import Field

# Form field -> what releases it. A field that is not here is never shown.
RELEASED_BY: Final[Mapping[str, Field]] = {
    "full_name": Field.FULL_NAME,
    "birth": Field.BIRTH_DATE,
    "sex": Field.SEX,
    "nationality": Field.NATIONALITY,
    "personal_number": Field.PERSONAL_NUMBER,
    "document_kind": Field.DOCUMENT,  # its number is released masked, so it is never in a form
    "residence_text": Field.RESIDENCE_TEXT,
    "premises_id": Field.PREMISES,
    "unit": Field.UNIT,
    "arrival": Field.INTERVAL,
    "planned_departure": Field.INTERVAL,
    "reason": Field.REASON,
}


def shown(declared: Mapping[str, str], released: AbstractSet[Field]) -> dict[str, str]:
    """Return the form as it is opened: what is not released is blank."""
    return {name: value if _is_shown(name, released) else "" for name, value in declared.items()}


def kept(declared: Mapping[str, str], released: AbstractSet[Field]) -> dict[str, str]:
    """Return what stays as declared while the clerk leaves it empty."""
    return {name: value for name, value in declared.items() if not _is_shown(name, released)}


def filled(form: Mapping[str, str], kept_fields: Mapping[str, str], *, reason: str) -> dict[str, str]:
    """Return the submitted form with what it keeps. ``reason``: as declared."""
    held = {name: value for name, value in kept_fields.items() if not form.get(name, "").strip()}
    if form.get("reason") != reason:
        held.pop("reason_text", None)
    return dict(form) | held


def _is_shown(name: str, released: AbstractSet[Field]) -> bool:
    return name in RELEASED_BY and RELEASED_BY[name] in released
