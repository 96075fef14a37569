"""Who looked at me in the shape Estonia's data tracker asks for (``findUsage`` v2), so that a portal that speaks it can show our looks too.

- The contract knows 200, 400 and 500 and nothing else, so every no is 400, and says no more than that: a number that is unknown and one that is
  somebody else's are answered alike.
- Whoever calls is the person themselves (their token or session); ``X-Road-UserId`` and ``userCode`` are their own number, with or without the
  country's two letters. Nobody may ask for somebody else here.
- A time without an offset is Vietnam's.

Example: ``GET /tracker/v2/findUsage?userCode=VN001095000126`` with ``X-Road-UserId: VN001095000126``
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from registry.disclosures import MOST, Disclosure, Span, disclosures_of, oldest_look
from registry.persons import holders
from residence.clock import VIETNAM, rfc3339
from residence.errors import LuutruError, Malformed, Refused
from server.api.answers import answer
from server.api.callers import api_caller
from server.languages import Language, preferred_language
from server.residents.disclosure_pages import own_person
from server.wiring import Server, server_of
from server.wording import word

router: Final = APIRouter(prefix="/tracker/v2", include_in_schema=False)
Wired = Annotated[Server, Depends(server_of)]
USUAL: Final = 1000
LARGEST: Final = 2**31 - 1
SYSTEM: Final = "luutru"
_NUMBER: Final = re.compile(r"(?:[A-Z]{2})?([0-9]{12})")


class Usage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One look."""

    logtime: str
    action: str
    receiver_code: str
    receiver_name: str
    receiver_system: str


class FoundUsage(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Looks, youngest first; ``total_usages`` does not follow the page."""

    total_usages: int
    usages: tuple[Usage, ...]


class UsagePeriod(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Since when looks are kept; they can be asked for up to now."""

    period_start: str


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether looks can be asked for."""

    status: Literal["OK", "FAIL"]
    message: str | None = None


@router.get("/findUsage")
def find_usage(request: Request, server: Wired) -> Response:
    """Answer with who looked at the caller."""
    return _answered(lambda: _find(request, server))


@router.get("/usagePeriod")
def usage_period(server: Wired) -> Response:
    """Answer since when looks are kept."""
    return _answered(lambda: _period(server))


@router.get("/heartbeat")
def heartbeat(server: Wired) -> Response:
    """Answer whether the registry can be asked."""
    try:
        with server.registry.reading() as connection:
            oldest_look(connection)
    except (SQLAlchemyError, LuutruError):
        return answer(Heartbeat(status="FAIL", message="the registry cannot be asked"))
    return answer(Heartbeat(status="OK"))


def _answered(work: Callable[[], msgspec.Struct]) -> Response:
    try:
        return answer(work())
    except LuutruError:
        return answer({"message": "the request is not of the form agreed, or not for its caller"}, status=400)


def _find(request: Request, server: Server) -> FoundUsage:
    asked, caller = request.query_params, api_caller(request, server)
    number = _number(asked.get("userCode", ""))
    if _number(request.headers.get("x-road-userid", "")) != number:
        raise Refused("server.not_allowed")
    span = Span(
        since=_moment(asked.get("periodStart")),
        until=_moment(asked.get("periodEnd")),
        offset=_count(asked.get("offset"), usual=0),
        limit=min(_count(asked.get("limit"), usual=USUAL), MOST),
    )
    server.policy.require(caller.account, "read_own_record", resource=caller.account)
    index = server.registry.vault.number_index("personal", number)
    with server.registry.reading() as connection:
        person_id = own_person(connection, caller.account)
        if person_id not in holders(connection, [index]).get(index, ()):
            raise Refused("server.not_allowed")
        found = disclosures_of(connection, person_id, span=span, now=server.clock.now(), vault=server.registry.vault)
    language = preferred_language(cookie=None, accept=request.headers.get("accept-language", ""))
    return FoundUsage(total_usages=found.total, usages=tuple(_usage(each, language) for each in found.items))


def _period(server: Server) -> UsagePeriod:
    with server.registry.reading() as connection:
        first = oldest_look(connection)
    return UsagePeriod(period_start=rfc3339(first or server.clock.now()))


def _usage(look: Disclosure, language: Language) -> Usage:
    why, way = word("purpose", look.purpose, language=language), word("way", look.way, language=language)
    return Usage(
        logtime=rfc3339(look.at),
        action=f"{why} ({way})",
        receiver_code=look.unit.code,
        receiver_name=look.unit.name,
        receiver_system=SYSTEM,
    )


def _number(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Malformed("server.input_unreadable")
    return found[1]


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)).astimezone(VIETNAM)
    except (ValueError, OverflowError) as error:
        raise Malformed("server.input_unreadable") from error


def _count(text: str | None, *, usual: int) -> int:
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST)) and int(text) <= LARGEST):
        raise Malformed("server.input_unreadable")
    return int(text)
