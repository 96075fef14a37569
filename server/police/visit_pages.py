"""Visits on a phone: the evening's list, taken along; what was found is kept without a network, sealed, and sent when there is one.

- The page itself (``/police/visits/phone``) holds nobody and nothing, so a browser may keep it; a service worker opens it without a network.
- The list is fetched when there is a network, sealed in the browser under a key it cannot hand out, and gone in the morning.
- What was found is sealed to the authority and signed by the browser (``residence/wire/visits.py``): the phone cannot read it again.
- Each visit is answered for itself; sent again it is answered as before.

Example: ``POST /police/visits`` answers ``[{"visit_id": "...", "state": "kept"}]``
"""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any, Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter, Depends, Request
from starlette.responses import FileResponse, Response

from registry.premises import load_premises
from registry.visits import device_of, enrol_device, keep_visit, kept_visit, sealing_key, sealing_period
from residence.cases.queues import passes, read_filter
from residence.cases.transitions import CLOSED
from residence.cases.visits import VisitOutcome
from residence.clock import VIETNAM, rfc3339
from residence.errors import LuutruError, Malformed, Refused
from residence.wire.visits import SentVisit, open_visit, read_sent, read_visit_header
from server.api.answers import answer
from server.pages import render, wall
from server.police.case_access import readable_case
from server.police.route_pages import Stop, stops_of
from server.police.work_queue_pages import asked_queue, require_queues, shelf_of
from server.policy import Account
from server.visitor import Caller, SignedIn, Visitor
from server.wiring import Server, server_of
from server.wording import word

router = APIRouter(prefix="/police/visits")
Wired = Annotated[Server, Depends(server_of)]
AT_ONCE: Final = 50
MORNING: Final = 8  # local hour at which a list is over


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one visit: ``kept``, or ``refused`` with a code and a sentence."""

    visit_id: str
    state: str
    code: str | None = None


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A browser's public key."""

    public_key: bytes


async def sent_body(request: Request) -> bytes:
    """Return the body as it came; the middleware has bounded it."""
    return await request.body()


Body = Annotated[bytes, Depends(sent_body)]


@router.get("/phone")
def show(request: Request, caller: Caller) -> Response:
    """Show the page, without an account and without a case: the same for everybody, so that a browser may keep it."""
    anybody = Visitor(token=caller.token, language=caller.language, wish=caller.language, fresh=caller.fresh)
    return render(request, "police/visits.html", caller=anybody, outcomes=list(VisitOutcome))


@router.get("/worker.js")
def worker(server: Wired) -> Response:
    """Serve the worker from below the pages it may answer for."""
    return FileResponse(server.settings.static / "visits_worker.js", media_type="text/javascript")


@router.get("/round")
def give_round(request: Request, caller: Caller, *, account: SignedIn, server: Wired) -> Response:
    """Give the list of a queue's houses, the key to seal to, and the token forms carry."""
    require_queues(server, account)
    chosen, asked = asked_queue(server, request.query_params.get("queue", "mine")), read_filter(request.query_params)
    if chosen.closed:
        raise Refused("server.not_allowed")
    with server.registry.reading() as connection:
        items = shelf_of(server, connection, account, chosen=chosen).items
        items = [each for each in items if passes(asked, each.queued, me=account.account_id) and each.queued.state not in CLOSED]
        places = load_premises(connection, {each.row.premises_id for each in items}, vault=server.registry.vault)
    stops = stops_of([each for each in items if each.row.premises_id in places], places)
    return answer(_round(server, caller, account, stops))


def _round(server: Server, caller: Visitor, account: Account, stops: list[Stop]) -> dict[str, Any]:
    now = server.clock.now()
    local = now.astimezone(VIETNAM)
    ends = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    day = 86400 if local >= ends else 0
    period = sealing_period(now)
    public = sealing_key(server.registry.vault, period).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "csrf": caller.csrf,
        "officer": account.name,
        "account": account.account_id,
        "now": int(now.timestamp() * 1000),
        "ends": int((ends.timestamp() + day) * 1000),
        "key": {"name": period, "public": b64encode(public).decode()},
        "stops": [_stop(each, caller) for each in stops],
    }


def _stop(stop: Stop, caller: Visitor) -> dict[str, Any]:
    return {
        "place": stop.place.name,
        "address": stop.place.address_text,
        "cases": [
            {
                "case_id": each.row.case_id,
                "unit": each.row.unit or "–",
                "rule": word("rule_short", each.row.rule, language=caller.language),
                "last_seen": wall(each.row.last_seen, language=caller.language),
            }
            for each in stop.items
        ],
    }


@router.post("/devices")
def enrol(account: SignedIn, server: Wired, *, body: Body) -> Response:
    """Take the public key of a browser that will record visits."""
    require_queues(server, account)
    try:
        key = msgspec.json.decode(body, type=Enrolment).public_key
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("visit.malformed", "/public_key") from error
    with server.registry.writing() as connection:
        whose = (account.commune_code, account.account_id)
        device_id = enrol_device(connection, whose, key, now=server.clock.now(), random_bytes=server.random_bytes)
    return answer({"device_id": device_id, "enrolled_at": rfc3339(server.clock.now())})


@router.post("")
def take_visits(account: SignedIn, server: Wired, *, body: Body) -> Response:
    """Take what was kept; each visit in a transaction and with an answer of its own."""
    require_queues(server, account)
    sent = read_sent(body)
    if len(sent) > AT_ONCE:
        raise Malformed("visit.too_many")
    return answer([_taken(server, account, each) for each in sent])


def _taken(server: Server, account: Account, sent: SentVisit) -> Answer:
    visit_id = ""
    try:
        header = read_visit_header(sent)
        visit_id = header.visit_id
        with server.registry.writing() as connection:
            device = device_of(connection, account.account_id, header.device_id)
            key = sealing_key(server.registry.vault, header.key)
            opened = open_visit(sent, public_key=bytes(device.public_key), sealing_key=key)
            if not kept_visit(connection, visit_id, sent):
                readable_case(server, connection, account, opened.visit.case_id)
                keep_visit(connection, opened, sent, device=device, now=server.clock.now())
    except LuutruError as error:
        return Answer(visit_id=visit_id, state="refused", code=error.code)
    return Answer(visit_id=visit_id, state="kept")
