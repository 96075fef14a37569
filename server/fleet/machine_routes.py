"""What kiosks ask for themselves: to be taken into service by a claim, a new certificate, and to be written down as wiped.

- No session and no cookie: a claim's ask carries a proof under the claim's secret, the rest is signed with the kiosk's own key. So these addresses
  may be asked from anywhere, and are asked by a machine whose certificate for the broker has ended.
- The web process makes no certificate. It writes down what is asked for; a gateway that holds the authority's key makes it, and asking again gives it.
- An unknown claim and a wrong proof are answered alike. Attempts are counted by address.

Example: ``POST /kiosks/claims`` with a sealed ``ClaimAsk`` is answered with a sealed ``ClaimAnswer``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from registry import kiosk_certificates, kiosk_claims
from registry.kiosk_claims import KioskClaim
from registry.kiosks import keyring_entries, kiosk_keys
from registry.premises import load_premises
from residence.errors import LuutruError, Refused, Untrusted
from residence.wire import claims
from residence.wire.keyring import Keyring, dump_keyring
from residence.wire.signing import read_sign1
from residence.wire.updates import ring_for_kiosks
from server.problems import problem_answer
from server.wiring import Server, caller_address, server_of

router = APIRouter(prefix="/kiosks")
Wired = Annotated[Server, Depends(server_of)]
JSON: Final = "application/json"


@router.post("/claims")
async def post_claim(request: Request, server: Wired) -> Response:
    """Let a machine ask to be taken into service, and ask again until it is."""
    return await _answered(request, server, claimed)


@router.post("/certificates")
async def post_renewal(request: Request, server: Wired) -> Response:
    """Give a kiosk in service its certificate, or have the next one made."""
    return await _answered(request, server, renewed)


@router.post("/wiped")
async def post_wiped(request: Request, server: Wired) -> Response:
    """Write down that a kiosk was wiped, and take it out of service."""
    return await _answered(request, server, wiped)


def claimed(server: Server, data: bytes) -> bytes:
    """Answer one ask of a machine."""
    claim_id = claims.claim_of(data)
    secret = server.registry.vault.claim_secret(claim_id)
    try:
        asked = claims.unseal(data, claims.ClaimAsk, secret=secret, direction="ask")
    except Untrusted:
        raise Refused("claim.unknown") from None
    if asked.claim_id != claim_id:
        raise Refused("claim.unknown")
    with server.registry.writing() as connection:
        claim = kiosk_claims.ask(connection, asked, now=server.clock.now())
        answer = _answer_to(connection, server, claim)
    return claims.seal(answer, claim_id=claim_id, secret=secret, direction="answer")


def renewed(server: Server, data: bytes) -> bytes:
    """Answer one wish for a certificate."""
    now = server.clock.now()
    ring, _commune = _ring_for(server, data)
    renewal = claims.open_renewal(data, keyring=ring, at=now)
    with server.registry.writing() as connection:
        issued = kiosk_certificates.renew(connection, renewal.request, kiosk_id=renewal.kiosk_id, now=now)
    return msgspec.json.encode(claims.RenewalAnswer(certificate=issued.certificate if issued else ""))


def wiped(server: Server, data: bytes) -> bytes:
    """Take down one kiosk's last word."""
    now = server.clock.now()
    ring, commune = _ring_for(server, data)
    said = claims.open_wiped(data, keyring=ring, at=now)
    with server.registry.writing() as connection:
        kiosk_certificates.keep_wiped(connection, said.kiosk_id, data, commune_code=commune, now=now)
    return b"{}"


def _ring_for(server: Server, data: bytes) -> tuple[Keyring, str]:
    """Return a ring of the one key that is said to have signed, and its commune: nothing is written before its signature held."""
    key_id = read_sign1(data).key_id
    with server.registry.reading() as connection:
        entries, commune = kiosk_keys(connection, key_id)
    return Keyring(entries), commune


async def _answered(request: Request, server: Server, work: Callable[[Server, bytes], bytes]) -> Response:
    try:
        server.kiosk_attempts.count(caller_address(request))
        answer = await run_in_threadpool(work, server, await request.body())
    except LuutruError as error:
        return problem_answer(error)
    return Response(answer, media_type=JSON, headers={"cache-control": "no-store"})


def _answer_to(connection: Connection, server: Server, claim: KioskClaim) -> claims.ClaimAnswer:
    """Return what a machine is told of its claim, which it has proven to hold."""
    if claim.approved_at is None:
        return claims.ClaimAnswer(state="compare", kiosk_id=claim.kiosk_id)
    issued = kiosk_certificates.newest(connection, claim.kiosk_id)
    if issued is None:
        return claims.ClaimAnswer(state="approved", kiosk_id=claim.kiosk_id)
    place = load_premises(connection, [claim.premises_id], vault=server.registry.vault)[claim.premises_id]
    return claims.ClaimAnswer(
        state="issued",
        kiosk_id=claim.kiosk_id,
        profile=claim.profile,
        certificate=issued.certificate,
        authority=issued.authority,
        keyring=dump_keyring(ring_for_kiosks(keyring_entries(connection))),
        broker=server.settings.kiosk_broker,
        place=claims.Place(
            site=claim.premises_id,
            kind=str(place.kind),
            commune_code=place.commune_code,
            name=place.name,
            address=place.address_text or "",
            units=place.units,
            remote_area=place.remote_area,
        ),
    )
