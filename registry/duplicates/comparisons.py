"""What two persons are compared by, level by level, in SQL that means the same to every engine.

- A comparison asks its levels in order; the first that holds counts. The last has no condition: nothing above held. Where a field is
  missing on either side the comparison says nothing: a missing field is never equal and never different.
- A level's code is its sentence (``residence/errors/codes/duplicates.toml``), so that a score can be told in words.
- ``common_by`` weighs a level by how often the value itself occurs: two Nguyễn Thị Lan are less than two H'Loan Niê Kdăm, two born on
  1 January less than two born on 7 March.
- Only equality and ``levenshtein`` are used, the latter on ASCII keys alone: engines count other letters differently. What is Vietnamese
  about a comparison has been done by the keys.
- Accents are a comparison of their own, asked only where the rest of the name is equal and both sides carry accents (An, Ân).

>>> [level.code for level in COMPARISONS[0].levels][:2]
['duplicates.name.equal', 'duplicates.name.other_order']
"""

from __future__ import annotations

from typing import Final

import msgspec


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One answer a comparison can give. ``holds`` is None for the last: nothing above held."""

    code: str
    holds: str | None = None
    common_by: str | None = None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One thing compared; ``says_nothing`` is when there is nothing to compare."""

    name: str
    says_nothing: str
    levels: tuple[Level, ...]


def _missing(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def _equal(column: str) -> str:
    return f"{column}_l = {column}_r"


def _near(column: str, most: int) -> str:
    return f"levenshtein({column}_l, {column}_r) <= {most}"


def _comparison(name: str, says_nothing: str, *levels: tuple[str, str | None, str | None]) -> Comparison:
    made = tuple(Level(code=f"duplicates.{name}.{word}", holds=holds, common_by=common) for word, holds, common in levels)
    return Comparison(name=name, says_nothing=says_nothing, levels=made)


_REISSUED: Final = "personal_l = personal_before_r OR personal_before_l = personal_r"

COMPARISONS: Final = (
    _comparison(
        "name",
        _missing("plain"),
        ("equal", _equal("plain"), "plain"),
        ("other_order", _equal("words"), None),
        ("word_missing", f"{_equal('ends')} AND word_count_l <> word_count_r", "ends"),
        ("middle_different", _equal("ends"), "ends"),
        ("initials", _equal("initials"), "initials"),
        ("near", f"length(plain_l) > 7 AND length(plain_r) > 7 AND {_near('plain', 2)}", None),
        ("given_equal", _equal("given"), "given"),
        ("different", None, None),
    ),
    _comparison(
        "accents",
        f"{_missing('plain')} OR plain_l <> plain_r OR NOT has_accents_l OR NOT has_accents_r",
        ("equal", _equal("accented"), None),
        ("different", None, None),
    ),
    _comparison(
        "birth",
        _missing("year"),
        ("equal", _equal("day"), "day"),
        ("swapped", "day_l = swapped_r", None),
        ("year_known", "year_l = year_r AND (day_l IS NULL OR day_r IS NULL)", None),
        ("one_digit", _near("day", 1), None),
        ("same_year", _equal("year"), None),
        ("different", None, None),
    ),
    _comparison("sex", _missing("sex"), ("equal", _equal("sex"), None), ("different", None, None)),
    _comparison(
        "personal",
        _missing("personal"),
        ("equal", _equal("personal"), None),
        ("reissued", _REISSUED, None),
        ("near", _near("personal", 2), None),
        ("different", None, None),
    ),
    _comparison(
        "old", _missing("old"), ("equal", _equal("old"), None), ("near", _near("old", 1), None), ("different", None, None)
    ),
    _comparison("document", _missing("document"), ("equal", _equal("document"), None), ("different", None, None)),
    _comparison("phone", _missing("phone"), ("equal", _equal("phone"), "phone"), ("different", None, None)),
    _comparison(
        "address",
        _missing("whole"),
        ("equal", _equal("whole"), "whole"),
        ("same_house", _equal("house"), "house"),
        ("same_commune", _equal("commune"), None),
        ("same_province", _equal("province"), None),
        ("different", None, None),
    ),
)
