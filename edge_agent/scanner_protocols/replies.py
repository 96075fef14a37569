r"""What a codec finds in bytes from a scanner: one reply, or nothing yet, and the bytes that are neither.

- A codec is pure: bytes in; a reply out, or one named error. It never waits and never reads.
- Bytes that are no reply are kept apart (``stray``): somebody may show a card while the scanner is being asked.
- ``error`` is a code of ``scanners.toml``: the reply is whole, but damaged or a refusal.

>>> Cut(rest=b"\x02\\x00").reply is None
True
"""

from __future__ import annotations

import msgspec


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One whole reply: its data (of a register, or the text before an acknowledgement), or the code of what is wrong."""

    data: bytes = b""
    error: str = ""


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A buffer cut in three: the first reply in it, what is no reply, and what may still become one."""

    reply: Reply | None = None
    stray: bytes = b""
    rest: bytes = b""
