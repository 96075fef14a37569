"""The officer's work queues: what stands in each, why, and one thing to do next; narrowed by filters, worked through by keys. No name.

- Queues, columns and sentences are a file (``server/police/queues.toml``); every count on the page comes from the rows of one query.
- The page comes with the first screens of a queue (``FIRST``); the rest of the rows follow it in pieces, or by a link without scripts.
- The address says all of it: queue and filter. What is saved under a label is that address.
- What somebody must not decide about (``registry/interests.py``) is left out, and how many these are is said.
- Keys (``server/static/triage.js``) do nothing the page does not do without them.

Example: ``/police/queue/now?rule=night_check``
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.accounts import names_of
from registry.case_merging import Means, act_together, merged_counts
from registry.case_queue import SHOWN, closed_lately, count_closed, queued, worked_on
from registry.cases import CaseStep, triaged
from registry.paths import count_late
from registry.premises import load_premises
from registry.saved_filters import filters_of, forget_filter, save_filter
from residence.access.purposes import Purpose
from residence.cases.queues import FILTERS, Filter, Queue, counted, passes, read_filter, stands_in
from residence.cases.transitions import CaseAction, CaseStatus
from residence.errors import Refused
from server.pages import render
from server.police.case_access import own_interests, readable_case
from server.police.queue_lines import Item, Shown, lines_of
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/queue")
Wired = Annotated[Server, Depends(server_of)]


FIRST: Final = 40
PIECE: Final = 240


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """What one officer finds: the items of a queue, how many stand in each, and how many are not theirs to decide."""

    items: list[Item]
    counts: dict[str, int]
    barred: int


@router.get("")
def show_first(account: SignedIn, server: Wired) -> Response:
    """Go to the first queue."""
    require_queues(server, account)
    return RedirectResponse(f"/police/queue/{server.queues[0].name}", status_code=303)


@router.get("/{queue}")
def show(request: Request, caller: Caller, *, account: SignedIn, server: Wired, queue: str) -> Response:
    """Show one queue, narrowed as the address says."""
    require_queues(server, account)
    chosen, asked = asked_queue(server, queue), read_filter(request.query_params)
    with server.registry.reading() as connection:
        shelf = shelf_of(server, connection, account, chosen=chosen)
        places = load_premises(connection, {each.row.premises_id for each in shelf.items}, vault=server.registry.vault)
        holders = names_of(connection, {each.queued.holder for each in shelf.items if each.queued.holder})
        saved = filters_of(connection, account.account_id)
        merged = merged_counts(connection, account.commune_code)
        late_paths = count_late(connection, account.commune_code, now=server.clock.now())
    items = [each for each in shelf.items if passes(asked, each.queued, me=account.account_id)]
    begin = _from(request)
    end = begin + FIRST
    return render(
        request,
        "police/queue.html",
        caller=caller,
        queues=server.queues,
        queue=chosen,
        counts=shelf.counts,
        barred=shelf.barred,
        first=items[0].row.case_id if items else None,
        rest=end if len(items) > end else None,
        lines=lines_of(items[begin:end], Shown(language=caller.language, places=places, holders=holders, merged=merged)),
        takeable=_takeable(items, account) is not None,
        places=places,
        asked=msgspec.structs.asdict(asked),
        written=asked.written,
        filters=FILTERS,
        saved=saved,
        late_paths=late_paths,
    )


@router.get("/{queue}/rows")
def rows(request: Request, caller: Caller, *, account: SignedIn, server: Wired, queue: str) -> Response:
    """Give the next piece of a queue's rows; ``x-rest`` names where the one after begins."""
    require_queues(server, account)
    chosen, asked = asked_queue(server, queue), read_filter(request.query_params)
    begin = _from(request)
    with server.registry.reading() as connection:
        items = shelf_of(server, connection, account, chosen=chosen).items
        items = [each for each in items if passes(asked, each.queued, me=account.account_id)]
        piece = items[begin : begin + PIECE]
        shown = Shown(
            language=caller.language,
            places=load_premises(connection, {each.row.premises_id for each in piece}, vault=server.registry.vault),
            holders=names_of(connection, {each.queued.holder for each in piece if each.queued.holder}),
            merged=merged_counts(connection, account.commune_code),
        )
    answer = render(request, "police/queue_rows.html", caller=caller, queue=chosen, lines=lines_of(piece, shown))
    if len(items) > begin + PIECE:
        answer.headers["x-rest"] = str(begin + PIECE)
    return answer


