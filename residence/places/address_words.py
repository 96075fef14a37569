"""The small words of an address below its units: house number, alley, street, building, hamlet.

- ``segments`` cuts one part into runs of words and says of each what its first words say it is; a run no word explains is a ``name``.
- A number at the beginning is a house; a name right after a house or an alley is its street.
- Without accents a word counts only before a number (``hem 12``, ``to 5``): ``to huu`` is a name.
- Words that also begin names (đội, tổ, khu, ấp, bản, xóm, làng) count after a house only before a number: 5 Đội Cấn, 20 Xóm Chiếu are streets.

>>> segments("Số 5 ngách 12/3 ngõ 45 Láng Hạ")
[('house', 'Số 5'), ('alley', 'ngách 12/3'), ('alley', 'ngõ 45'), ('street', 'Láng Hạ')]
"""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal["house", "alley", "street", "building", "hamlet", "name"]

_NUMBER: Final = r"[0-9]+(?:\s?bis\b|[a-zđ](?![^\W\d_]))?(?:[/-][0-9]+[a-zđ]?(?![^\W\d_]))*"
_LETTERED: Final = rf"(?:[a-z]{{1,2}}[.-]?)?{_NUMBER}"
_ENDS: Final = r"(?![^\s.,)])"
_HOUSE: Final = re.compile(
    rf"(?:(?:số nhà|so nha|nhà số|sn|số|so|lô|lo)\s?[.:]?\s?{_LETTERED}|{_LETTERED}){_ENDS}\.?",
    re.IGNORECASE,
)
_ALLEY: Final = re.compile(rf"(?:(?:hẻm|hem|ngõ|ngo|ngách|ngach|kiệt|kiet)\s?(?:số\s)?|k){_NUMBER}{_ENDS}", re.IGNORECASE)
_ROAD: Final = re.compile(
    r"(?:đường|duong(?=\s)|đ\.|đại lộ|quốc lộ|tỉnh lộ|hương lộ|huyện lộ|phố|(?:ql|tl|hl|đt|dt)\.?(?=\s?[0-9]))(?=[\s.0-9])",
    re.IGNORECASE,
)
_BUILDING: Final = re.compile(
    r"(?:chung cư|cư xá|căn hộ|tòa nhà|toà nhà|tòa|toà|block|tầng|lầu|phòng|cc)(?=[\s.])|p\.?\s?(?=[0-9]{3})", re.IGNORECASE
)
_SURE_HAMLET: Final = re.compile(
    r"(?:tổ dân phố|to dan pho|khu phố|khu pho|khu vực|khu dân cư|khu đô thị|khu công nghiệp|tiểu khu|thôn|(?:tdp|kp|kv|kdc|kđt|kcn)(?=[\s.0-9]))"
    r"(?=[\s.0-9])",
    re.IGNORECASE,
)
_HAMLET_BEFORE_NUMBER: Final = re.compile(
    r"(?:tổ|to|đội|doi|khu|ấp|ap|bản|ban|buôn|buon|xóm|xom|khóm|khom|làng|lang|thon|sóc|phum)\s?(?:số\s)?[0-9]+[a-z]?" + _ENDS,
    re.IGNORECASE,
)
_HAMLET: Final = re.compile(r"(?:ấp|bản|buôn|xóm|khóm|làng|phum|sóc|khu|thôn)\s(?=\S)", re.IGNORECASE)

_OPENERS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (("street", _ROAD), ("hamlet", _SURE_HAMLET), ("building", _BUILDING))
_AFTER_THESE_A_STREET: Final = frozenset({"house", "alley"})


def segments(part: str) -> list[tuple[Kind, str]]:
    """Cut one part between commas into runs of words with what each is. Joined by spaces the runs are the part again."""
    found: list[tuple[Kind, str]] = []
    words = part.split()
    start = 0
    while start < len(words):
        kind, count = _next(words[start:], found)
        text = " ".join(words[start : start + count])
        if kind == "name" and found and found[-1][0] in _AFTER_THESE_A_STREET:
            kind = "street"
        found.append((kind, text))
        start += count
    return found


def _next(words: list[str], before: list[tuple[Kind, str]]) -> tuple[Kind, int]:
    """Return what the words begin with, and how many of them are of it."""
    text = " ".join(words)
    alley = _ALLEY.match(text)
    if alley:
        return "alley", alley[0].count(" ") + 1
    for kind, pattern in _OPENERS:
        match = pattern.match(text)
        if match:
            return kind, _run(words, match[0].rstrip())
    numbered = _HAMLET_BEFORE_NUMBER.match(text)
    if numbered:
        return "hamlet", numbered[0].count(" ") + 1
    house = _HOUSE.match(text)
    if house and all(kind != "house" for kind, _ in before):
        return "house", house[0].count(" ") + 1
    hamlet = _HAMLET.match(text)
    if hamlet and not (before and before[-1][0] in _AFTER_THESE_A_STREET):
        return "hamlet", _run(words, hamlet[0].rstrip())
    return "name", _end(words, 1)


def _run(words: list[str], opener: str) -> int:
    """Return how many words belong to what an opening word begins: a name of one word at least, unless it is glued on (``KP6``)."""
    count = opener.count(" ") + 1
    return _end(words, count + (" ".join(words[:count]) == opener))


def _end(words: list[str], taken: int) -> int:
    """Return where a name ends: before the next word that says what follows."""
    while taken < len(words):
        text = " ".join(words[taken:])
        if any(pattern.match(text) for pattern in (_ALLEY, _SURE_HAMLET, _HAMLET_BEFORE_NUMBER, _ROAD)):
            break
        taken += 1
    return min(taken, len(words))
