"""A file given on a page: read into memory, of one page and one size, from a signed-in account alone.

- Nothing is written to a disk: what is in it is people's data.
- Who is not signed in is refused before a byte of the body is read; who sends more than ``largest_upload`` is cut off by the middleware.
- The form's other fields come along as texts, the page's token among them.

Example: ``upload = await uploaded(request, server)``; ``upload.fields["premises_id"]``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from residence.errors import Malformed
from server.wiring import Server, server_of

PATHS: Final = frozenset({"/desk/import"})
MOST_FIELDS: Final = 10


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """One file and the fields beside it."""

    fields: Mapping[str, str]
    name: str = ""
    data: bytes = b""


def takes_file(request: Request) -> bool:
    """Tell whether this request gives a file where one is taken."""
    is_multipart = request.headers.get("content-type", "").startswith("multipart/form-data")
    return is_multipart and request.method == "POST" and request.url.path in PATHS


class _InMemory(MultiPartParser):
    """Keeps the file in memory, however large: the middleware has limited it."""

    spool_max_size = 1 << 40


async def uploaded(request: Request, server: Annotated[Server, Depends(server_of)]) -> Upload:
    """Return the file of a request; asked again it is the same. Raises when it cannot be read or is too large."""
    known: Upload | None = getattr(request.state, "upload", None)
    if known is not None:
        return known
    if not takes_file(request):
        return Upload(fields={})
    if int(request.headers.get("content-length") or 0) > server.settings.largest_upload:
        raise Malformed("server.form_too_large")
    parser = _InMemory(request.headers, request.stream(), max_files=1, max_fields=MOST_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise Malformed("server.form_unreadable") from error
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    found = Upload(fields=fields)
    if files:
        found = Upload(fields=fields, name=files[0].filename or "", data=await files[0].read())
        await files[0].close()
    request.state.upload = found
    return found


Uploaded = Annotated[Upload, Depends(uploaded)]
