"""One premises for the officer: who should be there tonight by room, places against people, how the house did by month, and its stays; no name.

- All of it counts, units, times, states, findings and evidence in words. Houses are listed by id and never ranked.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.chip_judgements import judged_among
from registry.declarations import findings_about
from registry.desk_lists import Place, count_stays, list_stays
from registry.host_answers import answers_about
from registry.house_tonight import house_history, house_tonight
from registry.own_words import words_of
from registry.premises import load_premises, premises_of
from residence.errors import Refused
from server.pages import render
from server.policy import CommuneResource, PremisesResource
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/premises")
Wired = Annotated[Server, Depends(server_of)]
LOOK_BACK: Final = timedelta(days=30)


@router.get("")
def show_all(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """List the commune's premises with how many stays stand."""
    server.policy.require(account, "list_premises", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        places = premises_of(connection, account.commune_code, vault=server.registry.vault)
        counts = count_stays(connection, account.commune_code, now=server.clock.now())
    return render(request, "police/premises.html", caller=caller, places=places, counts=counts)


@router.get("/{premises_id}")
def show_one(request: Request, caller: Caller, *, account: SignedIn, server: Wired, premises_id: str) -> Response:
    """List one premises' stays with findings and evidence."""
    with server.registry.reading() as connection:
        place = load_premises(connection, [premises_id], vault=server.registry.vault).get(premises_id)
        if place is None:
            raise Refused("server.not_allowed")
        resource = PremisesResource(premises_id=place.premises_id, commune=place.commune_code)
        server.policy.require(account, "list_premises_stays", resource=resource)
        here = Place(place.commune_code, place.premises_id)
        stays = list_stays(connection, here, since=server.clock.now() - LOOK_BACK)
        said = [each for stay in stays for each in stay.declaration_ids]
        about = findings_about(connection, said)
        judged = judged_among(connection, said)
        answers = answers_about(connection, said)
        words = words_of(connection, stays)
        rooms, months = (
            house_tonight(connection, here, now=server.clock.now()),
            house_history(connection, here, now=server.clock.now()),
        )
    findings = {
        stay.stay_id: sorted({found.code for each in stay.declaration_ids for found in about.get(each, ())}) for stay in stays
    }
    chips = {stay.stay_id: [each for each in stay.declaration_ids if each in judged] for stay in stays}
    hosts = {stay.stay_id: answer for stay in stays for each in stay.declaration_ids if (answer := answers.get(each)) is not None}
    return render(
        request,
        "police/premises_stays.html",
        caller=caller,
        place=place,
        stays=stays,
        findings=findings,
        chips=chips,
        hosts=hosts,
        words=words,
        rooms=rooms,
        months=months,
        sleeping=sum(each.sleeping for each in rooms),
    )
