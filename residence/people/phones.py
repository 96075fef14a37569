"""A phone number as a key: two writings of one Vietnamese number are the same key.

- Spaces, dots, hyphens and brackets are set aside; ``+84`` and ``0084`` are a leading ``0``.
- Mobile numbers of eleven digits became ten between 2018-09-15 and 2019-06-30; the last seven digits stayed. Registers still hold both.
  The table is that of the operators' conversion plans of 2018.
- What does not look like a Vietnamese number has no key: a foreign number, two numbers in one field, an e-mail address.

>>> phone_key("0169 933 3999"), phone_key("+84 39 933 3999")
('0399333999', '0399333999')
"""

from __future__ import annotations

import re
from typing import Final

_SIGNS: Final = re.compile(r"[\s.\-()\u2010-\u2015]+")
_SHAPE: Final = re.compile(r"0[1-9][0-9]{8,9}")
_MOBILE_BEFORE_2018: Final = {
    "0120": "070",
    "0121": "079",
    "0122": "077",
    "0126": "076",
    "0128": "078",
    "0123": "083",
    "0124": "084",
    "0125": "085",
    "0127": "081",
    "0129": "082",
    "0162": "032",
    "0163": "033",
    "0164": "034",
    "0165": "035",
    "0166": "036",
    "0167": "037",
    "0168": "038",
    "0169": "039",
    "0186": "056",
    "0188": "058",
    "0199": "059",
}
_OLD_LENGTH: Final = 11


def phone_key(text: str) -> str | None:
    """Return the digits a number is dialled by inside the country today, or None when it does not look like one."""
    digits = _SIGNS.sub("", text)
    for country in ("+84", "0084"):
        if digits.startswith(country):
            digits = "0" + digits.removeprefix(country).removeprefix("0")
    if not digits.isascii() or not _SHAPE.fullmatch(digits):
        return None
    today = _MOBILE_BEFORE_2018.get(digits[:4]) if len(digits) == _OLD_LENGTH else None
    return f"{today}{digits[4:]}" if today else digits
