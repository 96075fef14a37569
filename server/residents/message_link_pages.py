"""What the link in a message opens, without an account: the form that declares whom the notice is about, or the one answer it asks for.

- Declared in one step: the form opens with room and arrival, and answers with the signed receipt. It declares at the notice's premises and nowhere else.
- The house may say instead that it was a visitor; a person may not say so of themselves.
- Opening changes nothing. Once answered the link says so and does nothing more.
- An officer's question is answered with one of a few words, without signing in.
- Any other notice is shown, and where its answer is given.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.case_asking import take_reply
from registry.contact_points import confirm_address
from registry.message_links import Linked, follow
from registry.notices import answer_notice
from registry.premises import load_premises
from registry.presences import first_seen
from registry.recoveries import recovery
from registry.recoveries import stop as stop_recovery
from registry.ways_in import stop as stop_way_in
from registry.ways_in import way_in
from residence.cases.messages import said
from residence.cases.notices import DECLARE_KINDS, NoticeKind
from residence.cases.questions import Reply
from residence.clock import VIETNAM
from residence.errors import Conflict, Refused
from residence.places.premises import Premises
from residence.wire.messages import Receipt
from server.declaring import declare, given_receipt
from server.desk.declare_pages import Followed, read_and_check, show_form, stands
from server.desk.guest_form import FormContext
from server.desk.own_premises import Workplace
from server.desk.question_pages import reply_of
from server.pages import form_time, render
from server.policy import Account
from server.residents.receipt_pages import HOMES
from server.visitor import Caller, Form, Visitor
from server.wiring import Server, caller_address, server_of

router = APIRouter(prefix="/n/{message_id}/{proof}")
Wired = Annotated[Server, Depends(server_of)]


def linked(server: Wired, request: Request, message_id: str, proof: str) -> Linked:
    """Return what the link is about; guesses are counted by address."""
    server.receipt_attempts.count(caller_address(request))
    with server.registry.reading() as connection:
        return follow(connection, message_id, proof, vault=server.registry.vault, now=server.clock.now())


Link = Annotated[Linked, Depends(linked)]


@router.get("")
def show(request: Request, caller: Caller, *, server: Wired, link: Link) -> Response:
    """Show what the message asks for."""
    if link.recovery_id is not None:
        return _plain(request, caller, "mail.recovery", stops=True)
    if link.way_in_id is not None:
        return _plain(request, caller, "mail.way_in", stops=True)
    if link.notice is None:
        return _plain(request, caller, "mail.confirm", ask=True)
    known = given_receipt(server, link.message_id)
    if known is not None:
        return _receipt(request, caller, known.receipt, place=_place(server, link))
    if link.notice.answered_at is not None:
        return _plain(request, caller, "contact.spent")
    if link.notice.kind not in DECLARE_KINDS:
        return _plain(request, caller, said(NoticeKind(link.notice.kind), to_house=link.to_house), link=link)
    with server.registry.reading() as connection:
        seen_at = first_seen(connection, link.notice.about.partition(":")[0]) or link.notice.created_at
    form = {
        "declaration_id": link.message_id,
        "premises_id": link.notice.premises_id,
        "unit": link.notice.unit or "",
        "arrival": form_time(seen_at),
        "nationality": "VNM",
    }
    here = _shown(_place(server, link), link)
    return show_form(request, caller, place=here, form=form, link=_followed(request, link))


@router.post("")
def answer(request: Request, caller: Caller, *, server: Wired, link: Link, form: Form) -> Response:
    """Confirm the address, or declare."""
    if link.recovery_id is not None:
        return _stopped(request, caller, server, link.recovery_id)
    if link.way_in_id is not None:
        return _closed(request, caller, server, link.way_in_id)
    if link.contact_id is not None:
        with server.registry.writing() as connection:
            if not confirm_address(connection, link.contact_id, now=server.clock.now()):
                raise Refused("contact.link_unknown")
        return _plain(request, caller, "contact.confirmed")
    notice, place = link.notice, _place(server, link)
    known = given_receipt(server, link.message_id)
    if known is not None:
        return _receipt(request, caller, known.receipt, place=place)
    if notice is None or notice.kind not in DECLARE_KINDS or notice.answered_at is not None:
        raise Conflict("contact.spent")
    account = _account(link)
    whole = dict(form) | {"declaration_id": link.message_id, "premises_id": place.premises_id}
    if not link.to_house:
        whole.pop("attested", None)  # nobody compares themselves with their document
    declaration, problems = read_and_check(server, whole, context=_context(server, link, account))
    if stands(problems, seen=form.get("seen_warnings", "")):
        here = _shown(place, link)
        return show_form(request, caller, place=here, form=whole, problems=problems, link=_followed(request, link))
    recorded = declare(server, declaration, account=account, origin="desk")
    return _receipt(request, caller, recorded.receipt, place=place)


@router.post("/visitor")
def visitor(request: Request, *, server: Wired, link: Link) -> Response:
    """Take the house's word that whoever was seen does not stay the night."""
    notice = link.notice
    if not link.to_house or notice is None or notice.kind not in DECLARE_KINDS:
        raise Refused("contact.link_unknown")
    if notice.answered_at is None:
        with server.registry.writing() as connection:
            now, by = server.clock.now(), _account(link).account_id
            answer_notice(connection, notice.commune_code, notice.notice_id, answer="visitor", now=now, by=by)
    return RedirectResponse(request.url.path.removesuffix("/visitor"), status_code=303)


