"""Symbols for the tests of the own reader: by segno, or drawn from any data codewords at all, right or wrong."""

from __future__ import annotations

import cv2
import numpy as np
import segno
import zxingcpp

from edge_agent.scanning.soft.blocks import blocks_of, interleaving
from edge_agent.scanning.soft.layout import LEVEL_BITS, format_word, layout_of

CARD = "001095000117||Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021".encode()
OTHER = "079188004321|023456789|Lê Ngọc Bảo Trân|09091988|Nữ|12 Lê Văn Sỹ, Quận 3, TP.Hồ Chí Minh|20102021".encode()
_BITS_OF = {level: bits for bits, level in LEVEL_BITS.items()}


def symbol(content: bytes | str, version: int | None = None, level: str = "L", mask: int | None = None) -> np.ndarray:
    """A symbol by segno, (side, side), True where dark."""
    mode = "byte" if isinstance(content, bytes) else None
    made = segno.make(content, version=version, error=level, mask=mask, mode=mode, micro=False, boost_error=False)
    return np.array([list(row) for row in made.matrix]) == 1


def soft_values(dark: np.ndarray) -> np.ndarray:
    return np.where(dark, 1, -1).astype(np.float32)


def grey_picture(dark: np.ndarray, module: float = 4, margin: int = 40, ink: int = 25, paper: int = 230) -> np.ndarray:
    """The symbol as a picture with a quiet zone, ``module`` pixels a module."""
    grey = np.pad(np.kron(np.where(dark, ink, paper).astype(np.uint8), np.ones((8, 8), np.uint8)), 64, constant_values=paper)
    small = cv2.resize(grey, None, fx=module / 8, fy=module / 8, interpolation=cv2.INTER_AREA)
    return np.pad(small, margin, constant_values=paper)


def corners_of(dark: np.ndarray, module: float = 4, margin: int = 40) -> np.ndarray:
    """Where ``grey_picture`` draws the symbol: its corners in pixels."""
    low, high = margin + 8 * module - 0.5, margin + (8 + len(dark)) * module - 0.5
    return np.array([(low, low), (high, low), (high, high), (low, high)])


def times(first: int, second: int) -> int:
    """Multiply in GF(256) bit by bit: no tables, so that it shares nothing with the code under test."""
    product = 0
    while second:
        if second & 1:
            product ^= first
        first = first << 1 ^ (0x11D if first & 0x80 else 0)
        second >>= 1
    return product


def check_codewords(data: bytes, check: int) -> bytes:
    """Divide by the generator polynomial, whose roots are the first ``check`` powers of two."""
    generator, root = [1], 1
    for _ in range(check):
        generator = [a ^ times(b, root) for a, b in zip([*generator, 0], [0, *generator], strict=True)]
        root = times(root, 2)
    rest = [*data, *bytes(check)]
    for place in range(len(data)):
        factor = rest[place]
        for step, each in enumerate(generator):
            rest[place + step] ^= times(factor, each)
    return bytes(rest[len(data) :])


def drawn(data: bytes, version: int = 1, level: str = "L", mask: int = 0) -> np.ndarray:
    """A symbol with exactly these data codewords, padded with EC 11."""
    blocks, layout = blocks_of(version, level), layout_of(version)
    room = sum(blocks.lengths) - blocks.number * blocks.check
    assert len(data) <= room, "too long for the symbol"
    data += bytes((0xEC, 0x11)[index % 2] for index in range(room - len(data)))
    codewords, taken = np.zeros(sum(blocks.lengths), np.uint8), 0
    for places in interleaving(version, level):
        part = data[taken : taken + len(places) - blocks.check]
        taken += len(part)
        codewords[places] = np.frombuffer(part + check_codewords(part, blocks.check), np.uint8)
    dark = layout.colours.copy()
    dark[layout.order[:, 0], layout.order[:, 1]] = np.unpackbits(codewords).astype(bool) ^ layout.masks[mask]
    word = format_word(_BITS_OF[level], mask)
    bits = np.array([bool(word >> bit & 1) for bit in range(14, -1, -1)])
    for copy in layout.formats:
        dark[copy[:, 0], copy[:, 1]] = bits
    return dark


def zxing_bytes(dark: np.ndarray) -> bytes | None:
    """What zxing reads in the symbol, with no help from any code of ours."""
    found = zxingcpp.read_barcodes(grey_picture(dark), formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2))
    return bytes(found[0].bytes) if found else None


def bits(*parts: tuple[int, int] | bytes) -> bytes:
    """Put (value, width) pairs and bytes behind each other; the last byte is filled with zeros."""
    text = "".join(f"{part[0]:0{part[1]}b}" if isinstance(part, tuple) else "".join(f"{b:08b}" for b in part) for part in parts)
    text += "0" * (-len(text) % 8)
    return int(text or "0", 2).to_bytes(len(text) // 8, "big")
