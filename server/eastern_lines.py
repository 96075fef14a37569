r"""Where a line of Chinese or Japanese may end: between any two of its letters, but for the signs that must not begin or end a line.

- Korean is written with spaces and ends its lines there, as European languages do; so do words in Latin letters between Chinese ones.
- No line begins with a sign that closes (a full stop, a bracket, a small kana), none ends with one that opens (JIS X 4051's rule in short).

>>> fill("滞在は30日未満です。", most=5, width_of=len)
'滞在は30\n日未満で\nす。'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

# Chinese, Japanese and Korean letters with their punctuation and wide forms stand from U+1100 on, but for what lies between: Vietnamese letters, signs.
_FIRST: Final = "\u1100"
_OTHERS: Final = ("\u1200", "\u2e80")
_IDEOGRAPHS: Final = "\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
_CLOSES: Final = "、。，．・：；？！）］｝〉》」』】〕”’…ーぁぃぅぇぉっゃゅょァィゥェォッャュョ%％"
_OPENS: Final = "（［｛〈《「『【〔“‘"
_PIECE: Final = re.compile(rf"[{_OPENS}]*(?:[{_IDEOGRAPHS}]|[^\s{_IDEOGRAPHS}{_OPENS}]+|\s)[{_CLOSES}]*")


def is_eastern(text: str) -> bool:
    """Tell whether a text has letters of Chinese, Japanese or Korean.

    >>> is_eastern("Phường Mẫu – ☐"), is_eastern("滞在"), is_eastern("체류")
    (False, True, True)
    """
    others, after = _OTHERS
    return any(letter >= after or _FIRST <= letter < others for letter in text)


def fill(text: str, *, most: float, width_of: Callable[[str], float]) -> str:
    """Return the text with line ends where Chinese or Japanese letters would run over ``most``; other text as it is."""
    if not re.search(f"[{_IDEOGRAPHS}]", text):
        return text
    return "\n".join(_filled(line, most, width_of) for line in text.split("\n"))


def _filled(text: str, most: float, width_of: Callable[[str], float]) -> str:
    lines, line, wide = [], "", 0.0
    for piece in _PIECE.findall(text):
        own = width_of(piece)
        if line and wide + own > most and piece.strip():
            lines.append(line.rstrip())
            line, wide = "", 0.0
        line, wide = line + piece, wide + own
    return "\n".join([*lines, line])
