"""A notice nobody answered, made into a case by an officer for a reason (``registry/case_promoting.py``).

- Nobody does so in their own cause; the case is then given out, claimed and decided like any other.

Example: ``POST /police/alerts/<notice id>`` with ``reason=...`` answers with the case
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import RedirectResponse, Response

from registry.case_promoting import Means, promote, waiting_notice
from residence.errors import Refused
from server.police.case_access import own_interests
from server.police.work_queue_pages import require_queues
from server.visitor import Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/alerts")
Wired = Annotated[Server, Depends(server_of)]


@router.post("/{notice_id}")
def make_case(account: SignedIn, server: Wired, *, form: Form, notice_id: str) -> Response:
    """Make a case of a notice."""
    require_queues(server, account)
    with server.registry.writing() as connection:
        notice = waiting_notice(connection, account.commune_code, notice_id)
        if own_interests(server, connection, account.account_id).concerns(notice):
            raise Refused("server.not_allowed")
        means = Means(now=server.clock.now(), vault=server.registry.vault, rules=server.rules, random_bytes=server.random_bytes)
        said = (account.account_id, form.get("reason", "").strip())
        case_id = promote(connection, notice, said=said, means=means)
    return RedirectResponse(f"/police/cases/{case_id}", status_code=303)
