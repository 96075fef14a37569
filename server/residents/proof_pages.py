"""The proof of a stay a person keeps: one statement about them, signed now, as a page to print or show, and as PDF.

- Only of what was said about the person signed in; anything else is refused as if it were not there.
- No personal field is in it, so nothing is released.
- Its receipt promised a place in the log of statements (ADR 163); ``/log`` gives the proof with that of its place, as a file that is checked without us.
- Where the receipt is of before and there is a log of looks, taking a proof for the first time is a look of one's own whose row says which statement:
  that row is the statement's place in the log (ADR 96).

Example: ``GET /me/proofs/01981f2e-0000-7000-8000-000000000001``
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from registry.access_records import add_own_proof, own_proof
from registry.accounts import person_of
from registry.day_statements import Said, statements_of
from registry.log_files import LogFiles
from registry.look_proofs import proof_of
from registry.premises import load_premises
from registry.stay_proofs import StandingNow, standing_now
from registry.stays import stays_of_person
from residence.errors import Refused
from residence.transparency.proofs import place_in
from residence.wire.stay_proofs import log_digest
from server.pages import render
from server.papers import pdf
from server.policy import Account
from server.residents.own_stays import own_stay
from server.stay_proofs import MadeProof, facts_of, make_proof, proof_paper, whole
from server.visitor import Caller, SignedIn, own_language
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me/proofs")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/{declaration_id}")
def show(request: Request, caller: Caller, *, account: SignedIn, server: Wired, declaration_id: str) -> Response:
    """Show the proof, its code, its text to copy, and how the statement stands now."""
    made, now_standing, said = _made(server, account, declaration_id)
    in_log = _in_log(server, account, made, begin=True) if made.proof.log is None else None
    return render(
        request,
        "residents/proof.html",
        caller=caller,
        made=made,
        said=said,
        now_standing=now_standing,
        facts=facts_of(made.proof, own_language(caller)),
        with_log=made.proof.log is None and server.settings.log is not None and not account.stay,
        place=place_in(in_log) if in_log else None,
    )


@router.get("/{declaration_id}/pdf")
def file(caller: Caller, *, account: SignedIn, server: Wired, declaration_id: str) -> Response:
    """Give the proof as PDF."""
    made, _, _ = _made(server, account, declaration_id)
    return pdf(server, proof_paper(made, language=own_language(caller), base_url=server.settings.base_url), made.proof.code)


@router.get("/{declaration_id}/log")
def log_file(account: SignedIn, server: Wired, declaration_id: str) -> Response:
    """Give the proof and below it the proof of its place in the log, or ``Refused("log.unknown_look")`` while it has none."""
    made, _, _ = _made(server, account, declaration_id)
    in_log = _in_log(server, account, made, begin=False) if made.proof.log is None else made.place and made.place.proof
    if not in_log:
        raise Refused("log.unknown_look")
    headers = {"content-disposition": f'attachment; filename="stay-{made.proof.code}.txt"'}
    return Response(f"{made.text}\n{in_log}", media_type="text/plain; charset=utf-8", headers=headers)


def _in_log(server: Server, account: Account, made: MadeProof, *, begin: bool) -> str | None:
    """Return the proof of the statement's row in the log, None until it is there. ``begin``: it is put there when it never was."""
    if server.settings.log is None or account.stay:
        return None
    said, now = made.proof, server.clock.now()
    digest = log_digest(said.declaration_id, said.state, said.accepted_at)
    with server.registry.reading() as connection:
        person_id = person_of(connection, account.account_id) or ""
        access_id = own_proof(connection, person_id, digest)
        if access_id is not None:
            return _proof(server, connection, access_id, person_id)
    if begin:
        with server.registry.writing() as connection:
            more = {"commune_code": account.commune_code, "by": account.account_id, "about": digest}
            add_own_proof(connection, person_id, **more, now=now, random_bytes=server.random_bytes)
    return None


def _proof(server: Server, connection: Connection, access_id: str, person_id: str) -> str | None:
    if server.settings.log is None:
        return None
    try:
        return proof_of(connection, access_id, person_id, log=LogFiles(server.settings.log), now=server.clock.now())
    except Refused:
        return None


def _made(server: Server, account: Account, declaration_id: str) -> tuple[MadeProof, StandingNow, Said]:
    with server.registry.reading() as connection:
        is_own = declaration_id in _own_statements(server, connection, account)
        said = statements_of(connection, [declaration_id], vault=server.registry.vault) if is_own else []
        if not said:
            raise Refused("server.not_allowed")
        where = said[0].stored.receipt.premises_id
        place = load_premises(connection, [where] if where else [], vault=server.registry.vault).get(where or "")
        made = make_proof(server, connection, said[0].stored, shown=whole(said[0], place))
        return made, standing_now(connection, said[0].stored), said[0]


def _own_statements(server: Server, connection: Connection, account: Account) -> set[str]:
    """Return the statements about the person's stays, or about the one stay a slip opened."""
    if account.stay:
        return set(own_stay(server, connection, account, account.stay).declaration_ids)
    server.policy.require(account, "read_own_record", resource=account)
    person_id = person_of(connection, account.account_id)
    return {each for stay in stays_of_person(connection, person_id) for each in stay.declaration_ids} if person_id else set()
