"""The proof of one look, to be kept: whoever was looked at can check it anywhere, without us.

- Given to the person alone. Of a look that is sealed, or not in the log yet, nothing is said but that there is none.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from registry.accounts import person_of
from registry.log_files import LogFiles
from registry.look_proofs import proof_of
from residence.errors import Refused
from server.visitor import SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/me/looks")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/{access_id}")
def download(access_id: str, account: SignedIn, server: Wired) -> Response:
    """Give the proof as a file."""
    server.policy.require(account, "read_own_record", resource=account)
    if server.settings.log is None:
        raise Refused("log.unknown_look")
    with server.registry.reading() as connection:
        person_id = person_of(connection, account.account_id)
        if person_id is None:
            raise Refused("account.nobodys")
        text = proof_of(connection, access_id, person_id, log=LogFiles(server.settings.log), now=server.clock.now())
    name = f'attachment; filename="look-{access_id[-12:]}.tlog-proof"'
    return Response(text, media_type="text/plain; charset=utf-8", headers={"content-disposition": name})
