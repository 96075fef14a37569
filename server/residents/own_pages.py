"""What the register holds about the person signed in, who looked at it, and that a field of it is wrong, said in one step.

- Guests who say that they stay with this household are there to be confirmed or not, without their names (``registry/host_answers.py``).
- An account is somebody's because the authority bound it to them (``luutru account add --role resident --person``); one that is nobody's shows nothing.
- Looking at oneself is a look like any other, and on the record.
- A dispute shows at once wherever the value is shown (``registry/disputing.py``); an officer answers it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.disclosures import Span, disclosures_of
from registry.disputing import clocks_of, disputes_of, raise_dispute
from registry.door_claims import stays_with_pass
from registry.host_answers import answer_guest, guests_of
from registry.own_words import lock_of, words_of
from registry.premises import load_premises
from registry.recall_consents import end_consents, houses_of
from registry.recoveries import recoveries_of, standing_of, stop
from registry.release import Look, ReleasedPerson, release_persons
from registry.stay_disputes import standing_faults
from registry.stays import stays_of_person
from registry.ways_in import closable, ways_in_of
from registry.ways_in import stop as close_way_in
from residence.access.purposes import PERSONAL, Field, Purpose, released_fields
from residence.errors import Conflict, Problem, Refused, problem
from residence.wire.kiosk_answers import HostAnswer
from server.accounts.sign_in import standing_session
from server.pages import render
from server.policy import Account
from server.residents.own_stays import own_person
from server.residents.visitor_pages import homes_of
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/me")
Wired = Annotated[Server, Depends(server_of)]
NEWLY: Final = timedelta(days=14)  # how long the page says first that a kiosk opened it
NEWEST: Final = 10  # looks; all of them: /me/looks
OWN: Final = tuple(each for each in Field if each in PERSONAL & released_fields("resident", Purpose.OWN_STAYS))


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn) -> Response:
    """Show what is held about the person; a code on a slip opens one stay and not this."""
    if account.stay:
        return RedirectResponse("/me/stay", status_code=303)
    return _page(request, caller, account)


@router.post("")
def dispute(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Take the person's word that a field is wrong."""
    reason = form.get("reason", "")
    field = next((each for each in OWN if each.value == form.get("field")), None)
    if field is None:
        return _page(request, caller, account, wrong=problem("dispute.field", "/field"), reason=reason)
    try:
        with server.registry.writing() as connection:
            person_id = own_person(server, connection, account)
            raise_dispute(
                connection,
                person_id,
                field,
                by=account.account_id,
                reason=reason,
                now=server.clock.now(),
                random_bytes=server.random_bytes,
            )
    except (Refused, Conflict) as error:
        if not error.code.startswith("dispute."):
            raise
        return _page(request, caller, account, wrong=problem(error.code, error.pointer), reason=reason)
    return RedirectResponse("/me", status_code=303)


@router.post("/guests")
def answer_about_guest(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Take the resident's word about somebody who says that they stay with them."""
    answer = next((each for each in get_args(HostAnswer) if each == form.get("answer")), None)
    if answer is None:
        return _page(request, caller, account, wrong=problem("host.answer", "/answer"))
    with server.registry.writing() as connection:
        person_id = own_person(server, connection, account)
        now = server.clock.now()
        answer_guest(connection, person_id, form.get("declaration", ""), answer, by=account.account_id, now=now)
    return RedirectResponse("/me", status_code=303)


@router.post("/recall")
def forget_me(*, account: SignedIn, server: Wired, form: Form) -> Response:
    """Take back the person's consent to being recalled at one house."""
    with server.registry.writing() as connection:
        person_id = own_person(server, connection, account)
        end_consents(connection, person_id, premises_id=form.get("premises_id", ""), now=server.clock.now())
    return RedirectResponse("/me", status_code=303)


@router.post("/way-in/stop")
def stop_way_in(*, account: SignedIn, server: Wired) -> Response:
    """Stop what was begun at the commune police by whoever showed a paper there."""
    with server.registry.writing() as connection:
        now = server.clock.now()
        row = standing_of(recoveries_of(connection, own_person(server, connection, account), now=now), now=now)
        if row is not None:
            stop(connection, row, by=account.account_id, now=now)
    return RedirectResponse("/me", status_code=303)


@router.post("/kiosk-way-in/stop")
def close_kiosk_way_in(caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Close what was opened at a kiosk by whoever had the person's card there: the last opening, or one of just now."""
    with server.registry.writing() as connection:
        now, session = server.clock.now(), standing_session(caller)
        known = ways_in_of(connection, own_person(server, connection, account), now=now)
        row = next((each for each in closable(known, now=now) if each.way_in_id == form.get("way_in")), None)
        if row is not None:
            close_way_in(connection, row, keep=session, now=now)
    return RedirectResponse("/me", status_code=303)


def _page(request: Request, caller: Visitor, account: Account, *, wrong: Problem | None = None, reason: str = "") -> Response:
    server = server_of(request)
    now = server.clock.now()
    with server.registry.writing() as connection:  # a look at oneself is on the record, too
        person_id = own_person(server, connection, account)
        looks = disclosures_of(connection, person_id, span=Span(limit=NEWEST), now=now, vault=server.registry.vault)
        person = _released(server, connection, account, person_id)
        stays = stays_of_person(connection, person_id)
        guests, recalling = guests_of(connection, person_id, now=now), houses_of(connection, person_id, now=now)
        ways_in, at_kiosks = recoveries_of(connection, person_id, now=now), ways_in_of(connection, person_id, now=now)
        named = (
            {each.premises_id for each in stays}
            | {each.premises_id for each in guests}
            | {each.premises_id for each in recalling}
            | {each.premises_id for each in at_kiosks}
        )
        places = load_premises(connection, named, vault=server.registry.vault)
        disputes = disputes_of(connection, person_id)
        words, faults = words_of(connection, stays), standing_faults(connection, [each.stay_id for each in stays])
        lock, homes = lock_of(connection, person_id), homes_of(server, connection, account)
        with_pass = stays_with_pass(connection, person_id) if server.door_signer is not None else set()
    return render(
        request,
        "residents/own.html",
        caller=caller,
        status=422 if wrong else 200,
        person={field.value: value for field, value in person.fields.items()},
        disputed={field.value for field in person.disputed},
        stays=stays,
        guests=guests,
        recalling=recalling,
        places=places,
        looks=looks,
        with_log=server.settings.log is not None,
        disputes=disputes,
        clocks={each.dispute_id: clocks_of(each) for each in disputes},
        words=words,
        faults=faults,
        lock=lock,
        homes=homes,
        ways_in=ways_in,
        at_kiosks=at_kiosks,
        newly=[each for each in closable(at_kiosks, now=now) if each.used_at > now - NEWLY],
        standing=standing_of(ways_in, now=now),
        with_pass=with_pass,
        wrong=wrong,
        reason=reason,
        fields=[each.value for each in OWN if each in person.fields],
    )


def _released(server: Server, connection: Connection, account: Account, person_id: str) -> ReleasedPerson:
    look = Look(
        account_id=account.account_id,
        role="resident",
        purpose=Purpose.OWN_STAYS,
        commune_code=account.commune_code,
        about=account.account_id,
    )
    return release_persons(
        connection,
        [person_id],
        look=look,
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
    )[person_id]
