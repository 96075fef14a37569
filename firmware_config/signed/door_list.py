"""A site's list for its doors as it is signed for a fleet: the parts of one version, each as the gateway signed it.

- What is inside is signed with the gateway's key (use ``door-list``) and judged by that alone, whoever handed it on: version, site, age, end.
- Orders (revoked hashes, modes) are not in it: they hold at once and go over the broker.

>>> read_door_list(write_door_list("blk-hoa-binh", [b"signed"])).parts
(b'signed',)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from residence.errors import Malformed
from residence.wire.door_list import MAX_BYTES, MOST_PARTS

SCHEMA: Final = 1
LARGEST: Final = 2 * MOST_PARTS * MAX_BYTES
MALFORMED: Final = "door.list_malformed"
Site = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z")]
Parts = Annotated[tuple[bytes, ...], msgspec.Meta(min_length=1, max_length=MOST_PARTS)]


class DoorListDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of one site's list."""

    schema: int
    site: Site
    parts: Parts  # base64 on the wire


def write_door_list(site: str, parts: Sequence[bytes]) -> bytes:
    """Return the document, the same bytes for the same parts, or raise ``Malformed("door.list_malformed")``."""
    data = msgspec.json.encode(DoorListDocument(schema=SCHEMA, site=site, parts=tuple(parts)))
    read_door_list(data)
    return data


def read_door_list(data: bytes) -> DoorListDocument:
    """Return the document, or raise ``Malformed("door.list_malformed")``. Nothing in it is verified yet."""
    if len(data) > LARGEST:
        raise Malformed(MALFORMED, "", "too long")
    try:
        document = msgspec.json.decode(data, type=DoorListDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(MALFORMED, "", str(error)) from error
    if document.schema != SCHEMA:
        raise Malformed(MALFORMED, "/schema", f"schema {document.schema}, and this kiosk knows {SCHEMA}")
    return document