@router.post("/reply")
def reply(request: Request, *, server: Wired, link: Link, form: Form) -> Response:
    """Take the house's reply to an officer's question."""
    if not link.to_house or link.notice is None:
        raise Refused("contact.link_unknown")
    with server.registry.writing() as connection:
        now, by, said = server.clock.now(), _account(link).account_id, reply_of(form.get("reply", ""))
        take_reply(connection, link.notice, said, by=by, now=now, random_bytes=server.random_bytes)
    return RedirectResponse(request.url.path.removesuffix("/reply"), status_code=303)


def _stopped(request: Request, caller: Visitor, server: Server, recovery_id: str) -> Response:
    """Stop the way in that the message told of."""
    with server.registry.writing() as connection:
        row = recovery(connection, recovery_id)
        if row is None:
            raise Refused("contact.link_unknown")
        stopped = stop_recovery(connection, row, by="link", now=server.clock.now())
    return _plain(request, caller, "contact.stopped" if stopped else "contact.too_late")


def _closed(request: Request, caller: Visitor, server: Server, way_in_id: str) -> Response:
    """Close what a kiosk opened and the message told of."""
    with server.registry.writing() as connection:
        row = way_in(connection, way_in_id)
        if row is None:
            raise Refused("contact.link_unknown")
        stop_way_in(connection, row, keep=None, now=server.clock.now())
    return _plain(request, caller, "contact.way_in_stopped")


def _account(link: Linked) -> Account:
    """Return who acts: the link, at the notice's premises."""
    premises = (link.notice.premises_id,) if link.notice is not None else ()
    return Account(account_id=f"link:{link.message_id}", name="", role="clerk", commune_code=link.commune_code, premises=premises)


def _context(server: Server, link: Linked, account: Account) -> FormContext:
    return FormContext(
        now=server.clock.now(),
        account_id=account.account_id,
        account_name=account.name,
        card_policy=server.card_policy,
        declarant="host" if link.to_house else "self",
    )


def _place(server: Server, link: Linked) -> Premises:
    """Return the notice's premises."""
    premises_id = link.notice.premises_id if link.notice is not None else ""
    with server.registry.reading() as connection:
        place = load_premises(connection, [premises_id], vault=server.registry.vault).get(premises_id)
    if place is None:
        raise Refused("contact.link_unknown")
    return place


def _shown(place: Premises, link: Linked) -> Workplace:
    """Return the premises as the form names it: to a person no home, for the message may be read by somebody else."""
    unnamed = not link.to_house and place.kind in HOMES
    return Workplace(here=msgspec.structs.replace(place, name="", units=()) if unnamed else place, own=())


def _followed(request: Request, link: Linked) -> Followed:
    return Followed(
        path=request.url.path,
        said=said(NoticeKind(link.notice.kind) if link.notice else NoticeKind.PLEASE_DECLARE, to_house=link.to_house),
        to_house=link.to_house,
        due=link.notice.due.astimezone(VIETNAM) if link.notice is not None and link.notice.due else None,
    )


def _plain(
    request: Request, caller: Visitor, code: str, *, ask: bool = False, stops: bool = False, link: Linked | None = None
) -> Response:
    asked = link is not None and link.to_house and link.notice is not None and link.notice.kind == NoticeKind.OFFICER_ASKS
    replies = list(Reply) if asked else []
    return render(
        request, "residents/message_link.html", caller=caller, code=code, ask=ask, stops=stops, link=link, replies=replies
    )


def _receipt(request: Request, caller: Visitor, receipt: Receipt, *, place: Premises) -> Response:
    shown = None if place.kind in HOMES else place
    return render(request, "residents/receipt.html", caller=caller, receipt=receipt, place={"here": shown})
