"""Many declarations in one request: each judged by itself, recorded together, answered one by one.

- One bad declaration stops none of the others. What cannot be read, is not allowed or has errors is not recorded and says why: code,
  pointer, what to do. What is recorded has its receipt.
- State of a batch: ``running``, then ``accepted`` (every one), ``partly`` or ``refused`` (none). An empty batch is refused.
- The bytes of each declaration are its statement, as if it had been sent by itself: sent again, by itself or in another batch, it answers
  with its first receipt.
- The key makes the batch one: sent again, it has the first answer. ``dry_run=true`` needs no key and records nothing.

Example: ``{"declarations": [{...}, {...}]}`` -> ``{"state": "partly", "items": [{"position": 0, "state": "accepted", ...}, ...]}``
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.api_batches import BatchState, batch_of, begin_batch, finish_batch
from registry.api_requests import Taken
from registry.premises import load_places
from registry.receipts import StoredReceipt, receipts_by_id
from registry.recording import Recorded, Statement, record
from residence.clock import rfc3339
from residence.errors import LuutruError, Malformed, Problem, Refused, Sentence, has_errors, problem
from residence.stays.check import check_declaration
from residence.stays.declaration import StayDeclaration
from residence.wire.messages import STAY_DECLARATION, Receipt
from residence.wire.receipts import receipt_text
from server.api.answers import ReceiptAnswer, answer
from server.api.callers import ApiCaller, Calling, CountedRoute
from server.api.declarations import Dry, bytes_up_to
from server.api.once import Key, once
from server.api.paging import tagged
from server.api.stating import may_state, read_declaration
from server.hints import ToldProblem, with_hint
from server.problems import Unreadable, told_findings
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1/batches", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]
MOST: Final = 500
LARGEST: Final = 4 * 1024 * 1024
ItemState = Literal["accepted", "conflicting", "refused", "received", "invalid", "not_allowed", "checked"]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent; each declaration keeps the bytes it came with."""

    declarations: tuple[msgspec.Raw, ...]


class BatchItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one declaration. ``code``, ``pointer`` and ``hint`` are those of the first problem that has to be mended."""

    position: int
    state: ItemState
    declaration_id: str | None = None
    code: str | None = None
    pointer: str = ""
    hint: Sentence | None = None
    problems: tuple[ToldProblem, ...] = ()
    replayed: bool = False
    receipt: ReceiptAnswer | None = None


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A batch and what became of each declaration, in the order sent. ``counts``: state -> how many. ``batch_id`` is null for a dry run."""

    batch_id: str | None
    state: BatchState
    size: int
    counts: dict[str, int]
    items: tuple[BatchItem, ...]
    created_at: str
    done_at: str | None


