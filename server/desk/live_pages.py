"""What reaches an open page of the desk by itself: a card that the desk's kiosk has just read, and that a deadline is near.

- Server-sent events. An event bears the id of a card and nothing of whose it is; the page opens the form, where the look is on the record.
- A stream tells every card that is fresh, once; the page knows which it lists already. So nothing depends on who was connected when.
- Cards are for whoever declares there; a deadline that is near is for whoever may look.
- A stream ends after ``live_for`` at the latest and the browser asks again by itself: a session that has ended gets no new one. How much earlier
  differs from stream to stream, so that two hundred pages that came back together after a new start do not stay together.

Example: ``GET /desk/live?premises=htl-sao-mai`` answers ``event: card`` with ``data: <id>``
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from residence.places.premises import Premises
from server.desk.declare_pages import place_for
from server.desk.shown_cards import waiting_cards
from server.desk.urgent import urgent
from server.policy import PremisesResource
from server.visitor import SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]
EVERY_SECONDS: Final = 1.0
URGENT_EVERY: Final = 15  # turns


@router.get("/live")
def live(request: Request, account: SignedIn, server: Wired) -> StreamingResponse:
    """Tell an open page which cards come in at the desk's kiosk."""
    place = place_for(server, account, "list_stays", request.query_params.get("premises", ""))
    resource = PremisesResource(premises_id=place.here.premises_id, commune=place.here.commune_code)
    declares = server.policy.allows(account, "declare", resource=resource)
    return StreamingResponse(_events(server, place.here, cards=declares), media_type="text/event-stream")


async def _events(server: Server, premises: Premises, *, cards: bool) -> AsyncIterator[str]:
    told: set[str] = set()
    yield "retry: 1000\n\n"
    longest = int(server.settings.live_for.total_seconds() / EVERY_SECONDS) + 1
    for turn in range(longest - server.random_bytes(1)[0] % max(1, longest // 2)):
        if turn:
            await asyncio.sleep(EVERY_SECONDS)
        for card in await run_in_threadpool(waiting_cards, server, premises) if cards else ():
            if card.presence_id not in told:
                told.add(card.presence_id)
                yield f"event: card\ndata: {card.presence_id}\n\n"
        if turn % URGENT_EVERY == 0:
            pressing = await run_in_threadpool(urgent, server, premises)
            yield f"event: urgent\ndata: {msgspec.json.encode(pressing).decode()}\n\n"
