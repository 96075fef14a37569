"""Declaring a guest: by the code on a card (pasted, or read from a photo inside the browser), or typed.

- The photo never leaves the browser: the page decodes it with WebAssembly and sends the text of the code.
- A zone of a passport or card, pasted or typed, is read like a code. Free rooms are offered to be chosen with one key.
- A new form begins with the house's usual reason, which one key changes (``usual_pages``).
- All problems at once, each beside its field. Warnings are shown once; sending again with the same warnings declares.
- A form sent twice answers with the first receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from residence.access.purposes import Field
from residence.clock import VIETNAM
from residence.errors import Problem, problem
from residence.stays.declaration import StayDeclaration
from residence.stays.spans import instant
from server.declaring import check, declare, given_receipt, new_declaration_id
from server.desk.beside import beside
from server.desk.card_text import CardText, read_card_text
from server.desk.free_units import checking_out, free_units
from server.desk.guest_form import FormContext, field_of, form_of, read_form
from server.desk.one_stay import Said
from server.desk.own_premises import Workplace, workplace
from server.desk.parties import child_alone, next_of_party, party_here
from server.desk.recall import card_of_form, note_consent
from server.desk.shown_cards import ShownCard, look_at_shown, with_shown
from server.desk.usual_pages import REASON_KEYS
from server.desk.waits import waits
from server.desk.withheld import filled
from server.pages import render
from server.policy import Account
from server.visitor import Caller, Form, SignedIn, Visitor, signed_in
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


def place_for(server: Server, account: Account, action: str, premises_id: str) -> Workplace:
    """Return the workplace in a transaction of its own."""
    with server.registry.reading() as connection:
        return workplace(server, connection, account, action=action, premises_id=premises_id)


@router.get("/declare")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show an empty form, but for what the address says of somebody seen: room and arrival."""
    asked = request.query_params
    place = place_for(server, account, "declare", asked.get("premises", ""))
    known = {name: asked[name] for name in ("unit", "arrival") if name in asked}
    party = next_of_party(server, place.here, declaration_id=asked.get("party", ""))
    form = empty_form(server, place) | party.fields | known
    if "shown" not in asked:
        return show_form(request, caller, place=place, form=form)
    card = look_at_shown(server, account, place.here, presence_id=asked["shown"])
    if card is None:
        return show_form(request, caller, place=place, form=form, problems=(problem("desk.shown_gone", "/person"),))
    filled_in = form | card.fields | party.beside(card.reading.person, form["arrival"]) | {"shown": card.presence_id}
    return show_form(request, caller, place=place, form=filled_in, card=card)


def empty_form(server: Server, place: Workplace) -> dict[str, str]:
    """Return the fields of a form that is being opened: its declaration id, here, now, for one night until another is said."""
    now = server.clock.now().astimezone(VIETNAM)
    return {
        "declaration_id": new_declaration_id(server),
        "premises_id": place.here.premises_id,
        "arrival": now.strftime("%Y-%m-%dT%H:%M"),
        "planned_departure": checking_out(now, server.settings.check_out_hour).strftime("%Y-%m-%dT%H:%M"),
        "nationality": "VNM",
        "reason": place.here.usual_reason or "",
    }


def show_form(  # one page, all of its parts
    request: Request,
    caller: Visitor,
    *,
    place: Workplace,
    form: Mapping[str, str],
    problems: tuple[Problem, ...] = (),
    card: CardText | ShownCard | None = None,
    correcting: Correcting | None = None,
    link: Followed | None = None,
) -> Response:
    """Show the form with its problems beside the fields."""
    request.state.wasm = request.state.camera = link is None
    server = server_of(request)
    by_field: dict[str, list[Problem]] = {}
    for each in problems:
        by_field.setdefault(field_of(each.pointer), []).append(each)
    errors = [each for each in problems if each.severity == "error"]
    return render(
        request,
        "residents/declare.html" if link else "desk/declare.html",
        caller=caller,
        status=422 if problems else 200,
        place=place,
        form=form,
        by_field=by_field,
        errors=errors,
        field_of=field_of,
        warnings=",".join(sorted({each.code for each in problems if each.severity == "warning"})),
        card=None if isinstance(card, ShownCard) else card,
        correcting=correcting,
        free=() if correcting or link else free_units(server, place.here),
        reason_keys={} if correcting or link else REASON_KEYS,
        link=link,
        shown=card if isinstance(card, ShownCard) else None,
        party=None
        if link
        else party_here(server, signed_in(caller), place.here, declaration_id=form.get("party", ""), name_one=True),
        late=bool(form.get("late_cause")) or any(each.code == "declaration.past_deadline" for each in problems),
        **({} if link else waits(server, signed_in(caller), place.here)),
    )


