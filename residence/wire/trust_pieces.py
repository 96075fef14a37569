"""A signed trust bundle as kiosks are sent it: cut into pieces a broker takes, put together again, and only then verified.

- A piece is deterministic CBOR ``[SHA-256 of the whole, place, pieces, bytes]``. It is not signed: what is put together is, and what was not cut
  from one bundle never fits its digest.
- At most ``MOST_PIECES`` of ``PIECE_BYTES``; a longer bundle is not cut, and a piece that says otherwise is ``Malformed("trust.malformed")``.
- Pieces come in any order and again and again. One of another bundle begins anew, so nothing is ever held of two.

>>> gathered = Gathered()
>>> for piece in cut(b"signed bytes"):
...     gathered = gathered.with_piece(read_piece(piece))
>>> gathered.whole
b'signed bytes'
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from residence.errors import Malformed
from residence.wire import cbor

PIECE_BYTES: Final = 12 * 1024  # the broker takes messages of 16 KiB
MOST_PIECES: Final = 128
MAX_BYTES: Final = PIECE_BYTES + 64  # of a piece as it travels
_PARTS: Final = 4
_DIGEST: Final = 32
_MALFORMED: Final = "trust.malformed"


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of a bundle."""

    digest: bytes
    place: int
    pieces: int
    data: bytes


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """The pieces of one bundle that are there."""

    digest: bytes = b""
    pieces: int = 0
    found: dict[int, bytes] = {}

    def with_piece(self, piece: Piece) -> Gathered:
        """Return these with one more; only that one when it is of another bundle."""
        same = (piece.digest, piece.pieces) == (self.digest, self.pieces)
        found = (self.found if same else {}) | {piece.place: piece.data}
        return Gathered(digest=piece.digest, pieces=piece.pieces, found=found)

    @property
    def whole(self) -> bytes | None:
        """Return the bundle when every piece is there and they fit."""
        if not self.pieces or len(self.found) < self.pieces:
            return None
        data = b"".join(self.found[place] for place in range(self.pieces))
        return data if sha256(data).digest() == self.digest else None


def cut(signed: bytes) -> tuple[bytes, ...]:
    """Return a signed bundle's pieces, or raise ``Malformed`` for one too large to be sent."""
    pieces = -(-len(signed) // PIECE_BYTES)
    if not 1 <= pieces <= MOST_PIECES:
        raise Malformed(_MALFORMED, "", f"{len(signed)} bytes")
    digest = sha256(signed).digest()
    return tuple(
        cbor.encode([digest, place, pieces, signed[place * PIECE_BYTES : (place + 1) * PIECE_BYTES]]) for place in range(pieces)
    )


def read_piece(payload: bytes) -> Piece:
    """Read one piece, or raise ``Malformed("trust.malformed")``."""
    if len(payload) > MAX_BYTES:
        raise Malformed(_MALFORMED, "", "too large")
    parts = cbor.decode(payload, code=_MALFORMED)
    if not isinstance(parts, list) or len(parts) != _PARTS:
        raise Malformed(_MALFORMED, "", "not a piece")
    digest, place, pieces, data = parts
    if not (isinstance(digest, bytes) and isinstance(data, bytes) and type(place) is int and type(pieces) is int):
        raise Malformed(_MALFORMED, "", "not a piece")
    if len(digest) != _DIGEST or not 0 <= place < pieces <= MOST_PIECES or len(data) > PIECE_BYTES:
        raise Malformed(_MALFORMED, "", f"{place} of {pieces}")
    return Piece(digest=digest, place=place, pieces=pieces, data=data)
