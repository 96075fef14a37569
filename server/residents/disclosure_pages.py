"""Who looked at me: every look page by page, by the way it was taken, and all of it as a file for people (CSV) or programs (JSON).

- Only of the person signed in; that they read their own list needs no record, there is no personal field in it.
- A cell that a spreadsheet would take for a formula is written with an apostrophe before it.
- Sealed looks are counted on the page and in the JSON; which they are is told when the seal ends.

Example: ``GET /me/looks?way=list``, ``GET /me/looks.csv``
"""

from __future__ import annotations

import csv
from io import StringIO
from typing import Annotated, Final, get_args

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from registry.accounts import person_of
from registry.disclosures import MOST, Disclosure, Disclosures, Span, disclosures_of
from residence.access.purposes import Way
from residence.clock import rfc3339
from residence.errors import Refused
from server.languages import Language
from server.pages import render, wall
from server.policy import Account
from server.visitor import Caller, SignedIn, own_language
from server.wiring import Server, server_of
from server.wording import word

router: Final = APIRouter(prefix="/me")
Wired = Annotated[Server, Depends(server_of)]
PAGE: Final = 50
FURTHEST: Final = 1_000  # pages
WAYS: Final = get_args(Way)
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class LookTold(msgspec.Struct, frozen=True, kw_only=True):
    """One look as a program is told it. ``purpose`` and ``way`` are code words, ``why`` says the purpose in words."""

    at: str
    role: str
    unit_code: str
    unit: str
    purpose: str
    why: str
    way: str
    fields: tuple[str, ...]


class LooksTold(msgspec.Struct, frozen=True, kw_only=True):
    """Looks, youngest first. ``sealed``: how many more there are that may not be shown before ``sealed_until`` at the latest."""

    items: tuple[LookTold, ...]
    total: int
    sealed: int
    sealed_until: str | None


@router.get("/looks")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show a page of looks."""
    way = next((each for each in WAYS if each == request.query_params.get("way")), None)
    asked = request.query_params.get("page", "")
    page = min(int(asked), FURTHEST) if asked.isascii() and asked.isdigit() and len(asked) <= len(str(FURTHEST)) else 0
    found = own_looks(server, account, Span(way=way, offset=page * PAGE, limit=PAGE))
    return render(
        request,
        "residents/looks.html",
        caller=caller,
        looks=found,
        way=way,
        ways=WAYS,
        page=page,
        with_log=server.settings.log is not None,
        more=found.total > (page + 1) * PAGE,
    )


@router.get("/looks.csv")
def csv_file(caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Give all looks as a table in words."""
    found = own_looks(server, account, Span(limit=MOST))
    out = StringIO()
    out.write("\ufeff")  # so that a spreadsheet reads Vietnamese letters
    table = csv.writer(out)
    language = own_language(caller)
    table.writerow([word("look_heading", each, language=language) for each in ("at", "unit", "role", "why", "way", "fields")])
    table.writerows([_cell(each) for each in _row(look, language)] for look in found.items)
    return _file(out.getvalue().encode(), "text/csv; charset=utf-8", "csv")


@router.get("/looks.json")
def json_file(caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Give all looks as JSON."""
    found = told(own_looks(server, account, Span(limit=MOST)), language=own_language(caller))
    return _file(msgspec.json.encode(found), "application/json", "json")


def own_looks(server: Server, account: Account, span: Span) -> Disclosures:
    """Return the looks at whoever is signed in, or raise ``Refused("account.nobodys")``."""
    server.policy.require(account, "read_own_record", resource=account)
    with server.registry.reading() as connection:
        return disclosures_of(
            connection, own_person(connection, account), span=span, now=server.clock.now(), vault=server.registry.vault
        )


def own_person(connection: Connection, account: Account) -> str:
    """Return the person the account is of, or raise ``Refused("account.nobodys")``."""
    person_id = person_of(connection, account.account_id)
    if person_id is None:
        raise Refused("account.nobodys")
    return person_id


def told(found: Disclosures, *, language: Language) -> LooksTold:
    """Return looks as a program is told them."""
    return LooksTold(
        items=tuple(_told(each, language) for each in found.items),
        total=found.total,
        sealed=found.sealed,
        sealed_until=rfc3339(found.sealed_until) if found.sealed_until else None,
    )


def _told(look: Disclosure, language: Language) -> LookTold:
    return LookTold(
        at=rfc3339(look.at),
        role=look.role,
        unit_code=look.unit.code,
        unit=look.unit.name,
        purpose=look.purpose,
        why=word("purpose", look.purpose, language=language),
        way=look.way,
        fields=look.fields,
    )


def _row(look: Disclosure, language: Language) -> list[str]:
    return [
        wall(look.at, language=language),
        look.unit.name,
        word("role", look.role, language=language),
        word("purpose", look.purpose, language=language),
        word("way", look.way, language=language),
        ", ".join(word("field", each, language=language) for each in look.fields),
    ]


def _cell(text: str) -> str:
    return "'" + text if text.startswith(FORMULA) else text


def _file(content: bytes, kind: str, ending: str) -> Response:
    return Response(content, media_type=kind, headers={"content-disposition": f'attachment; filename="looks.{ending}"'})
