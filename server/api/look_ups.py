"""What the API tells besides declarations: a receipt by its code and the catalogue of codes, without an account, and the kiosks, for operators."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.kiosks import KioskOnList, kiosks_of
from registry.stay_proofs import standing_now
from residence.clock import rfc3339
from residence.errors import Refused
from residence.errors.guide import guide
from server.api.answers import KioskAnswer, PublicReceipt, answer
from server.api.callers import Calling, CountedRoute
from server.api.paging import is_known, tag_of
from server.operators.kiosk_health import health_of
from server.policy import CommuneResource
from server.residents.receipt_pages import lookup
from server.wiring import Server, caller_address, server_of

router = APIRouter(prefix="/v1", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]


@router.get("/receipts/{code}")
def get_public_receipt(request: Request, server: Wired, code: str) -> Response:
    """Answer with what whoever holds a receipt's code may see."""
    server.receipt_attempts.count(caller_address(request))
    found = lookup(server, code)
    if found is None:
        raise Refused("server.receipt_unknown")
    stored, place = found
    receipt = stored.receipt
    with server.registry.reading() as connection:
        standing = standing_now(connection, stored)
    return answer(
        PublicReceipt(
            code=receipt.code,
            state=receipt.state,
            accepted_at=receipt.accepted_at,
            due=receipt.due,
            on_time=receipt.on_time,
            rule=receipt.rule,
            rule_set=receipt.rule_set,
            place=place.name if place else None,
            now=standing.state,
            now_by=standing.by,
            now_at=rfc3339(standing.at) if standing.at else None,
        )
    )


@router.get("/errors")
def get_errors(request: Request) -> Response:
    """Answer with every code: severity, meaning, how to mend it, who has to act. 304 for whoever has it already."""
    body, tag = error_catalogue()
    headers = {"ETag": tag, "Cache-Control": "public, max-age=3600"}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@cache
def error_catalogue() -> tuple[bytes, str]:
    """Return the catalogue as it is served, and its tag: a hash of it, the same from every process of this version."""
    body = msgspec.json.encode(guide())
    return body, tag_of(body)


@router.get("/kiosks")
def get_kiosks(caller: Calling, server: Wired) -> Response:
    """Answer with the commune's kiosks."""
    account = caller.account
    server.policy.require(account, "list_kiosks", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        kiosks = kiosks_of(connection, account.commune_code)
    return answer([_kiosk(each, server) for each in kiosks])


def _kiosk(kiosk: KioskOnList, server: Server) -> KioskAnswer:
    health = health_of(kiosk, now=server.clock.now(), silent_after=server.settings.kiosk_silent_after)
    return KioskAnswer(
        kiosk_id=kiosk.kiosk_id,
        premises_id=kiosk.premises_id,
        health=health.state,
        reasons=health.reasons,
        online=kiosk.online,
        seen_at=rfc3339(kiosk.seen_at) if kiosk.seen_at else None,
        outbox_depth=kiosk.outbox_depth,
        oldest_unsent_at=rfc3339(kiosk.oldest_unsent_at) if kiosk.oldest_unsent_at else None,
        time_state=kiosk.time_state,
        readers=kiosk.readers or {},
        version=kiosk.version,
    )