@router.post("/read")
def read_card(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Fill the form in from the text of a card's code; typed fields of the stay are kept."""
    place = place_for(server, account, "declare", form.get("premises_id", ""))
    outcome = read_card_text(form.get("card_text", "").strip(), now=server.clock.now(), policy=server.card_policy)
    party = next_of_party(server, place.here, declaration_id=form.get("party", ""))
    typed = {name: value for name, value in form.items() if value and name != "card_text"}
    fields = empty_form(server, place) | party.fields | typed
    if outcome.reading is not None:
        person = outcome.reading.person
        fields |= form_of(person) | party.beside(person, fields["arrival"]) | {"card_text": form["card_text"].strip()}
    return show_form(request, caller, place=place, form=fields, card=outcome)


@router.post("/declare")
def submit(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Declare, or show every problem."""
    place = place_for(server, account, "declare", form.get("premises_id", ""))
    return take(request, caller, place=place, form=form)


class Followed(msgspec.Struct, frozen=True, kw_only=True):
    """The link of a message the form is filled in by, in place of an account: where it is sent, and what the notice says."""

    path: str
    said: str  # code of the notice's sentence
    to_house: bool
    due: datetime | None
    by_officer: bool = False  # no link: an officer at a case, who may not say of somebody that they are a visitor of the house


class Correcting(msgspec.Struct, frozen=True, kw_only=True):
    """What a form corrects: the stay, the declaration it is about, and the fields as declared that the page does not show."""

    stay_id: str
    before: StayDeclaration
    said: Said
    number_shown: str  # the number with all but its last digits hidden
    kept: Mapping[str, str]
    own_end: str | None = None  # the arrival's own, where an extension says when the guest leaves
    disputed: tuple[Field, ...] = ()  # fields of the guest somebody says are wrong


def take(
    request: Request, caller: Visitor, *, place: Workplace, form: Mapping[str, str], correcting: Correcting | None = None
) -> Response:
    """Check a submitted form and record it, or show it again with its problems."""
    server, account = server_of(request), signed_in(caller)
    known = given_receipt(server, form.get("declaration_id", ""))
    if known is not None:
        return RedirectResponse(f"/desk/receipts/{known.declaration_id}", status_code=303)
    shown = card_of_form(server, place.here, form) if correcting is None else None
    if correcting is not None:
        reason = correcting.before.reason
        whole = filled(form, correcting.kept, reason=reason.value if reason else "")
    else:
        whole = with_shown(form, shown)
    context = msgspec.structs.replace(_context(server, account, correcting), shown=shown.reading if shown else None)
    said, problems = read_and_check(server, whole, context=context)
    problems += _beyond(correcting, said) + child_alone(said)
    if stands(problems, seen=form.get("seen_warnings", "")):
        return show_form(request, caller, place=place, form=form, problems=problems, correcting=correcting, card=shown)
    if correcting is not None and correcting.own_end is not None:
        said = msgspec.structs.replace(said, planned_departure=correcting.own_end)
    besides = beside(correcting.said, said) if correcting is not None else ()
    recorded = declare(server, said, account=account, origin="desk", beside=besides)
    if correcting is None:
        note_consent(server, account, place.here, form=form, declaration_id=recorded.declaration_id)
    return RedirectResponse(f"/desk/receipts/{recorded.declaration_id}?new=1", status_code=303)


def read_and_check(
    server: Server, form: Mapping[str, str], *, context: FormContext
) -> tuple[StayDeclaration, tuple[Problem, ...]]:
    """Return what a form declares and every problem: of its writing, then of the stay."""
    result = read_form(form, context=context)
    unread = {each.pointer for each in result.problems}
    found = [each for each in check(server, result.declaration).problems if each.pointer not in unread]
    return result.declaration, (*result.problems, *found)


def _beyond(correcting: Correcting | None, said: StayDeclaration) -> tuple[Problem, ...]:
    """Return what a correction cannot change: the end of a stay that an extension gave it."""
    if correcting is None or correcting.own_end is None:
        return ()
    ends = [instant(each.planned_departure) for each in (correcting.before, said)]
    return () if ends[0] == ends[1] else (problem("desk.stay_extended", "/planned_departure"),)


def _context(server: Server, account: Account, correcting: Correcting | None) -> FormContext:
    return FormContext(
        card_policy=server.card_policy,
        now=server.clock.now(),
        account_id=account.account_id,
        account_name=account.name,
        kind="correction" if correcting else "arrival",
        about=correcting.before.declaration_id if correcting else None,
        before=correcting.before if correcting else None,
    )


def stands(problems: tuple[Problem, ...], *, seen: str) -> bool:
    """Tell whether the form must be shown again: an error, or a warning the clerk has not seen yet."""
    if any(each.severity == "error" for each in problems):
        return True
    return bool({each.code for each in problems} - set(seen.split(",")))
