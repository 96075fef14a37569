"""What words the API knows and how much it takes: code lists with tags, and the limits of ``stated_limits.py``.

- Every list is cut from what the program itself decides by, so that it cannot drift: reasons, documents and countries are dated data with their source
  and the ministry's codes; kinds of declarations, sexes, kinds of premises and states are the contract's own words.
- A code has the days on which it may be said of a stay that begins then; outside them a declaration is refused (``declaration.code_not_valid``).
  A date is null where it is open or where a word is ours and has no date of law.
- What the ministry calls a country is known from its own catalogue alone: null until that was fetched.

Example: ``GET /v1/code-lists/reason`` -> ``{"name": "reason", "entries": [{"code": "tourism", "ministry_code": 1, ...}]}``
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Final, get_args

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.authority_catalogues import kept
from residence.errors import Refused, Sentence
from residence.people.dated_codes import PASSPORT_CODES, CodeFile, countries
from residence.people.documents import DOCUMENTS
from residence.people.person import Sex
from residence.places.premises import PremisesKind
from residence.stays.declaration import DeclarationKind
from residence.stays.reasons import REASON_FILE
from residence.wire.messages import ReceiptState
from server.api.callers import CountedRoute
from server.api.paging import tagged
from server.api.stated_limits import limits_of
from server.wiring import Server, server_of
from server.wording import word

router = APIRouter(prefix="/v1", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]


class CodeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One word. ``ministry_code``: of the ministry's form; ``needs_text``: say more beside it; a stay that says it may begin on the days between."""

    code: str
    label: Sentence
    ministry_code: int | str | None = None
    needs_text: bool = False
    valid_from: str | None = None
    valid_to: str | None = None


class CodeList(msgspec.Struct, frozen=True, kw_only=True):
    """One list. Dates are those of its source, which is null for words of our own."""

    name: str
    source: str | None = None
    valid_from: str | None
    valid_to: str | None
    entries: tuple[CodeEntry, ...]


class CodeListName(msgspec.Struct, frozen=True, kw_only=True):
    """A list by its name."""

    name: str
    size: int


WORDED: Final = {
    "declaration-kind": ("kind", get_args(DeclarationKind)),
    "sex": ("sex", get_args(Sex)),
    "premises-kind": ("premises", tuple(PremisesKind)),
    "receipt-state": ("state", get_args(ReceiptState)),
}
DATED: Final = {"reason": REASON_FILE, "document-kind": DOCUMENTS, "country": countries()}


@cache
def lists() -> dict[str, CodeList]:
    """Return every list by its name."""
    made = {name: _dated(name, file) for name, file in DATED.items()}
    for name, (table, codes) in WORDED.items():
        entries = tuple(
            CodeEntry(
                code=str(code),
                label=Sentence(vi=word(table, code, language="vi"), en=word(table, code, language="en")),
            )
            for code in codes
        )
        made[name] = CodeList(name=name, valid_from=None, valid_to=None, entries=entries)
    return made


def _dated(name: str, file: CodeFile) -> CodeList:
    entries = tuple(
        CodeEntry(
            code=each.code,
            label=Sentence(vi=each.vi, en=each.en),
            ministry_code=each.ministry,
            needs_text=each.needs_text,
            valid_from=file.validity_of(each).valid_from,
            valid_to=file.validity_of(each).valid_to,
        )
        for each in file.codes
    )
    return CodeList(name=name, source=file.source, valid_from=file.valid_from, valid_to=file.valid_to, entries=entries)


def with_ministry(listed: CodeList, fetched: Mapping[str, str]) -> CodeList:
    """Return the countries with the codes of the ministry's catalogue (code -> label), which writes some as passports do."""
    passport = {iso: code for code, iso in PASSPORT_CODES.items()}
    entries = tuple(
        msgspec.structs.replace(
            each, ministry_code=next((code for code in (each.code, passport.get(each.code)) if code in fetched), None)
        )
        for each in listed.entries
    )
    return msgspec.structs.replace(listed, entries=entries)


@router.get("/code-lists")
def get_code_lists(request: Request) -> Response:
    """Answer with the names of the lists."""
    return tagged(request, [CodeListName(name=each.name, size=len(each.entries)) for each in lists().values()])


@router.get("/code-lists/{name}")
def get_code_list(request: Request, server: Wired, name: str) -> Response:
    """Answer with one list."""
    listed = lists().get(name)
    if listed is None:
        raise Refused("api.list_unknown")
    if name == "country":
        with server.registry.reading() as connection:
            known = kept(connection, "kbtt", "nationalities")
        listed = with_ministry(listed, known.content if known else {})
    return tagged(request, listed)


@router.get("/limits")
def get_limits(request: Request, server: Wired) -> Response:
    """Answer with what the API takes."""
    return tagged(request, limits_of(server))
