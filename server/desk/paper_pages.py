"""Receipts as files: one statement's, a stay's, and a day's list of accepted, refused and passed over with reasons; at any time as it was then.

- Names are the guests' as declared; taking a paper is a look like the page's, on the record of everybody named in it.
- A day is an evening (``residence/stays/evening.py``); ``until`` shows it as it stood at an instant, as it was when it was closed.
- What only stays for a while (a list's lines) is not needed for it: line numbers and codes stay.

Example: ``GET /desk/statements/pdf?premises=htl-sao-mai&day=2026-07-10``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from registry.day_closes import closes_at
from registry.day_statements import Said, statements_between, statements_of
from registry.desk_lists import Place
from registry.guest_lists import lists_between, outcomes_of
from registry.release import release_persons
from residence.access.purposes import Field
from residence.clock import parse_instant
from residence.errors import LuutruError, Refused
from residence.places.premises import Premises
from residence.stays.evening import evening_ends, evening_of
from server.desk.list_view import phase_of
from server.desk.one_stay import open_stay
from server.desk.own_premises import Workplace, workplace
from server.desk.tonight_pages import duty
from server.desk.waits import waits
from server.pages import render
from server.papers import DayList, Reader, day_paper, name_of, pdf, reasons_of, receipts_paper
from server.policy import Account
from server.visitor import Caller, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


def reader_of(
    server: Server, connection: Connection, account: Account, caller: Visitor, *, said: Iterable[Said], about: str
) -> Reader:
    """Return for whom a paper is written, after putting the look at everybody named in it on their record."""
    released = release_persons(
        connection,
        {each.person_id for each in said if each.person_id},
        look=duty(account, about=about, fields=frozenset({Field.FULL_NAME}), way="export"),
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
    )
    disputed = frozenset(own_id for own_id, each in released.items() if Field.FULL_NAME in each.disputed)
    return Reader(language=caller.language, base_url=server.settings.base_url, disputed=disputed)


@router.get("/receipts/{declaration_id}/pdf")
def receipt_file(caller: Caller, account: SignedIn, server: Wired, declaration_id: str) -> Response:
    """Give one statement's receipt."""
    with server.registry.writing() as connection:  # a look is written
        said = statements_of(connection, [declaration_id], vault=server.registry.vault)
        if not said or said[0].stored.receipt.premises_id is None:
            raise Refused("server.not_allowed")
        where = said[0].stored.receipt.premises_id
        place = workplace(server, connection, account, action="read_receipt", premises_id=where)
        reader = reader_of(server, connection, account, caller, said=said, about=where)
    return pdf(server, receipts_paper(said, places={where: place.here}, reader=reader, title="receipt"), said[0].stored.code)


@router.get("/stays/{stay_id}/receipts")
def stay_file(caller: Caller, account: SignedIn, server: Wired, stay_id: str) -> Response:
    """Give everything said of one stay, with the receipts."""
    with server.registry.writing() as connection:
        opened = open_stay(server, connection, account, action="read_receipt", stay_id=stay_id)
        said = statements_of(connection, opened.stay.declaration_ids, vault=server.registry.vault)
        reader = reader_of(server, connection, account, caller, said=said, about=stay_id)
    if not said:
        raise Refused("server.not_allowed")
    content = receipts_paper(said, places={opened.stay.premises_id: opened.place.here}, reader=reader, title="receipts")
    return pdf(server, content, f"{said[0].stored.code}-{len(said)}")


@router.get("/statements")
def show_day(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what was stated on a day and what became of it."""
    with server.registry.writing() as connection:
        place, listed, reader = _day(server, connection, account, caller=caller, request=request)
    return render(
        request,
        "desk/statements.html",
        caller=caller,
        place=place,
        listed=listed,
        asked_until=request.query_params.get("until", ""),
        rows={
            state: [(each, name_of(each, reader), reasons_of(each)) for each in listed.said if each.stored.state == state]
            for state in ("accepted", "conflicting", "refused")
        },
        before=listed.day - timedelta(days=1),
        after=listed.day + timedelta(days=1) if listed.day < evening_of(server.clock.now(), server.rules) else None,
        **waits(server, account, place.here),
    )


@router.get("/statements/pdf")
def day_file(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Give a day's list as a file."""
    with server.registry.writing() as connection:
        place, listed, reader = _day(server, connection, account, caller=caller, request=request)
    return pdf(
        server, day_paper(listed, premises=place.here, reader=reader), f"{place.here.premises_id}-{listed.day.isoformat()}"
    )


def _day(
    server: Server, connection: Connection, account: Account, *, caller: Visitor, request: Request
) -> tuple[Workplace, DayList, Reader]:
    asked = request.query_params
    place = workplace(server, connection, account, action="read_receipt", premises_id=asked.get("premises", ""))
    listed = _listed(server, connection, place.here, day=asked.get("day", ""), until=asked.get("until", ""))
    reader = reader_of(server, connection, account, caller, said=listed.said, about=place.here.premises_id)
    return place, listed, reader


def _listed(server: Server, connection: Connection, premises: Premises, *, day: str, until: str) -> DayList:
    now, here = server.clock.now(), Place(premises.commune_code, premises.premises_id)
    wanted = _day_of(day) or evening_of(now, server.rules)
    since, ends = (evening_ends(each, server.rules).astimezone(UTC) for each in (wanted - timedelta(days=1), wanted))
    last = min(_instant_of(until) or ends, ends)
    said, more = statements_between(connection, here, since, last, vault=server.registry.vault)
    lists = [
        (given, tuple(each for each in outcomes_of(connection, given, phase_of(given)) if each.state in {"refused", "ignored"}))
        for given in lists_between(connection, here, since, last)
        if given.state == "declared"
    ]
    closes = [each for each in closes_at(connection, here) if each.day == wanted.isoformat() and each.closed_at <= last]
    return DayList(day=wanted, until=last, said=tuple(said), more=more, lists=tuple(lists), closes=tuple(closes))


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Refused("server.not_found") from error


def _instant_of(text: str) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except LuutruError as error:
        raise Refused("server.not_found") from error