class _Read(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration as far as it was read: to be recorded, or its answer already."""

    position: int
    body: bytes
    declaration: StayDeclaration | None = None
    item: BatchItem | None = None


async def sent_batch(request: Request) -> bytes:
    """Return the body of a batch."""
    return await bytes_up_to(request, LARGEST)


@router.post("")
def post_batch(
    caller: Calling, server: Wired, *, body: Annotated[bytes, Depends(sent_batch)], dry: Dry, key: Key = None
) -> Response:
    """Record what can be recorded of a batch."""
    sent = _read_batch(body)
    if dry:
        items = [each.item or _checked(each) for each in _judged(server, caller, sent)]
        now = rfc3339(server.clock.now())
        return answer(_answer(None, items, created_at=now, done_at=now))

    def work(taken: Taken) -> Response:
        return _recorded(server, caller, sent, taken=taken)

    return once(server, caller, key=key, operation="postBatch", content=body, work=work)


@router.get("/{batch_id}")
def get_batch(request: Request, caller: Calling, server: Wired, batch_id: str) -> Response:
    """Answer with how a batch stands, to whoever sent it."""
    with server.registry.reading() as connection:
        kept = batch_of(connection, batch_id, sent_by=caller.own_id)
        ids = [each["declaration_id"] for each in kept.items if each["declaration_id"]] if kept else []
        receipts = receipts_by_id(connection, ids)
    if kept is None:
        raise Refused("server.not_found")
    items = [_kept_item(each, receipts) for each in kept.items]
    done = rfc3339(kept.done_at) if kept.done_at else None
    told = _answer(batch_id, items, created_at=rfc3339(kept.created_at), done_at=done)
    if kept.state == "running":
        told = msgspec.structs.replace(told, state="running", size=kept.size)
    return tagged(request, told, headers={} if done else {"retry-after": "1"})


def _read_batch(body: bytes) -> tuple[msgspec.Raw, ...]:
    try:
        sent = msgspec.json.decode(body, type=Batch).declarations
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(error, Batch) from error
    if not sent:
        raise Malformed("api.batch_empty", "/declarations")
    if len(sent) > MOST:
        raise Malformed("api.batch_too_long", "/declarations")
    return sent


def _judged(server: Server, caller: ApiCaller, sent: Sequence[msgspec.Raw]) -> list[_Read]:
    """Read, allow and check each declaration; what fails has its answer."""
    read = [_read(place, bytes(raw)) for place, raw in enumerate(sent)]
    messages = [each.declaration for each in read if each.declaration]
    with server.registry.reading() as connection:
        places = load_places(connection, {(each.premises_id, each.unit) for each in messages})
        given = receipts_by_id(connection, [each.declaration_id for each in messages])
    now, judged = server.clock.now(), []
    for each in read:
        if each.declaration is None:
            judged.append(each)
            continue
        said = each.declaration
        try:
            may_state(server, caller, said, commune=places.commune_of(said.premises_id) or "")
        except LuutruError as refusal:
            judged.append(_stopped(each, "not_allowed", (problem(refusal.code, refusal.pointer),)))
            continue
        premises = places.place(said.premises_id, said.unit)
        found = check_declaration(said, premises=premises, rules=server.rules, now=now).problems
        stopped = has_errors(found) and said.declaration_id not in given
        judged.append(_stopped(each, "invalid", found) if stopped else each)
    return judged


def _read(position: int, body: bytes) -> _Read:
    try:
        return _Read(position=position, body=body, declaration=read_declaration(body))
    except Unreadable as refusal:
        told = msgspec.structs.replace(with_hint(problem(refusal.code, refusal.pointer)), hint=refusal.hint)
        return _stopped(_Read(position=position, body=body), "invalid", (told,))


def _stopped(read: _Read, state: ItemState, problems: Sequence[Problem | ToldProblem]) -> _Read:
    item = _item(read, state=state, problems=problems)
    return msgspec.structs.replace(read, item=item)


def _item(read: _Read, *, state: ItemState, problems: Sequence[Problem | ToldProblem] = (), **more: Any) -> BatchItem:
    told = tuple(each if isinstance(each, ToldProblem) else with_hint(each) for each in problems)
    worst = next((each for each in told if each.severity == "error"), told[0] if told else None)
    return BatchItem(
        position=read.position,
        state=state,
        declaration_id=read.declaration.declaration_id if read.declaration else None,
        code=worst.code if worst else None,
        pointer=worst.pointer if worst else "",
        hint=worst.hint if worst else None,
        problems=told,
        **more,
    )


def _checked(read: _Read) -> BatchItem:
    return _item(read, state="checked")


def _recorded(server: Server, caller: ApiCaller, sent: Sequence[msgspec.Raw], *, taken: Taken) -> Response:
    account, now = caller.account, server.clock.now()
    with server.registry.writing() as connection:
        begin_batch(
            connection,
            taken.request_id,
            commune_code=account.commune_code,
            sent_by=caller.own_id,
            size=len(sent),
            now=taken.began_at,
        )
    judged = _judged(server, caller, sent)
    statements = [
        _statement(server, caller, each.declaration, each.body) for each in judged if each.declaration and not each.item
    ]
    with server.registry.writing() as connection:
        results = iter(
            record(
                connection,
                statements,
                vault=server.registry.vault,
                rules=server.rules,
                signer=server.signer,
                now=server.clock.now(),
                random_bytes=server.random_bytes,
            )
        )
        items = [each.item or _answered(each, next(results)) for each in judged]
        told = _answer(taken.request_id, items, created_at=rfc3339(taken.began_at), done_at=rfc3339(now))
        kept = [msgspec.to_builtins(msgspec.structs.replace(each, receipt=None)) for each in items]
        finish_batch(connection, taken.request_id, state=told.state, items=kept, now=now)
    return answer(told)


def _statement(server: Server, caller: ApiCaller, declaration: StayDeclaration, body: bytes) -> Statement:
    return Statement(
        schema=STAY_DECLARATION,
        message=declaration,
        body=body,
        body_digest=sha256(body).hexdigest(),
        received_at=server.clock.now(),
        origin="web",
        account=caller.account.account_id,
    )


def _answered(read: _Read, recorded: Recorded) -> BatchItem:
    if recorded.set_aside is not None:
        code = "server.id_reused" if recorded.receipt.state == "refused" else "server.fault"
        return _item(read, state=_state(recorded.receipt), problems=(problem(code, "/declaration_id"),))
    receipt = ReceiptAnswer(receipt=recorded.receipt, text=receipt_text(recorded.receipt_bytes))
    problems = told_findings(recorded.receipt) if recorded.receipt.state in {"refused", "conflicting"} else ()
    return _item(read, state=_state(recorded.receipt), problems=problems, replayed=recorded.replayed, receipt=receipt)


def _state(receipt: Receipt) -> ItemState:
    state: ItemState = msgspec.convert(receipt.state, ItemState)
    return state


def _kept_item(kept: dict[str, Any], receipts: dict[str, StoredReceipt]) -> BatchItem:
    item = msgspec.convert(kept, BatchItem)
    stored = receipts.get(item.declaration_id or "") if item.state not in {"invalid", "not_allowed"} else None
    if stored is None:
        return item
    made = ReceiptAnswer(receipt=stored.receipt, text=receipt_text(stored.receipt_bytes))
    return msgspec.structs.replace(item, receipt=made)


def _answer(batch_id: str | None, items: Sequence[BatchItem], *, created_at: str, done_at: str | None) -> BatchAnswer:
    good = sum(each.state in {"accepted", "conflicting", "received", "checked"} for each in items)
    counts: dict[str, int] = {}
    for each in items:
        counts[each.state] = counts.get(each.state, 0) + 1
    return BatchAnswer(
        batch_id=batch_id,
        state="accepted" if good == len(items) else "partly" if good else "refused",
        size=len(items),
        counts=counts,
        items=tuple(items),
        created_at=created_at,
        done_at=done_at,
    )
