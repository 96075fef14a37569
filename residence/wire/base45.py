"""Base45 (RFC 9285): bytes as the alphanumeric characters of a QR code.

- Strict: only the spelling the encoder makes is read; over-large groups and one-letter leftovers are refused with ``ValueError``.

>>> encode(b"ietf!")
'QED8WEX0'
"""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {letter: value for value, letter in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """Write bytes as Base45: two bytes as three letters, a last single byte as two."""
    letters: list[str] = []
    for start in range(0, len(data), 2):
        pair = data[start : start + 2]
        number = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            number, digit = divmod(number, 45)
            letters.append(ALPHABET[digit])
    return "".join(letters)


def decode(text: str) -> bytes:
    """Read Base45, or raise ``ValueError``."""
    out = bytearray()
    for start in range(0, len(text), 3):
        group = text[start : start + 3]
        try:
            number = sum(_VALUES[letter] * 45**place for place, letter in enumerate(group))
        except KeyError as error:
            raise ValueError("a letter outside the alphabet") from error
        if len(group) == 1:
            raise ValueError("a single letter is left over")
        try:
            out += number.to_bytes(len(group) - 1, "big")
        except OverflowError as error:
            raise ValueError("a group is too large") from error
    return bytes(out)
