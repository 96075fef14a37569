"""A premises of the own commune corrected by an officer who has the paper: kind, name, address, capacity, who declares, units; its history, and undo.

- What may be corrected, and what speaks against it, is ``registry/premises_changes.py``; the same as ``luutru registry premises``.
- Every correction is signed by this process. Of two officers at once the second is told: the form carries the latest correction it was made from.
- A premises of another commune and one that is not there answer alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, cast, get_args

from fastapi import APIRouter, Depends, Request
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.accounts import names_of
from registry.correcting import Corrected, Hand, KeptCorrection, corrections_of
from registry.key_changes import keyring_if_reachable
from registry.numbering import Means, Officer
from registry.premises import load_premises
from registry.premises_changes import correct_premises, take_back_premises
from registry.relations import duty_then
from residence.errors import LuutruError, Problem, Refused, has_errors, problem
from residence.places.premises import Premises, PremisesKind
from residence.places.premises_corrections import PremisesCorrection
from residence.places.relations import Answering
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/premises/{premises_id}/correct")
Wired = Annotated[Server, Depends(server_of)]
SHOWN: Final = 20  # of the history
_BETWEEN: Final = re.compile(r"[;,\n]+")


@router.get("")
def show(request: Request, caller: Caller, *, account: SignedIn, premises_id: str) -> Response:
    """Show what the register says, to be corrected, and what was corrected."""
    return _page(request, caller, account, premises_id)


@router.post("")
def correct(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, premises_id: str) -> Response:
    """Correct it, or take the latest correction back."""
    try:
        with server.registry.writing() as connection:
            _own(server, connection, account, premises_id)
            done = _step(connection, hand_of(server, account, form), premises_id, form)
    except LuutruError as error:
        if not error.code.startswith("correction."):
            raise
        done = Corrected(problems=(problem(error.code, error.pointer),))
    if has_errors(done.problems):
        return _page(request, caller, account, premises_id, problems=done.problems, form=form)
    return RedirectResponse(f"/police/premises/{premises_id}/correct", status_code=303)


def hand_of(server: Server, account: Account, form: Mapping[str, str]) -> Hand:
    """Return who corrects, with this process's key."""
    means = Means(vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes)
    return Hand(officer=Officer(account_id=account.account_id, reason=form.get("reason", "")), means=means, signer=server.signer)


def history_of(server: Server, connection: Connection, subject_id: str) -> tuple[list[KeptCorrection], dict[str, str]]:
    """Return the latest corrections with their signatures looked at, and who made them."""
    kept = corrections_of(connection, subject_id, keyring=keyring_if_reachable(server.registry))[:SHOWN]
    return kept, names_of(connection, {each.account_id for each in kept})


def to_take_back(kept: list[KeptCorrection]) -> dict[str, str]:
    """Return the correction of each row that can be taken back: the latest that stands."""
    answered = {each.answers for each in kept}
    standing = [each for each in reversed(kept) if each.event != "taken_back" and each.correction_id not in answered]
    latest = {each.row_id: each for each in standing}
    return {row_id: each.correction_id for row_id, each in latest.items() if each.event != "moved_out"}


def _own(server: Server, connection: Connection, account: Account, premises_id: str) -> Premises:
    place = load_premises(connection, [premises_id], vault=server.registry.vault).get(premises_id)
    if place is None:
        raise Refused("server.not_allowed")
    server.policy.require(account, "correct_register", resource=CommuneResource(commune=place.commune_code))
    return place


def _step(connection: Connection, hand: Hand, premises_id: str, form: Mapping[str, str]) -> Corrected:
    if form.get("action") == "take-back":
        kept = corrections_of(connection, premises_id)
        if form.get("correction") not in {each.correction_id for each in kept}:
            raise Refused("correction.unknown", "/correction")
        return take_back_premises(connection, form["correction"], hand=hand)
    capacity = form.get("capacity", "").strip()
    if capacity and not (capacity.isascii() and capacity.isdecimal() and len(capacity) < 10):  # noqa: PLR2004 - whatever is too much is told
        return Corrected(problems=(problem("correction.capacity", "/capacity", most=100_000),))
    asked = PremisesCorrection(
        kind=_kind(form),
        name=_text(form, "name"),
        address_text=_text(form, "address_text"),
        capacity=(int(capacity) if capacity else None) if "capacity" in form else UNSET,
        declared_by=_answering(form),
        add_units=_units(form.get("add_units", "")),
        remove_units=_units(form.get("remove_units", "")),
    )
    return correct_premises(connection, premises_id, asked, hand=hand, expected=form.get("expected") or None)


def _text(form: Mapping[str, str], name: str) -> str | UnsetType:
    return " ".join(form[name].split()) if name in form else UNSET


def _kind(form: Mapping[str, str]) -> PremisesKind | UnsetType:
    said = form.get("kind")
    if said is None:
        return UNSET
    if said not in set(PremisesKind):
        raise Refused("correction.kind", "/kind")
    return PremisesKind(said)


def _answering(form: Mapping[str, str]) -> Answering | UnsetType | None:
    said = form.get("declared_by")
    if said is None:
        return UNSET
    if said and said not in get_args(Answering):
        raise Refused("correction.declared_by", "/declared_by")
    return cast("Answering", said) if said else None


def _units(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in _BETWEEN.split(text) if each.strip())


def _page(
    request: Request,
    caller: Visitor,
    account: Account,
    premises_id: str,
    *,
    problems: tuple[Problem, ...] = (),
    form: Mapping[str, str] | None = None,
) -> Response:
    server = server_of(request)
    with server.registry.reading() as connection:
        place = _own(server, connection, account, premises_id)
        kept, names = history_of(server, connection, premises_id)
        duty = duty_then(connection, place, at=server.clock.now(), rules=server.rules)
    said: dict[str, Any] = {
        "kind": place.kind.value,
        "name": place.name,
        "address_text": place.address_text,
        "capacity": "" if place.capacity is None else str(place.capacity),
        "declared_by": place.declared_by or "",
    }
    return render(
        request,
        "police/premises_correct.html",
        caller=caller,
        status=422 if problems else 200,
        place=place,
        duty=duty,
        problems=problems,
        by_field={each.pointer.removeprefix("/"): each for each in problems},
        form=said | dict(form or {}),
        history=kept,
        names=names,
        undo=to_take_back(kept),
        expected=kept[0].correction_id if kept else "",
    )
