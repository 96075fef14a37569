"""Work that is done once however often it is asked for: the header Idempotency-Key, and the first answer again.

- No key where one is needed: 400. The key of another request: 422. Still being worked on: 409 with ``Retry-After``.
- What was refused before anything was recorded frees its key; what was recorded and refused is an answer and is kept.
- The key is good for 24 hours. An answer given again carries ``Idempotency-Replayed: true``.
- A declaration sent by itself needs no key: its own id is one.

Example: ``once(server, caller, operation="postBatch", request=request, content=body, work=lambda taken: ...)``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Header
from starlette.responses import Response

from registry.api_requests import Answered, Asked, Taken, forget, give_back, keep_answer, take
from residence.errors import LuutruError, Malformed
from server.api.callers import ApiCaller
from server.problems import Busy, StatementRefused, problem_answer
from server.wiring import Server

SHORTEST, LONGEST = 8, 200
WAIT: Final = 2  # seconds a caller is told to wait for work under way

Key = Annotated[str | None, Header(alias="Idempotency-Key")]


def read_key(given: str | None) -> str:
    """Return the key, quoted as the IETF's draft writes it or bare, or raise ``Malformed``.

    >>> read_key('"8e03978e-40d5-43dd-bc93-6894a57f9324"')
    '8e03978e-40d5-43dd-bc93-6894a57f9324'
    """
    if given is None:
        raise Malformed("api.key_missing")
    key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if not SHORTEST <= len(key) <= LONGEST or not all("!" <= each <= "~" for each in key):
        raise Malformed("api.key_malformed")
    return key


def once(
    server: Server,
    caller: ApiCaller,
    *,
    key: str | None,
    operation: str,
    content: bytes,
    work: Callable[[Taken], Response],
) -> Response:
    """Do the work, or give the answer it had."""
    asked = Asked(
        account_id=caller.client_id or caller.account.account_id,
        commune_code=caller.account.commune_code,
        key=read_key(key),
        operation=operation,
        content=content,
    )
    with server.registry.writing() as connection:
        taken = take(connection, asked, now=server.clock.now(), random_bytes=server.random_bytes)
    if taken.what == "other":
        raise Malformed("api.key_reused")
    if taken.what == "running":
        raise Busy("api.key_running", retry_after=WAIT)
    if taken.answered is not None:
        headers = {"idempotency-replayed": "true"}
        return Response(taken.answered.body, taken.answered.status, headers=headers, media_type=taken.answered.media_type)
    return _done(server, asked, taken, work)


def _done(server: Server, asked: Asked, taken: Taken, work: Callable[[Taken], Response]) -> Response:
    try:
        response = work(taken)
    except StatementRefused as refusal:
        response = problem_answer(refusal)
    except LuutruError:
        with server.registry.writing() as connection:
            forget(connection, asked)
        raise
    except BaseException:
        with server.registry.writing() as connection:
            give_back(connection, asked, now=server.clock.now())
        raise
    answered = Answered(
        status=response.status_code, media_type=response.media_type or "application/json", body=bytes(response.body)
    )
    with server.registry.writing() as connection:
        keep_answer(connection, asked, answered)
    return response
