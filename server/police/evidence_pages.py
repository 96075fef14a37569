"""What stands behind one declaration's evidence level, for the officer: each check of the chip in words, then and now; no name.

- Opening the page judges the chip again from its bytes, with the certificates and lists of today; where that differs, both are kept and shown.
- The page is as open as the list it is reached from: it shows no personal field, so it asks for no purpose.

Example: ``/police/premises/htl-sao-mai/evidence/019f4ad3-7580-7000-8000-0000000000aa``
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.chip_judgements import Judging, open_evidence
from registry.premises import load_premises
from residence.errors import Refused
from server.pages import render
from server.policy import PremisesResource
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/premises")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/{premises_id}/evidence/{declaration_id}")
def show(
    request: Request, caller: Caller, *, account: SignedIn, server: Wired, premises_id: str, declaration_id: str
) -> Response:
    """Show every check of one declaration."""
    now = server.clock.now()
    with server.registry.writing() as connection:  # what is found otherwise than before is noted
        place = load_premises(connection, [premises_id], vault=server.registry.vault).get(premises_id)
        if place is None:
            raise Refused("server.not_allowed")
        resource = PremisesResource(premises_id=place.premises_id, commune=place.commune_code)
        server.policy.require(account, "list_premises_stays", resource=resource)
        judging = Judging(vault=server.registry.vault, store=server.chip_trust(now), now=now, random_bytes=server.random_bytes)
        opened = open_evidence(connection, declaration_id, premises_id=premises_id, judging=judging)
        if opened is None:
            raise Refused("server.not_allowed")
    return render(request, "police/evidence.html", caller=caller, place=place, opened=opened)