def _from(request: Request) -> int:
    """Return where the rows asked for begin; what is no number begins at the first."""
    text = request.query_params.get("from", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(SHOWN)) else 0


@router.post("/{queue}")
def work(account: SignedIn, server: Wired, *, form: Form, queue: str) -> Response:
    """Take the next case, keep the filter under a label, or forget one."""
    require_queues(server, account)
    chosen, asked = asked_queue(server, queue), read_filter(form)
    with server.registry.writing() as connection:
        match form.get("action"):
            case "take-next":
                return RedirectResponse(f"/police/cases/{_take_next(server, connection, account, (chosen, asked))}", 303)
            case "save":
                save_filter(
                    connection,
                    (account.commune_code, account.account_id),
                    label=form.get("label", ""),
                    asked=(chosen.name, asked),
                    now=server.clock.now(),
                    random_bytes=server.random_bytes,
                )
            case "forget":
                forget_filter(connection, account.account_id, form.get("filter", ""))
            case _:
                raise Refused("server.not_allowed")
    return RedirectResponse(f"/police/queue/{chosen.name}?{asked.written}".rstrip("?"), status_code=303)


def require_queues(server: Server, account: Account) -> None:
    """Refuse whoever may not see the commune's queues."""
    server.policy.require(account, "list_undeclared", resource=CommuneResource(commune=account.commune_code))


def asked_queue(server: Server, name: str) -> Queue:
    """Return the queue of this name, or refuse."""
    found = next((each for each in server.queues if each.name == name), None)
    if found is None:
        raise Refused("server.not_allowed")
    return found


def shelf_of(server: Server, connection: Connection, account: Account, *, chosen: Queue) -> Shelf:
    """Return what this officer finds in a queue, before any filter."""
    now, me = server.clock.now(), account.account_id
    interests = own_interests(server, connection, me)
    rows = worked_on(connection, account.commune_code)
    mine = _items([row for row in rows if not interests.bars(row)], server)
    counts = counted(server.queues, [each.queued for each in mine], me=me, now=now)
    closed = next((each.name for each in server.queues if each.closed), None)
    if closed is not None:
        counts[closed] = count_closed(connection, account.commune_code, now=now)
    barred = len(rows) - len(mine)
    if chosen.closed:
        rows = closed_lately(connection, account.commune_code, now=now)
        mine = _items([row for row in rows if not interests.bars(row)], server)
    items = [each for each in mine if stands_in(chosen, each.queued, me=me, now=now)]
    return Shelf(items=items, counts=counts, barred=barred)


def _items(rows: list[Row[Any]], server: Server) -> list[Item]:
    judged = triaged(rows, now=server.clock.now(), times=server.case_times)
    return [Item(row=row, stands=stands, queued=queued(row, stands)) for row, stands in judged]


def _takeable(items: list[Item], account: Account) -> Item | None:
    """Return the first that nobody has claimed and that was given to nobody else."""
    free = (each for each in items if each.queued.state is CaseStatus.OPEN and each.row.given_to in {None, account.account_id})
    return next(free, None)


def _take_next(server: Server, connection: Connection, account: Account, within: tuple[Queue, Filter]) -> str:
    """Claim the first case of a queue for the purpose its button names; returns its id."""
    chosen, asked = within
    items = shelf_of(server, connection, account, chosen=chosen).items
    item = _takeable([each for each in items if passes(asked, each.queued, me=account.account_id)], account)
    if item is None:
        raise Refused("queue.nothing_to_take")
    row, resource = readable_case(server, connection, account, item.row.case_id)
    purpose = Purpose.UNDECLARED_CASE
    server.policy.require(account, "claim_case", resource=resource, purpose=purpose.value)
    step = CaseStep(action=CaseAction.CLAIM, by=account.account_id, purpose=purpose)
    act_together(connection, row.case_id, step, means=Means(now=server.clock.now(), random_bytes=server.random_bytes))
    return str(row.case_id)
