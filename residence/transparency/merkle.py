"""A Merkle tree as RFC 6962 section 2.1 has it: roots, inclusion and consistency proofs, and their verification.

- The tree is asked for by whole subtrees (``HashAt``); where they come from (tiles, a list) is the caller's.
- A proof is a tuple of hashes in the RFC's order. One too long, too short or for another size does not verify.
- Nothing is verified by building the proof again: what is checked is recomputed from the proof and compared.

>>> leaves = (leaf_hash(b"one"), leaf_hash(b"two"), leaf_hash(b"three"))
>>> verify_inclusion(leaves[2], Position(2, 3), inclusion_path(Position(2, 3), among(leaves)), root_of(leaves))
True
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
# (level, index) -> the hash of the index-th complete subtree of 2**level leaves
HashAt = Callable[[int, int], bytes]
Path = tuple[bytes, ...]


class Position(NamedTuple):
    """A leaf of a tree, or an earlier size of it: the lesser number first."""

    place: int
    size: int


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees together."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def among(leaves: Sequence[bytes]) -> HashAt:
    """Return how to ask a list of leaf hashes for its subtrees."""

    def at(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return node_hash(at(level - 1, 2 * index), at(level - 1, 2 * index + 1))

    return at


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over a list of leaf hashes."""
    return tree_root(len(leaves), among(leaves))


def tree_root(size: int, at: HashAt) -> bytes:
    """Return the root of the first ``size`` leaves."""
    return _span(0, size, at) if size else EMPTY_ROOT


def inclusion_path(leaf: Position, at: HashAt) -> Path:
    """Return the proof that a leaf stands in the tree of that size."""
    return tuple(_inclusion(leaf.place, 0, leaf.size, at))


def consistency_path(sizes: Position, at: HashAt) -> Path:
    """Return the proof that the tree of the lesser size is the beginning of the greater one."""
    old, new = sizes
    return tuple(_consistency(old, (0, new), at, known=True)) if 0 < old < new else ()


def verify_inclusion(leaf: bytes, position: Position, path: Path, root: bytes) -> bool:
    """Tell whether the path leads from the leaf to the root."""
    if not 0 <= position.place < position.size:
        return False
    return _climb(leaf, position.place, position.size, path) == root


def verify_consistency(sizes: Position, path: Path, old_root: bytes, new_root: bytes) -> bool:
    """Tell whether the path shows that the old root's tree is the beginning of the new root's."""
    old, new = sizes
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    return _rebuild(old, new, path, known=old_root) == (old_root, new_root)


def _split(size: int) -> int:
    """Return the largest power of two smaller than ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _span(start: int, end: int, at: HashAt) -> bytes:
    """Return the hash over [start, end), a range the RFC's splitting comes to."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return at(level, start >> level)
    middle = start + _split(size)
    return node_hash(_span(start, middle, at), _span(middle, end, at))


def _inclusion(index: int, start: int, size: int, at: HashAt) -> list[bytes]:
    if size == 1:
        return []
    left = _split(size)
    if index < left:
        return [*_inclusion(index, start, left, at), _span(start + left, start + size, at)]
    return [*_inclusion(index - left, start + left, size - left, at), _span(start, start + left, at)]


def _consistency(old: int, span: tuple[int, int], at: HashAt, *, known: bool) -> list[bytes]:
    """Return the RFC's SUBPROOF; ``known``: the verifier has the hash of this very subtree."""
    start, size = span
    if old == size:
        return [] if known else [_span(start, start + size, at)]
    left = _split(size)
    if old <= left:
        return [*_consistency(old, (start, left), at, known=known), _span(start + left, start + size, at)]
    rest = (start + left, size - left)
    return [*_consistency(old - left, rest, at, known=False), _span(start, start + left, at)]


def _climb(leaf: bytes, index: int, size: int, path: Path) -> bytes | None:
    if size == 1:
        return leaf if not path else None
    if not path:
        return None
    left, sibling = _split(size), path[-1]
    below = _climb(leaf, index, left, path[:-1]) if index < left else _climb(leaf, index - left, size - left, path[:-1])
    if below is None:
        return None
    return node_hash(below, sibling) if index < left else node_hash(sibling, below)


def _rebuild(old: int, new: int, path: Path, known: bytes | None) -> tuple[bytes, bytes] | None:
    """Return (old root, new root) as the path has them, or None for a path of the wrong length."""
    if old == new:
        if known is not None:
            return (known, known) if not path else None
        return (path[0], path[0]) if len(path) == 1 else None
    if not path:
        return None
    left, last = _split(new), path[-1]
    if old <= left:
        below = _rebuild(old, left, path[:-1], known)
        return below and (below[0], node_hash(below[1], last))
    below = _rebuild(old - left, new - left, path[:-1], None)
    return below and (node_hash(last, below[0]), node_hash(last, below[1]))
