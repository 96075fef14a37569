"""What the chip of a guest's card showed, as the desk sees it: the level with a sign, each check in words, and how a chip comes to be read.

- A desk reads no chip itself; a kiosk of the same house does. Whether the guest was declared at the desk or at the kiosk, before or after, both
  are one stay, and it stands at the highest level that was shown.
- While no chip was read, and a kiosk here reads chips, the page says so and asks again every few seconds; then each check stands there.
- Shown is what was judged from the chip's bytes, never what the kiosk said. Doubts about a kiosk are the authority's matter.
- No name and no number is in it, so no purpose is asked for.

Example: ``GET /desk/stays/<id>/chip`` answers with the part of the page that is asked for again.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from registry.chip_judgements import KeptJudgement, best_judgement
from registry.kiosks import reads_chips
from registry.stays import StayOnList
from server.desk.one_stay import open_stay
from server.pages import render
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk/stays")
Wired = Annotated[Server, Depends(server_of)]


class ChipAtDesk(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one stay's chip. ``can_come``: a kiosk of the house reads chips, and the guest is still here."""

    stay_id: str
    level: int
    judged: KeptJudgement | None
    can_come: bool


def chip_of(connection: Connection, stay: StayOnList) -> ChipAtDesk:
    """Return what the chip of a stay's guest showed."""
    judged = best_judgement(connection, stay.declaration_ids)
    waits = judged is None and stay.status in {"open", "disputed"}
    return ChipAtDesk(
        stay_id=stay.stay_id,
        level=stay.evidence_level,
        judged=judged,
        can_come=waits and reads_chips(connection, stay.commune_code, stay.premises_id),
    )


@router.get("/{stay_id}/chip")
def show(request: Request, caller: Caller, *, account: SignedIn, server: Wired, stay_id: str) -> Response:
    """Show the part of a stay's page that is about the chip."""
    with server.registry.reading() as connection:
        opened = open_stay(server, connection, account, action="list_stays", stay_id=stay_id)
        chip = chip_of(connection, opened.stay)
    return render(request, "desk/chip.html", caller=caller, chip=chip)
