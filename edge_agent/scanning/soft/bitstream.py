"""From corrected data codewords to the bytes a code says: every segment mode of ISO/IEC 18004 clause 7.4, and its refusals.

- Numeric, alphanumeric, byte and Kanji segments in any mixture, ECI designators, FNC1 in both positions. The bytes are those
  in the code: Kanji as Shift-JIS, an ECI changes nothing but is kept in ``ecis``.
- Whatever cannot be what an encoder wrote is ``Malformed``: a segment longer than the symbol, a digit group above 999, an
  unknown mode, an ECI above 999999. Padding is not judged: encoders differ in it (segno puts a zero codeword first).
- A part of a structured append is ``Refused``: one card is one code, and a message in pieces is somebody's trick.

>>> parse(bytes.fromhex("4161304ec11ec11ec1"), version=1).payload[:1]
Traceback (most recent call last):
...
residence.errors.Malformed: qr.segment_too_long: byte segment of 22 bytes
>>> parse(bytes.fromhex("40230310ec11ec11ec"), version=1).payload
b'01'
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from residence.errors import Malformed, Refused

_ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_LAST_SMALL, _LAST_MIDDLE = 9, 26
# mode -> (name, bits of the character count up to version 9, 26, 40)
_SEGMENTS: Final = {
    1: ("numeric", (10, 12, 14)),
    2: ("alphanumeric", (9, 11, 13)),
    4: ("byte", (8, 16, 16)),
    8: ("kanji", (8, 10, 12)),
}
_TERMINATOR, _APPEND, _FNC1_FIRST, _ECI, _FNC1_SECOND = 0, 3, 5, 7, 9
_LARGEST_ECI: Final = 999_999
_KANJI_TURN: Final = 0x1F00
_DIGIT_GROUPS: Final = {3: 10, 2: 7, 1: 4}  # digits -> bits


class Parsed(NamedTuple):
    """What a code says."""

    payload: bytes
    ecis: tuple[int, ...]
    segments: int
    used_bits: int


@dataclass(slots=True)
class _Bits:
    """The codewords as one long number, read from the front."""

    data: bytes
    position: int = 0
    _value: int = field(init=False)

    def __post_init__(self) -> None:
        self._value = int.from_bytes(self.data, "big")

    @property
    def left(self) -> int:
        return len(self.data) * 8 - self.position

    def take(self, count: int) -> int:
        if count > self.left:
            raise Malformed("qr.segment_too_long", "", f"{count} bits wanted, {self.left} left")
        self.position += count
        return self._value >> (len(self.data) * 8 - self.position) & ((1 << count) - 1)


def parse(data: bytes, *, version: int) -> Parsed:
    """Return what the data codewords say, or raise ``Malformed`` or ``Refused`` with a code of ``readers.toml``."""
    bits, payload, ecis, segments = _Bits(data), bytearray(), list[int](), 0
    fnc1 = False
    while bits.left >= 4 and (mode := bits.take(4)) != _TERMINATOR:  # noqa: PLR2004 -- a mode indicator has four bits
        if mode == _APPEND:
            raise Refused("qr.structured_append", "")
        if mode == _ECI:
            ecis.append(_eci(bits))
        elif mode == _FNC1_FIRST:
            fnc1 = True
        elif mode == _FNC1_SECOND:
            fnc1 = True
            bits.take(8)
        else:
            payload += _segment(bits, mode, version, fnc1=fnc1)
            segments += 1
    return Parsed(bytes(payload), tuple(ecis), segments, bits.position)


def count_bits(mode: int, version: int) -> int:
    """Return how many bits say how long a segment is (table 3)."""
    return _SEGMENTS[mode][1][(version > _LAST_SMALL) + (version > _LAST_MIDDLE)]


def _eci(bits: _Bits) -> int:
    first = bits.take(8)
    if not first & 0x80:
        return first
    if first & 0xC0 == 0x80:  # noqa: PLR2004 -- clause 7.4.2: the leading bits say how many bytes follow
        return (first & 0x3F) << 8 | bits.take(8)
    value = (first & 0x1F) << 16 | bits.take(16)
    if first & 0xE0 != 0xC0 or value > _LARGEST_ECI:  # noqa: PLR2004
        raise Malformed("qr.bad_eci", "", f"designator {first:#x}")
    return value


def _segment(bits: _Bits, mode: int, version: int, *, fnc1: bool) -> bytes:
    if mode not in _SEGMENTS:
        raise Malformed("qr.unknown_mode", "", f"mode {mode}")
    name, count = _SEGMENTS[mode][0], bits.take(count_bits(mode, version))
    needed = {1: count // 3 * 10, 2: count // 2 * 11, 4: count * 8, 8: count * 13}[mode]
    if needed > bits.left:
        raise Malformed("qr.segment_too_long", "", f"{name} segment of {count} bytes")
    match mode:
        case 1:
            return _numeric(bits, count)
        case 2:
            return _alphanumeric(bits, count, fnc1=fnc1)
        case 4:
            return bits.take(8 * count).to_bytes(count, "big")
        case _:
            return b"".join(_kanji(bits.take(13)) for _ in range(count))


def _numeric(bits: _Bits, count: int) -> bytes:
    text = ""
    for size in [3] * (count // 3) + ([count % 3] if count % 3 else []):
        value = bits.take(_DIGIT_GROUPS[size])
        if value >= 10**size:
            raise Malformed("qr.bad_digits", "", f"{size} digits cannot be {value}")
        text += f"{value:0{size}d}"
    return text.encode()


def _alphanumeric(bits: _Bits, count: int, *, fnc1: bool) -> bytes:
    places: list[int] = []
    for _ in range(count // 2):
        places += divmod(bits.take(11), 45)
    if count % 2:
        places.append(bits.take(6))
    if max(places, default=0) >= len(_ALPHANUMERIC):
        raise Malformed("qr.bad_letters", "", f"letter {max(places)} of 45")
    text = "".join(_ALPHANUMERIC[each] for each in places)
    if fnc1:  # clause 7.4.8: % stands for the separator GS, %% for itself
        text = text.replace("%%", "\0").replace("%", "\x1d").replace("\0", "%")
    return text.encode()


def _kanji(value: int) -> bytes:
    word = value // 0xC0 << 8 | value % 0xC0
    word += 0x8140 if word < _KANJI_TURN else 0xC140
    return word.to_bytes(2, "big")
