"""What one kiosk is sent: one document with its files, so that settings, keys, lists and choices change together or not at all.

- A closed list of files: what the kiosk would not know is refused, by whoever publishes and by the kiosk. ``kiosk.toml`` must be there.
- ``keyring.json``: whose keys the kiosk trusts from now on (it is verified as always). ``choices.toml``: what is chosen on law and formats; ``rules-*.toml``: further dated rule sets.
  ``trust.bundle``: whom it trusts about chips, signed by the authority as always.
- Its release is what operators call it: each kiosk's document is another, and a rollout is seen by what they have in common.
- The schema is a number; a kiosk that does not know it keeps what it has.

>>> read_document(write_document({"kiosk.toml": b""}, release="2026-12")).files
{'kiosk.toml': b''}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from residence.errors import Malformed

SCHEMA: Final = 1
SIGNED_AT: Final = "luutru-signed-at"  # in the repository's timestamp, which the framework says only the end of
LARGEST: Final = 4 * 1024 * 1024
PROFILE: Final = "kiosk.toml"
KEYRING: Final = "keyring.json"
CHOICES: Final = "choices.toml"
TRUST: Final = "trust.bundle"
FILES: Final = frozenset({PROFILE, KEYRING, CHOICES, TRUST})
RULES: Final = re.compile(r"rules-[a-z0-9][a-z0-9-]{0,47}\.toml")
MALFORMED: Final = "configuration.malformed"


Release = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}\Z")]


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kiosk's settings."""

    schema: int
    release: Release
    files: dict[str, bytes]  # base64 on the wire


def write_document(files: Mapping[str, bytes], *, release: str) -> bytes:
    """Return the document, the same bytes for the same files, or raise ``Malformed("configuration.malformed")``."""
    _check(files)
    data = msgspec.json.encode(Document(schema=SCHEMA, release=release, files=dict(sorted(files.items()))))
    if len(data) > LARGEST:
        raise Malformed(MALFORMED, "", f"{len(data)} bytes, and at most {LARGEST} travel")
    read_document(data)  # the release's own form
    return data


def read_document(data: bytes) -> Document:
    """Return the document, or raise ``Malformed("configuration.malformed")``."""
    if len(data) > LARGEST:
        raise Malformed(MALFORMED, "", "too long")
    try:
        document = msgspec.json.decode(data, type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(MALFORMED, "", str(error)) from error
    if document.schema != SCHEMA:
        raise Malformed(MALFORMED, "/schema", f"schema {document.schema}, and this kiosk knows {SCHEMA}")
    _check(document.files)
    return document


def rule_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the further rule sets among a document's files."""
    return {name: data for name, data in files.items() if RULES.fullmatch(name)}


def _check(files: Mapping[str, bytes]) -> None:
    for name in sorted(files.keys() - FILES - rule_files(files).keys()):
        raise Malformed(MALFORMED, f"/files/{name}", f"{name} is not a file a kiosk knows")
    if PROFILE not in files:
        raise Malformed(MALFORMED, f"/files/{PROFILE}", "missing")
