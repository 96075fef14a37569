"""Whom a case may be referred to: a short list of offices as data, named in both languages.

- Which offices there are is the commune's own file; nothing here says whose duty what is.
- A case keeps an office's name in the file, not its title, so titles may change; a name once used stays in the file.

Example: ``read_offices(text)[0].title.en``
"""

from __future__ import annotations

import msgspec

from residence.cases.queues import Name, Said
from residence.errors import Malformed


class Office(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One office."""

    name: Name
    title: Said


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    office: tuple[Office, ...]


def read_offices(text: bytes) -> tuple[Office, ...]:
    """Return the offices of a file, in its order, or raise ``Malformed("case.offices")``."""
    try:
        offices = msgspec.toml.decode(text, type=_File).office
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("case.offices", "/office", str(error)) from error
    if len({each.name for each in offices}) != len(offices):
        raise Malformed("case.offices", "/office")
    return offices
