"""Who looked at me, for programs a person uses: page by page, of the person whose account calls and nobody else.

- The same as ``/me/looks`` shows (``registry/disclosures.py``); sealed looks by number.

Example: ``GET /v1/me/looks?limit=20`` with the bearer token of ``luutru account token cu-dan``
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.disclosures import Span
from server.api.callers import Calling, CountedRoute
from server.api.paging import Place, read_cursor, read_limit, tagged, write_cursor
from server.languages import preferred_language
from server.residents.disclosure_pages import LookTold, own_looks, told
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]


class LooksAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of looks, youngest first. ``sealed``: how many more may not be shown before ``sealed_until`` at the latest."""

    items: tuple[LookTold, ...]
    total: int
    sealed: int
    sealed_until: str | None
    next: str | None


@router.get("/me/looks")
def get_own_looks(request: Request, caller: Calling, server: Wired) -> Response:
    """Answer with who looked at the caller."""
    limit, cursor = read_limit(request.query_params.get("limit")), read_cursor(request.query_params.get("cursor"))
    span = Span(before=(cursor.at, cursor.own_id) if cursor else None, limit=limit + 1)
    found = own_looks(server, caller.account, span)
    more = len(found.items) > limit
    shown = msgspec.structs.replace(found, items=found.items[:limit])
    last = shown.items[-1] if more else None
    language = preferred_language(cookie=None, accept=request.headers.get("accept-language", ""))
    answer = msgspec.structs.asdict(told(shown, language=language))
    return tagged(request, LooksAnswer(next=write_cursor(Place(at=last.at, own_id=last.access_id)) if last else None, **answer))
