"""Whether planted words stand in a heap of bytes, in whatever dress: encodings of text, base64, hexadecimal, compressed."""

from __future__ import annotations

import base64
import binascii
import bz2
import lzma
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEXADECIMAL = re.compile(rb"(?:[0-9A-Fa-f]{2}){6,}")
_DEPTH = 3


def traces(heap: bytes, planted: Iterable[str]) -> set[str]:
    """Return which planted words are in the heap."""
    dressed = {word: tuple(_dresses(word)) for word in planted}
    return {
        word for layer in _layers(heap, _DEPTH) for word, dresses in dressed.items() if any(each in layer for each in dresses)
    }


def _dresses(word: str) -> Iterator[bytes]:
    for form in ("NFC", "NFD"):
        for text in {unicodedata.normalize(form, each) for each in (word, word.upper(), word.lower())}:
            for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "cp1258"):
                try:
                    yield text.encode(encoding)
                except UnicodeEncodeError:
                    continue
            yield text.encode("ascii", "backslashreplace")  # as JSON escapes it


def _layers(heap: bytes, depth: int) -> Iterator[bytes]:
    yield heap
    if depth == 0:
        return
    for inner in (*_unpacked(heap), *_unwritten(heap)):
        yield from _layers(inner, depth - 1)


def _unpacked(heap: bytes) -> Iterator[bytes]:
    """Yield what zlib, gzip, bzip2 and xz make of every place that begins like one of theirs."""
    openings = {
        b"\x78": lambda: zlib.decompressobj(),  # noqa: PLW0108 - alike for all
        b"\x1f\x8b\x08": lambda: zlib.decompressobj(31),
        b"BZh": bz2.BZ2Decompressor,
        b"\xfd7zXZ": lzma.LZMADecompressor,
    }
    for opening, make in openings.items():
        at = heap.find(opening)
        while at >= 0:
            if opening != b"\x78" or (at + 1 < len(heap) and int.from_bytes(heap[at : at + 2], "big") % 31 == 0):
                try:
                    inner = make().decompress(heap[at : at + (1 << 20)])
                except (zlib.error, OSError, EOFError, lzma.LZMAError):
                    inner = b""
                if len(inner) > 8:
                    yield inner
            at = heap.find(opening, at + 1)


def _unwritten(heap: bytes) -> Iterator[bytes]:
    """Yield all base64, at each of four places of its first letter, and all hexadecimal, decoded."""
    found: list[bytes] = []
    for text in _BASE64.findall(heap):
        plain = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4):
            whole = plain[start : start + (len(plain) - start) // 4 * 4]
            try:
                found.append(base64.b64decode(whole))
            except binascii.Error:
                continue
    for text in _HEXADECIMAL.findall(heap):
        found += [bytes.fromhex(text.decode()), bytes.fromhex(text[1:-1].decode())]
    if found:
        yield b"\n".join(found)
