"""The ministry's code lists beside ours, both ways: what it calls a word of ours, and what of its list we do not know.

- Found by the entry's words first, whatever number it bears: a list that was numbered anew still means the same. Where no entry has words we know, the
  number of the document stands as long as the list has it; an entry that clearly is another word of ours is never taken for it.
- What we do not know is an alarm for people and stops nothing else: entries of theirs we have no word for, and words of ours they have no entry for.
- Provinces are found by their names of today. Wards are not compared: we tell none.

Example: ``their_code("reasons", 18, {"21": "Chữa bệnh"})`` is ``"21"``
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, Literal

import msgspec

from residence.people.dated_codes import PASSPORT_CODES, country_days
from residence.people.documents import DOCUMENTS
from residence.people.letters import match_key
from residence.places.provinces import names_of, province_key
from residence.stays.reasons import REASON_FILE

ListName = Literal["nationalities", "reasons", "documents", "residences", "provinces", "wards"]
LIST_NAMES: Final[tuple[ListName, ...]] = ("nationalities", "reasons", "documents", "residences", "provinces", "wards")
_FILE_ONLY: Final = 9  # a document of the portal's file alone
_RESIDENCES: Final = {1: ("thường trú",), 2: ("tạm trú",), 3: ("khác",)}


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One entry in which a list of theirs differs. ``moved``: its words are ours under another number, which is followed."""

    kind: Literal["unknown", "missing", "moved", "reworded"]
    code: str
    label: str

    @property
    def is_alarm(self) -> bool:
        """Tell whether somebody has to look: what is moved or reworded still means what it meant."""
        return self.kind in {"unknown", "missing"}


@cache
def _words(name: ListName) -> dict[int, frozenset[str]]:
    """Return ministry code of the document -> our words for it, as keys."""
    if name == "residences":
        return {code: frozenset(map(match_key, words)) for code, words in _RESIDENCES.items()}
    rows = {"reasons": REASON_FILE, "documents": DOCUMENTS}[name].codes
    return {
        row.ministry: frozenset(match_key(each) for each in (row.vi, *row.also))
        for row in rows
        if row.ministry is not None and (name != "documents" or row.ministry != _FILE_ONLY)
    }


def _meant(name: ListName, label: str) -> int | None:
    """Return which of our words an entry has, by its label."""
    key = match_key(label)
    return next((code for code, words in _words(name).items() if key in words), None)


def their_code(name: ListName, ours: int, content: Mapping[str, str]) -> str | None:
    """Return the code a list of theirs (code -> label) has for a code of the document, None when it has none.

    >>> their_code("documents", 2, {"1": "CCCD", "2": "Giấy tờ cũ"}), their_code("reasons", 1, {"1": "Công tác"})
    ('2', None)
    """
    same = [code for code, label in content.items() if _meant(name, label) == ours]
    if same:
        return str(ours) if str(ours) in same else same[0]
    return str(ours) if str(ours) in content and _meant(name, content[str(ours)]) is None else None


def differences(name: ListName, content: Mapping[str, str]) -> tuple[Difference, ...]:
    """Return in what a list of theirs differs from what we know."""
    match name:
        case "wards":
            return ()
        case "nationalities":
            known = country_days().keys() | PASSPORT_CODES.keys()
            return tuple(
                Difference(kind="unknown", code=code, label=label) for code, label in content.items() if code not in known
            )
        case "provinces":
            names = {province_key(each) for each in names_of("from-2025-07-01")}
            strange = [(code, label) for code, label in content.items() if province_key(label) not in names]
            return tuple(Difference(kind="unknown", code=code, label=label) for code, label in strange)
        case _:
            return tuple(_numbered(name, content))


def _numbered(name: ListName, content: Mapping[str, str]) -> list[Difference]:
    words = _words(name)
    found: list[Difference] = []
    for code, label in content.items():
        meant = _meant(name, label)
        if meant is not None and str(meant) != code:
            found.append(Difference(kind="moved", code=code, label=label))
        elif meant is None:
            known = code in map(str, words)
            found.append(Difference(kind="reworded" if known else "unknown", code=code, label=label))
    gone = [code for code in words if their_code(name, code, content) is None]
    return [*found, *(Difference(kind="missing", code=str(code), label=min(words[code])) for code in gone)]
