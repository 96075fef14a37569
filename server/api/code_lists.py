"""What words the API knows and how much it takes: code lists with tags, and limits that are told and not discovered.

- Every list is cut from what the program itself decides by, so that it cannot drift: reasons and documents with the ministry's codes, kinds of
  declarations, sexes, kinds of premises, states.
- ``valid_from`` is null where a list is ours and has no date of law.

Example: ``GET /v1/code-lists/reason`` -> ``{"name": "reason", "entries": [{"code": "tourism", "ministry_code": 1, ...}]}``
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Final, get_args

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.api_requests import KEPT_FOR
from residence.errors import Refused, Sentence
from residence.people.documents import DOCUMENT_RULES
from residence.people.person import DocumentKind, Sex
from residence.places.premises import PremisesKind
from residence.stays.declaration import DeclarationKind
from residence.stays.reasons import NEEDS_TEXT, REASONS
from residence.wire.messages import ReceiptState
from server.api.batches import LARGEST, MOST
from server.api.callers import CountedRoute
from server.api.declarations import LARGEST as LARGEST_DECLARATION
from server.api.paging import MOST as MOST_ON_A_PAGE
from server.api.paging import tagged
from server.desk.house_list import MOST_GUESTS
from server.wiring import Server, server_of
from server.wording import word

router = APIRouter(prefix="/v1", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]


class CodeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One word. ``ministry_code``: what the ministry's form calls it; ``needs_text``: say more in words beside it."""

    code: str
    label: Sentence
    ministry_code: int | None = None
    needs_text: bool = False


class CodeList(msgspec.Struct, frozen=True, kw_only=True):
    """One list. Dates are those of the law it comes from."""

    name: str
    valid_from: str | None
    valid_to: str | None
    entries: tuple[CodeEntry, ...]


class CodeListName(msgspec.Struct, frozen=True, kw_only=True):
    """A list by its name."""

    name: str
    size: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one request may hold, and how many there may be."""

    declaration_bytes: int
    batch_declarations: int
    batch_bytes: int
    reconciliation_guests: int
    page: int
    requests: int
    requests_per_seconds: int
    idempotency_key_hours: int


WORDED: Final = {
    "declaration-kind": ("kind", get_args(DeclarationKind)),
    "sex": ("sex", get_args(Sex)),
    "document-kind": ("document", tuple(DocumentKind)),
    "premises-kind": ("premises", tuple(PremisesKind)),
    "receipt-state": ("state", get_args(ReceiptState)),
}
MINISTRY_CODES: Final[dict[str, dict[str, int | None]]] = {
    "document-kind": {kind.value: rule.code for kind, rule in DOCUMENT_RULES.items()}
}


@cache
def lists() -> dict[str, CodeList]:
    """Return every list by its name."""
    reasons = tuple(
        CodeEntry(code=reason.value, label=text.label, ministry_code=text.code, needs_text=reason in NEEDS_TEXT)
        for reason, text in REASONS.items()
    )
    made = {"reason": CodeList(name="reason", valid_from=None, valid_to=None, entries=reasons)}
    for name, (table, codes) in WORDED.items():
        entries = tuple(
            CodeEntry(
                code=str(code),
                label=Sentence(vi=word(table, code, language="vi"), en=word(table, code, language="en")),
                ministry_code=MINISTRY_CODES.get(name, {}).get(str(code)),
            )
            for code in codes
        )
        made[name] = CodeList(name=name, valid_from=None, valid_to=None, entries=entries)
    return made


@router.get("/code-lists")
def get_code_lists(request: Request) -> Response:
    """Answer with the names of the lists."""
    return tagged(request, [CodeListName(name=each.name, size=len(each.entries)) for each in lists().values()])


@router.get("/code-lists/{name}")
def get_code_list(request: Request, name: str) -> Response:
    """Answer with one list."""
    if name not in lists():
        raise Refused("api.list_unknown")
    return tagged(request, lists()[name])


@router.get("/limits")
def get_limits(request: Request, server: Wired) -> Response:
    """Answer with what the API takes."""
    allowance = server.settings.api_allowance
    return tagged(
        request,
        Limits(
            declaration_bytes=LARGEST_DECLARATION,
            batch_declarations=MOST,
            batch_bytes=LARGEST,
            reconciliation_guests=MOST_GUESTS,
            page=MOST_ON_A_PAGE,
            requests=allowance.times,
            requests_per_seconds=int(allowance.per.total_seconds()),
            idempotency_key_hours=int(KEPT_FOR.total_seconds() // 3600),
        ),
    )
