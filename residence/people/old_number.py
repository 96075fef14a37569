"""The number of the old identity document (CMND): 9 digits, or 12 on documents of 2012 to 2016.

- Text, never a number: a leading zero is part of it.
- A 12-digit CMND is the personal number itself.
- Never the only key of a person: numbers were issued again between provinces.

>>> is_old_number("012345678"), is_old_number("12345678")
(True, False)
"""

from __future__ import annotations

from typing import Final

LENGTH: Final = 9


def is_old_number(text: str) -> bool:
    """Tell whether the text is 9 ASCII digits."""
    return len(text) == LENGTH and text.isascii() and text.isdigit()
