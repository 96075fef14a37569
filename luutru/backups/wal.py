"""SQLite's write-ahead log as bytes: which of its frames are committed, and where the last commit ends.

- The file format's own rules (sqlite.org/fileformat2.html, "The Write-Ahead Log"): a frame counts when it has the header's salts and its checksum goes on from
  the frame before; a commit is a frame that says how large the database is.
- What lies behind the last commit is somebody's unfinished work or left over from before, and is never taken.
- Reading goes on where it ended, so that every frame is summed once.

Example: ``taken = committed(data, begun(header))``
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from residence.errors import Malformed

HEADER_BYTES: Final = 32
FRAME_BYTES: Final = 24
_BIG: Final = 0x377F0683
_LITTLE: Final = 0x377F0682
_MASK: Final = 0xFFFFFFFF
_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The log's header. The first salt goes up by one each time the log is begun again; the sequence number beside it is each connection's own."""

    page_bytes: int
    salts: tuple[int, int]
    sums: tuple[int, int]
    big: bool

    @property
    def frame_bytes(self) -> int:
        """How long a frame is, with its page."""
        return FRAME_BYTES + self.page_bytes


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Up to where a log has been read: always the end of a commit, or its beginning."""

    header: Header
    offset: int
    sums: tuple[int, int]

    @property
    def position(self) -> str:
        """The place as text that sorts in the order of commits."""
        return position(self.header.salts[0], self.offset)


def position(beginning: int, offset: int) -> str:
    """Return a place as text that sorts: which beginning of the log, and how far in it."""
    return f"{beginning:010d}-{offset:014d}"


def follows(header: Header, before: Header) -> bool:
    """Tell whether a log is the one before, begun again once."""
    return header.salts[0] == (before.salts[0] + 1) & _MASK


def read_header(data: bytes) -> Header | None:
    """Read the header; None for a log nobody has written to; ``Malformed("backup.log_unreadable")`` when it is none."""
    if len(data) < HEADER_BYTES or not any(data[:HEADER_BYTES]):
        return None
    magic, _, page_bytes, _, *rest = _HEADER.unpack_from(data)
    if magic not in {_BIG, _LITTLE}:
        raise Malformed("backup.log_unreadable", "", "magic")
    big = magic == _BIG
    sums = checksum(data[: HEADER_BYTES - 8], (0, 0), big=big)
    if sums != (rest[2], rest[3]):
        raise Malformed("backup.log_unreadable", "", "header")
    return Header(page_bytes=page_bytes, salts=(rest[0], rest[1]), sums=sums, big=big)


def begun(header: Header) -> Place:
    """Return the place before the first frame."""
    return Place(header=header, offset=HEADER_BYTES, sums=header.sums)


def committed(data: bytes, place: Place) -> Place:
    """Return the end of the last commit in ``data``, which begins at ``place``."""
    header, sums, end = place.header, place.sums, place
    for at in range(0, len(data) - header.frame_bytes + 1, header.frame_bytes):
        _, pages, *salts, first, second = _FRAME.unpack_from(data, at)
        if tuple(salts) != header.salts:
            break
        sums = checksum(data[at : at + 8], sums, big=header.big)
        sums = checksum(data[at + FRAME_BYTES : at + header.frame_bytes], sums, big=header.big)
        if sums != (first, second):
            break
        if pages:
            end = Place(header=header, offset=place.offset + at + header.frame_bytes, sums=sums)
    return end


def checksum(data: bytes, sums: tuple[int, int], *, big: bool) -> tuple[int, int]:
    """Go on with the log's checksum over ``data``, whose length is a multiple of eight."""
    words = struct.unpack(f"{'>' if big else '<'}{len(data) // 4}I", data)
    first, second = sums
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second


def pages_of(frames: bytes, page_bytes: int) -> list[tuple[int, int, bytes]]:
    """Return (page number, pages of the database after a commit or 0, content) of frames that were taken."""
    size = FRAME_BYTES + page_bytes
    if len(frames) % size:
        raise Malformed("backup.unreadable", "", "frames")
    found = []
    for at in range(0, len(frames), size):
        number, pages, *_ = _FRAME.unpack_from(frames, at)
        found.append((number, pages, frames[at + FRAME_BYTES : at + size]))
    return found
