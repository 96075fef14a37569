"""Lists in pages: a cursor that says where the next page begins, a limit, and tags by which an unchanged answer is not sent again.

- A cursor is an instant and an id, written so that nobody is tempted to build one; it holds no secret and is good for ever.
- ``next`` is null on the last page; whoever follows it to the end has seen everything once.
- A tag is a hash of the answer's bytes, the same from every process.

>>> read_cursor(write_cursor(Place(at=datetime(2026, 7, 10, tzinfo=UTC), own_id="a"))).own_id
'a'
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from fastapi import Request
from starlette.responses import Response

from registry.columns import NUL
from residence.errors import Malformed

MOST: Final = 200
USUAL: Final = 50
LONGEST_CURSOR: Final = 400


class Place(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Where a page ended."""

    at: datetime
    own_id: str


def write_cursor(place: Place) -> str:
    """Write a cursor."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(text: str | None) -> Place | None:
    """Read a cursor, None when none was given, or raise ``Malformed("api.cursor_unreadable")``."""
    if not text:
        return None
    try:
        place = msgspec.json.decode(urlsafe_b64decode(text[:LONGEST_CURSOR].encode("ascii") + b"=="), type=Place)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Malformed("api.cursor_unreadable", "/cursor") from error
    if place.at.tzinfo is None or NUL in place.own_id:
        raise Malformed("api.cursor_unreadable", "/cursor")
    try:
        return Place(at=place.at.astimezone(UTC), own_id=place.own_id)
    except (OverflowError, ValueError) as error:
        raise Malformed("api.cursor_unreadable", "/cursor") from error


def read_limit(text: str | None) -> int:
    """Read how many a page may hold, or raise ``Malformed("api.limit_unfit")``."""
    if text is None:
        return USUAL
    limit = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) else 0
    if not 1 <= limit <= MOST:
        raise Malformed("api.limit_unfit", "/limit")
    return limit


def tag_of(body: bytes) -> str:
    """Return the tag of an answer."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Tell whether the caller has this answer already."""
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    return tag in known or "*" in known


def tagged(request: Request, content: object, *, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON and its tag, or with 304 for whoever has it."""
    body = msgspec.json.encode(content)
    tag = tag_of(body)
    told = {"etag": tag, **(headers or {})}
    if is_known(request, tag):
        return Response(status_code=304, headers=told)
    return Response(body, media_type="application/json", headers=told)
