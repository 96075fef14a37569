"""A front desk helps somebody without papers: it begins a path, prints the slip, says how far one is, and passes on that they want to stop or go on.

- The clerk is the helper where no other is named; whoever helps stands there as helper and never as the guest.
- Once sent, the desk sees of a path what its slip shows: the words are read by the officer who takes it, and by nobody here.
- Stopping and going on are the person's word and need the slip; every step says which account passed it on.

Example: ``/desk/paths?premises=htl-sao-mai``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.numbering import Means
from registry.paths import Taken, begin_path, step_path
from residence.errors import Conflict, Problem, Refused, problem
from residence.paths.steps import NEXT, HelperKind, PathStep
from server.desk.own_premises import workplace
from server.pages import render
from server.path_forms import language_for, new_form_id, read_beginning, slip_for, words_for
from server.policy import Account
from server.residents.path_pages import find_path, followed
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/desk/paths")
Wired = Annotated[Server, Depends(server_of)]
PASSED_ON: Final[tuple[PathStep, ...]] = ("withdraw", "resume")


@router.get("")
def ask(request: Request, caller: Caller, account: SignedIn) -> Response:
    """Ask what is needed to begin, or for the code of a slip."""
    return _page(request, caller, account, form={"code": request.query_params.get("code", "")[:40]})


@router.post("")
def begin(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Begin a path for somebody at this desk."""
    server.person_attempts.count(account.account_id)
    try:
        with server.registry.writing() as connection:
            place = workplace(server, connection, account, action="declare", premises_id=form.get("premises", ""))
            said = read_beginning(
                form,
                connection,
                way="desk",
                commune_code=place.here.commune_code,
                by=account.account_id,
                premises_id=place.here.premises_id,
            )
            if said.helper_kind is None:
                said = msgspec.structs.replace(said, helper_kind=HelperKind.CLERK)
            begun = begin_path(connection, said, means=_means(server))
    except (Refused, Conflict) as error:
        if not error.code.startswith("path."):
            raise
        return _page(request, caller, account, form=form, wrong=problem(error.code, error.pointer))
    language = language_for(request, caller)
    shown = {"place": place, **slip_for(begun, language, base_url=server.settings.base_url), **words_for(language)}
    return render(request, "desk/path_slip.html", caller=caller, **shown)


@router.post("/follow")
def follow(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Say how far the path of a slip is, and pass on what its person wants."""
    server.person_attempts.count(account.account_id)
    step = next((each for each in PASSED_ON if each == form.get("step")), None)
    with server.registry.writing() as connection:
        place = workplace(
            server, connection, account, action="declare" if step else "list_stays", premises_id=form.get("premises", "")
        )
        row = find_path(connection, form.get("code", ""))
        if row is None:
            return _page(request, caller, account, form=form, wrong=problem("path.unknown", "/follow"))
        if step is not None:
            step_path(connection, row.path_id, Taken(step=step, by=account.account_id), means=_means(server))
            row = find_path(connection, form.get("code", "")) or row
    language = language_for(request, caller)
    shown = {**followed(server, row, language), **words_for(language)}
    steps = [each for each in PASSED_ON if each in NEXT[shown["progress"].state]]
    return render(request, "desk/path_follow.html", caller=caller, place=place, steps=steps, **shown)


def _page(
    request: Request, caller: Visitor, account: Account, *, form: Mapping[str, str], wrong: Problem | None = None
) -> Response:
    server, shown = server_of(request), dict[str, Any](form)
    with server.registry.reading() as connection:
        premises_id = form.get("premises") or request.query_params.get("premises", "")
        place = workplace(server, connection, account, action="list_stays", premises_id=premises_id)
    words = words_for(language_for(request, caller)) | {"form_id": form.get("form") or new_form_id(server)}
    return render(
        request, "desk/paths.html", caller=caller, status=422 if wrong else 200, place=place, form=shown, wrong=wrong, **words
    )


def _means(server: Server) -> Means:
    return Means(vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes)
