"""What happens to a stay after it was declared, each said in one step: another room, longer, did not come, a mistake, undo.

- Each step is a statement with a receipt of its own, recorded by the one path; sent twice it is said once.
- Another room of the same house corrects the declaration: it is the same stay with the same deadline, and the room before stays in its
  history. An extension is told as such; from 30 days on it is refused, for it is temporary residence then.
- Who did not come, and what was a mistake, is withdrawn: nothing is deleted, and the note says which of the two it was.
- Undoing takes back the newest statement that stands, a withdrawal too; pressed again, the one before.

Example: ``POST /desk/stays/<id>/extend`` with ``until`` leads back to the stay, which names the new end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from residence.clock import VIETNAM, rfc3339
from residence.errors import Malformed, Problem, problem
from residence.stays.declaration import StayDeclaration
from server.declaring import check, declare, given_receipt
from server.desk.beside import beside
from server.desk.one_stay import UNDO, Said, follow_up, open_stay, said_of
from server.desk.stay_pages import show_stay
from server.policy import Account
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk/stays")
Wired = Annotated[Server, Depends(server_of)]
WHY: Final = ("no-show", "mistake")
# Warnings that stop a step said with one button; whoever means it says so in the form of a correction.
STOPPING: Final = frozenset({"declaration.thirty_days", "declaration.unit_unknown"})
# What a step says in place of a warning that tells of a declaration which is recorded all the same.
INSTEAD: Final = {"declaration.thirty_days": "desk.extension_thirty_days"}


class Step(NamedTuple):
    """One form of the page: what it says, and the field its problems stand beside."""

    field: str
    says: Callable[[Said, Mapping[str, str], Account, datetime], StayDeclaration]


def _longer(said: Said, form: Mapping[str, str], account: Account, now: datetime) -> StayDeclaration:
    until = _moment(form, "until")
    return follow_up(
        said.content, account, kind="extension", declaration_id=form.get("declaration_id", ""), now=now, planned_departure=until
    )


def _elsewhere(said: Said, form: Mapping[str, str], account: Account, now: datetime) -> StayDeclaration:
    unit = form.get("unit", "").strip() or None
    return follow_up(said.content, account, kind="correction", declaration_id=form.get("declaration_id", ""), now=now, unit=unit)


def _withdrawn(said: Said, form: Mapping[str, str], account: Account, now: datetime) -> StayDeclaration:
    why = form.get("why", "")
    if why not in WHY:
        raise Malformed("server.form_choice", "/why")
    return follow_up(said.content, account, kind="withdrawal", declaration_id=form.get("declaration_id", ""), now=now, note=why)


def _undone(said: Said, form: Mapping[str, str], account: Account, now: datetime) -> StayDeclaration:
    return follow_up(said.last, account, kind="withdrawal", declaration_id=form.get("declaration_id", ""), now=now, note=UNDO)


@router.post("/{stay_id}/extend")
def extend(request: Request, caller: Caller, *, account: SignedIn, form: Form, stay_id: str) -> Response:
    """Say that the guest stays longer."""
    return _take(request, caller, account, stay_id=stay_id, form=form, step=Step("until", _longer))


@router.post("/{stay_id}/room")
def change_room(request: Request, caller: Caller, *, account: SignedIn, form: Form, stay_id: str) -> Response:
    """Say that the guest is in another room of the house."""
    return _take(request, caller, account, stay_id=stay_id, form=form, step=Step("unit", _elsewhere))


@router.post("/{stay_id}/withdraw")
def withdraw(request: Request, caller: Caller, *, account: SignedIn, form: Form, stay_id: str) -> Response:
    """Say that the guest did not come, or was declared by mistake."""
    return _take(request, caller, account, stay_id=stay_id, form=form, step=Step("why", _withdrawn))


@router.post("/{stay_id}/undo")
def undo(request: Request, caller: Caller, *, account: SignedIn, form: Form, stay_id: str) -> Response:
    """Take back what was said last of this stay."""
    return _take(request, caller, account, stay_id=stay_id, form=form, step=Step("undo", _undone))


def _take(request: Request, caller: Visitor, account: Account, *, stay_id: str, form: Mapping[str, str], step: Step) -> Response:
    """Record one step, or show the stay again with every problem of it."""
    server = server_of(request)
    if given_receipt(server, form.get("declaration_id", "")) is None:
        with server.registry.reading() as connection:
            opened = open_stay(server, connection, account, action="correct", stay_id=stay_id)
            said = said_of(server, connection, opened.stay)
        try:
            statement = step.says(said, form, account, server.clock.now())
        except Malformed as error:
            return _again(
                request, caller, account, stay_id=stay_id, step=step, problems=(problem(error.code, error.pointer),), form=form
            )
        standing = tuple(each for each in check(server, statement).problems if each.severity == "error" or each.code in STOPPING)
        if standing:
            told = tuple(problem(INSTEAD[each.code], f"/{step.field}") if each.code in INSTEAD else each for each in standing)
            return _again(request, caller, account, stay_id=stay_id, step=step, problems=told, form=form)
        declare(server, statement, account=account, origin="desk", beside=beside(said, statement))
    return RedirectResponse(f"/desk/stays/{stay_id}", status_code=303)


def _again(
    request: Request,
    caller: Visitor,
    account: Account,
    *,
    stay_id: str,
    step: Step,
    problems: tuple[Problem, ...],
    form: Mapping[str, str],
) -> Response:
    entered = form.get(step.field, "")
    return show_stay(request, caller, account=account, stay_id=stay_id, problems=problems, at=step.field, entered=entered)


def _moment(form: Mapping[str, str], name: str) -> str:
    try:
        return rfc3339(datetime.fromisoformat(form.get(name, "").strip()).replace(tzinfo=VIETNAM))
    except ValueError as error:
        raise Malformed("server.form_date", f"/{name}") from error
