"""What one kiosk is sent: one document with its files, so that settings, keys, lists and choices change together or not at all.

- A closed list of files: what the kiosk would not know is refused, by whoever publishes and by the kiosk. ``kiosk.toml`` must be there.
- ``keyring.json``: whose keys the kiosk trusts from now on (it is verified as always). ``choices.toml``: dated rules, law and formats.
  ``trust.bundle``: whom it trusts about chips, signed by the authority as always.
- The schema is a number; a kiosk that does not know it keeps what it has.

>>> read_document(write_document({"kiosk.toml": b""}))
{'kiosk.toml': b''}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from residence.errors import Malformed

SCHEMA: Final = 1
LARGEST: Final = 4 * 1024 * 1024
PROFILE: Final = "kiosk.toml"
KEYRING: Final = "keyring.json"
CHOICES: Final = "choices.toml"
TRUST: Final = "trust.bundle"
FILES: Final = frozenset({PROFILE, KEYRING, CHOICES, TRUST})
MALFORMED: Final = "configuration.malformed"


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: int
    files: dict[str, bytes]  # base64 on the wire


def write_document(files: Mapping[str, bytes]) -> bytes:
    """Return the document, the same bytes for the same files, or raise ``Malformed("configuration.malformed")``."""
    _check(files)
    data = msgspec.json.encode(_Document(schema=SCHEMA, files=dict(sorted(files.items()))))
    if len(data) > LARGEST:
        raise Malformed(MALFORMED, "", f"{len(data)} bytes, and at most {LARGEST} travel")
    return data


def read_document(data: bytes) -> dict[str, bytes]:
    """Return the files, or raise ``Malformed("configuration.malformed")``."""
    if len(data) > LARGEST:
        raise Malformed(MALFORMED, "", "too long")
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(MALFORMED, "", str(error)) from error
    if document.schema != SCHEMA:
        raise Malformed(MALFORMED, "/schema", f"schema {document.schema}, and this kiosk knows {SCHEMA}")
    _check(document.files)
    return document.files


def _check(files: Mapping[str, bytes]) -> None:
    for name in sorted(files.keys() - FILES):
        raise Malformed(MALFORMED, f"/files/{name}", f"{name} is not a file a kiosk knows")
    if PROFILE not in files:
        raise Malformed(MALFORMED, f"/files/{PROFILE}", "missing")
