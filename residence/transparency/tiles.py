"""The log as static files, as C2SP tlog-tiles has them: where each lies, what is in it, and the tree read from them.

- A tile holds 256 hashes of one level in eight; what lies between is hashed when asked for. The last of a level may be partial.
- Entries lie in bundles beside the tiles of level 0, each with its length before it (two bytes, so 65,535 at most).
- Files are fetched by a function the caller hands in, so a folder and an address are read alike. Nothing fetched is believed: who reads
  compares what comes out with a signed root.

>>> tile_path(0, 1234067, 256), tile_path(1, 0, 17), bundle_path(2, 4)
('tile/0/x001/x234/067', 'tile/1/000.p/17', 'tile/entries/002.p/4')
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from residence.errors import Malformed
from residence.transparency.merkle import HASH_BYTES, leaf_hash, node_hash

WIDTH: Final = 256
LONGEST_ENTRY: Final = 65_535
_HEIGHT: Final = 8  # levels of the tree in one tile
_LENGTH_BYTES: Final = 2
_THOUSAND: Final = 1000
# path -> content, or raises Malformed("log.file_missing")
Fetch = Callable[[str], bytes]


def tile_path(level: int, index: int, width: int) -> str:
    """Return where a tile lies."""
    return f"tile/{level}/{_numbered(index, width)}"


def bundle_path(index: int, width: int) -> str:
    """Return where a bundle of entries lies."""
    return f"tile/entries/{_numbered(index, width)}"


def _numbered(index: int, width: int) -> str:
    parts = [f"{index % _THOUSAND:03d}"]
    while index := index // _THOUSAND:
        parts.insert(0, f"x{index % _THOUSAND:03d}")
    return "/".join(parts) + ("" if width == WIDTH else f".p/{width}")


def width_of(index: int, count: int) -> int:
    """Return how wide the ``index``-th tile is where its level has ``count`` hashes."""
    return min(WIDTH, count - index * WIDTH)


def pack(entries: Sequence[bytes]) -> bytes:
    """Return a bundle."""
    if any(len(each) > LONGEST_ENTRY for each in entries):
        raise Malformed("log.entry_malformed", "", "an entry is too long")
    return b"".join(len(each).to_bytes(_LENGTH_BYTES, "big") + each for each in entries)


def unpack(bundle: bytes) -> list[bytes]:
    """Return the entries of a bundle, or raise ``Malformed("log.bundle_malformed")``."""
    entries, at = [], 0
    while at < len(bundle):
        begin = at + _LENGTH_BYTES
        end = begin + int.from_bytes(bundle[at:begin], "big")
        if end > len(bundle) or begin > len(bundle):
            raise Malformed("log.bundle_malformed")
        entries.append(bundle[begin:end])
        at = end
    return entries


class Tiles:
    """The tree of one size, read from its tiles; each is fetched once."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self.size: Final = size
        self._fetch: Final = fetch
        self._kept: dict[tuple[int, int], bytes] = {}

    def at(self, level: int, index: int) -> bytes:
        """Return the hash of the ``index``-th complete subtree of 2**level leaves: a ``HashAt``."""
        tile_level, above = divmod(level, _HEIGHT)
        count = 1 << above
        first = index * count
        hashes = self._hashes(tile_level, first // WIDTH)[first % WIDTH * HASH_BYTES :][: count * HASH_BYTES]
        layer = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
        if len(layer) != count:
            raise Malformed("log.tile_malformed", "", f"level {tile_level}")
        return _joined(layer)

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """Give the entries of [start, end)."""
        for bundle in range(start // WIDTH, -(-end // WIDTH)):
            width = width_of(bundle, self.size)
            found = unpack(whole_or_part(self._fetch, bundle_path(bundle, width), bundle_path(bundle, WIDTH)))[:width]
            if len(found) != width:
                raise Malformed("log.bundle_malformed", "", f"bundle {bundle}")
            begin = bundle * WIDTH
            yield from found[max(0, start - begin) : end - begin]

    def _hashes(self, level: int, index: int) -> bytes:
        if (level, index) not in self._kept:
            width = width_of(index, self.size >> level * _HEIGHT)
            content = whole_or_part(self._fetch, tile_path(level, index, width), tile_path(level, index, WIDTH))
            self._kept[level, index] = content[: width * HASH_BYTES]
        return self._kept[level, index]


def whole_or_part(fetch: Fetch, path: str, whole: str) -> bytes:
    """Fetch a file; a partial one may have given way to the whole one."""
    try:
        return fetch(path)
    except Malformed:
        if whole == path:
            raise
        return fetch(whole)


def grown(tiles: Tiles, entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """Give every file that a log has more once ``entries`` follow: bundles first, then tiles, level by level.

    A tile of a level above is made from the tiles just given and those there were; the caller keeps them in this order.
    """
    packed = [pack([each]) for each in entries]
    yield from _level_grown(
        tiles.size, packed, bundle_path, lambda start, end: [pack([each]) for each in tiles.entries(start, end)]
    )
    level, count, added = 0, tiles.size, [leaf_hash(each) for each in entries]
    while added:
        old = _old_hashes(tiles, level)
        yield from _level_grown(count, added, partial(tile_path, level), old)
        begin = count // WIDTH * WIDTH
        layer = old(begin, count) + added
        whole = len(layer) // WIDTH
        added = [_joined(layer[number * WIDTH : (number + 1) * WIDTH]) for number in range(whole)]
        level, count = level + 1, count // WIDTH


def _level_grown(
    count: int, added: list[bytes], path: Callable[[int, int], str], old: Callable[[int, int], list[bytes]]
) -> Iterator[tuple[str, bytes]]:
    begin = count // WIDTH * WIDTH
    layer = old(begin, count) + added
    for number in range(0, len(layer), WIDTH):
        part = layer[number : number + WIDTH]
        yield path((begin + number) // WIDTH, len(part)), b"".join(part)


def _old_hashes(tiles: Tiles, level: int) -> Callable[[int, int], list[bytes]]:
    return lambda start, end: [tiles.at(level * _HEIGHT, index) for index in range(start, end)]


def _joined(layer: list[bytes]) -> bytes:
    while len(layer) > 1:
        layer = [node_hash(left, right) for left, right in zip(layer[::2], layer[1::2], strict=True)]
    return layer[0]
