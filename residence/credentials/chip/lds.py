"""The data groups of a chip (ICAO Doc 9303-10): what each file says, parsed from the raw bytes that were hashed.

- Every parser takes the whole file and returns a value or ``Malformed``; a group that cannot be read never lowers what another says.
- Texts are capped, and control characters and bidirectional marks removed: the chip is handed in by the person who wants to get in.
- DG2 is looked at for its header only (how many pictures, of which kind, how large); no picture is kept and none is decoded.
- What a group holds besides what we name is kept raw under its tag.

Example: ``parse_dg1(raw)`` returns the lines of the machine-readable zone, top first.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Final

from residence.credentials.chip import tlv
from residence.errors import Malformed

TAGS: Final = {
    0x60: "COM",
    0x61: "DG1",
    0x75: "DG2",
    0x63: "DG3",
    0x76: "DG4",
    0x65: "DG5",
    0x66: "DG6",
    0x67: "DG7",
    0x68: "DG8",
} | {0x69: "DG9", 0x6A: "DG10", 0x6B: "DG11", 0x6C: "DG12", 0x6D: "DG13", 0x6E: "DG14", 0x6F: "DG15", 0x70: "DG16", 0x77: "SOD"}
NUMBERS: Final = {f"DG{number}": number for number in range(1, 17)}
_MRZ_SHAPES: Final = {90: 30, 72: 36, 88: 44}
_LONGEST_TEXT: Final = 500
_MOST_PICTURES: Final = 9
_LIST_OF_TAGS: Final = 0x5C
_JPEG: Final = b"\xff\xd8\xff"
_JPEG_2000: Final = (b"\x00\x00\x00\x0cjP", b"\xff\x4f\xff\x51")
_FACE: Final = b"FAC\x00"


def clean_text(data: bytes) -> str:
    """Return UTF-8 text, or Latin-1 where it is none, without what could disturb a screen."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    kept = "".join(char for char in text[: 4 * _LONGEST_TEXT] if unicodedata.category(char)[0] != "C")
    return unicodedata.normalize("NFC", kept).strip()[:_LONGEST_TEXT]


def _body(raw: bytes, tag: int) -> tlv.Node:
    return tlv.read_node(raw, trailing=True).expect(tag)


@dataclass(frozen=True, kw_only=True, slots=True)
class Common:
    """EF.COM: versions, and which groups the chip says it has. It is not signed by itself."""

    version: str
    groups: tuple[str, ...]


def parse_com(raw: bytes) -> Common:
    """Read EF.COM."""
    parts = {part.tag: part.value for part in _body(raw, 0x60).children(most=10)}
    names = tuple(TAGS.get(tag, f"{tag:02X}") for tag in parts.get(_LIST_OF_TAGS, b""))
    return Common(version=clean_text(parts.get(0x5F01, b"")), groups=names[:20])


def parse_dg1(raw: bytes) -> tuple[str, ...]:
    """Return the lines of the machine-readable zone, top first."""
    zone = _body(raw, 0x61).only(0x5F1F).value
    width = _MRZ_SHAPES.get(len(zone))
    if width is None or not zone.isascii():
        raise Malformed("chip.group", "/DG1", f"{len(zone)} characters")
    text = zone.decode("ascii")
    return tuple(text[start : start + width] for start in range(0, len(text), width))


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One picture's header: its kind and size in bytes, nothing of the picture."""

    kind: str
    size: int


def parse_dg2(raw: bytes) -> tuple[Picture, ...]:
    """Return the headers of the face pictures."""
    group = _body(raw, 0x75).only(0x7F61).children(most=_MOST_PICTURES + 1)
    pictures = []
    for template in group:
        if template.tag != 0x7F60:
            continue
        block = next((part.value for part in template.children(most=10) if part.tag in {0x5F2E, 0x7F2E}), None)
        if block is None or not block.startswith(_FACE):
            raise Malformed("chip.group", "/DG2", "no face record")
        pictures.append(Picture(kind=_picture_kind(block), size=len(block)))
    return tuple(pictures)


def _picture_kind(block: bytes) -> str:
    head = block[:400]  # headers and up to a dozen feature points stand before the picture
    if _JPEG in head:
        return "JPEG"
    return "JPEG 2000" if any(mark in head for mark in _JPEG_2000) else "unknown"


def parse_dg7(raw: bytes) -> tuple[Picture, ...]:
    """Return the headers of the signature pictures."""
    parts = _body(raw, 0x67).children(most=_MOST_PICTURES + 1)
    return tuple(Picture(kind=_picture_kind(part.value), size=len(part.value)) for part in parts if part.tag == 0x5F43)


@dataclass(frozen=True, kw_only=True, slots=True)
class Details:
    """DG11, DG12 and DG16: texts by name, and the rest raw by tag. ``persons`` only in DG16."""

    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    others: dict[str, bytes] = field(default_factory=dict)


_PERSONAL: Final = {
    0x5F0E: "full_name",
    0x5F0F: "other_name",
    0x5F10: "personal_number",
    0x5F2B: "birth",
    0x5F11: "place_of_birth",
    0x5F42: "address",
    0x5F12: "telephone",
    0x5F13: "profession",
    0x5F14: "title",
    0x5F15: "summary",
    0x5F17: "other_documents",
    0x5F18: "custody",
}
_DOCUMENT: Final = {
    0x5F19: "authority",
    0x5F26: "issued",
    0x5F1B: "endorsements",
    0x5F1C: "tax_exit",
    0x5F55: "personalised_at",
    0x5F56: "personalisation_system",
}
_TO_NOTIFY: Final = {0x5F50: "recorded", 0x5F51: "name", 0x5F52: "telephone", 0x5F53: "address"}
_PACKED_DATES: Final = {"birth", "issued", "recorded"}


def _date_text(value: bytes) -> str:
    """Return a date as text; some issuers pack two digits into a byte."""
    return value.hex() if len(value) == 4 else clean_text(value)


def _details(parts: tuple[tlv.Node, ...], names: dict[int, str]) -> Details:
    texts: dict[str, tuple[str, ...]] = {}
    others: dict[str, bytes] = {}
    flat = [inner for part in parts for inner in (part.children(most=50) if part.tag == 0xA0 else (part,))]
    for part in flat:
        name = names.get(part.tag)
        if name is None:
            if part.tag not in {_LIST_OF_TAGS, tlv.INTEGER}:
                others[f"{part.tag:04X}"] = part.value
            continue
        text = _date_text(part.value) if name in _PACKED_DATES else clean_text(part.value.replace(b"<", b" "))
        texts[name] = (*texts.get(name, ()), text)
    return Details(texts=texts, others=others)


def parse_dg11(raw: bytes) -> Details:
    """Return additional personal details."""
    return _details(_body(raw, 0x6B).children(most=50), _PERSONAL)


def parse_dg12(raw: bytes) -> Details:
    """Return additional document details; pictures of the document are counted as raw, not kept apart."""
    return _details(_body(raw, 0x6C).children(most=50), _DOCUMENT)


def parse_dg15(raw: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo of Active Authentication."""
    return _body(raw, 0x6F).only(tlv.SEQUENCE).raw


def parse_dg16(raw: bytes) -> tuple[Details, ...]:
    """Return the persons to notify."""
    people = _body(raw, 0x70).children(most=30)
    return tuple(_details(person.children(most=20), _TO_NOTIFY) for person in people if person.is_constructed)
