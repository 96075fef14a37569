"""A person's own receipts as one file: everything said of their stays, with the signed receipts, wherever it was.

- Only to whoever is that person by the authority's word; the look is on the record like any other.
- Made of statements and receipts that never change: fetched again in years it is the same.

Example: ``GET /me/receipts``
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from registry.accounts import person_of
from registry.day_statements import statements_of
from registry.premises import load_premises
from registry.release import Look, release_persons
from registry.stays import stays_of_person
from residence.access.purposes import Field, Purpose
from residence.errors import Refused
from server.papers import Reader, pdf, receipts_paper
from server.visitor import Caller, SignedIn, own_language
from server.wiring import Server, server_of

router = APIRouter(prefix="/me")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/receipts")
def own_receipts(caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Give the person their receipts."""
    server.policy.require(account, "read_own_record", resource=account)
    with server.registry.writing() as connection:  # a look at oneself is on the record, too
        person_id = person_of(connection, account.account_id)
        if person_id is None:
            raise Refused("account.nobodys")
        stays = stays_of_person(connection, person_id)
        said = statements_of(
            connection, {own_id for each in stays for own_id in each.declaration_ids}, vault=server.registry.vault
        )
        places = load_premises(connection, {each.premises_id for each in stays}, vault=server.registry.vault)
        look = Look(
            account_id=account.account_id,
            role="resident",
            purpose=Purpose.OWN_STAYS,
            commune_code=account.commune_code,
            about=account.account_id,
            fields=frozenset({Field.FULL_NAME}),
            way="export",
        )
        released = release_persons(
            connection,
            [person_id],
            look=look,
            vault=server.registry.vault,
            now=server.clock.now(),
            random_bytes=server.random_bytes,
        )[person_id]
    if not said:
        raise Refused("server.no_receipts")
    disputed = frozenset({person_id} if Field.FULL_NAME in released.disputed else ())
    reader = Reader(language=own_language(caller), base_url=server.settings.base_url, disputed=disputed)
    return pdf(server, receipts_paper(said, places=places, reader=reader, title="own"), "receipts")
