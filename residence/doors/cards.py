"""A card's number as a reader gave it: bits and format, kept as they came, and how much such a number is worth.

- Nothing is cut, turned round or read as a number on its way: 26 bits stay 26 bits of their format, so two formats never mean one card.
- 128 bits that no card format names are a token of ours (an application on a card or a phone). Everything else is a number that others may
  know or count up: it opens only doors that say so (``least = "card-number"``, ADR 70).
- People see bits, hexadecimal and, where the 26-bit format H10301 holds with both parities, facility and card number.

>>> parse_card("wiegand:26:05181cc0").number
'facility 10, card 12345'
>>> parse_card("wiegand:26:85181cc0").number  # a parity that does not hold is no number
''
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from residence.errors import Malformed

CardFormat = Literal["raw", "wiegand"]
TOKEN_BITS: Final = 128
MOST_BITS: Final = 512
_H10301_BITS: Final = 26
_HALF: Final = 13
_BYTE: Final = 8
_PARTS: Final = 3


class CardNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Bits of one card: most significant first, left-aligned, padded with zeros."""

    format: CardFormat
    bits: int
    data: bytes

    @property
    def is_token(self) -> bool:
        """Tell whether this is a random token of ours and no number."""
        return self.format == "raw" and self.bits == TOKEN_BITS

    @property
    def text(self) -> str:
        """Return it as people and commands write it."""
        return f"{self.format}:{self.bits}:{self.data.hex()}"

    @property
    def token(self) -> bytes:
        """Return what a list has the hash of: a token as it is, a number with its format and its bits."""
        return self.data if self.is_token else self.text.encode()

    @property
    def number(self) -> str:
        """Return facility and card number where the 26-bit format holds; empty otherwise."""
        if self.format != "wiegand" or self.bits != _H10301_BITS:
            return ""
        value = int.from_bytes(self.data, "big") >> (-self.bits % _BYTE)
        first, last = value >> _HALF, value & ((1 << _HALF) - 1)
        # Even parity over the first half, odd over the second, each with its own parity bit.
        if first.bit_count() % 2 or not last.bit_count() % 2:
            return ""
        return f"facility {value >> 17 & 0xFF}, card {value >> 1 & 0xFFFF}"


def card_number(form: CardFormat, bits: int, data: bytes) -> CardNumber:
    """Return the card, or raise ``Malformed("door.card_malformed")`` when bits and bytes do not fit."""
    if not 1 <= bits <= MOST_BITS or len(data) != -(-bits // _BYTE):
        raise Malformed("door.card_malformed", "/card", f"{bits} bits in {len(data)} bytes")
    if data[-1] & ((1 << (-bits % _BYTE)) - 1):
        raise Malformed("door.card_malformed", "/card", "bits behind the last one")
    return CardNumber(format=form, bits=bits, data=data)


def parse_card(text: str) -> CardNumber:
    """Read what ``text`` wrote, or raise ``Malformed("door.card_malformed")``."""
    parts = text.split(":")
    if len(parts) != _PARTS or parts[0] not in {"raw", "wiegand"} or not (parts[1].isascii() and parts[1].isdecimal()):
        raise Malformed("door.card_malformed", "/card", text)
    try:
        data = bytes.fromhex(parts[2])
    except ValueError as error:
        raise Malformed("door.card_malformed", "/card", text) from error
    return card_number("wiegand" if parts[0] == "wiegand" else "raw", int(parts[1]), data)
