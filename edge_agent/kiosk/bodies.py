"""How much of a request is read: up to a limit, whatever it says of its length and however it is cut into pieces.

- The body is read before the page sees it, so nothing of one that is too large is parsed, and the rest of it is not read at all.
- A request without a body passes as it is: an event stream listens to the same line for the end of its connection.

Example: ``read = await taken_whole(scope, receive, most=16_384)``
"""

from __future__ import annotations

from typing import Final

from starlette.types import Message, Receive, Scope

BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


async def taken_whole(scope: Scope, receive: Receive, *, most: int) -> Receive | None:
    """Return a ``receive`` that gives a request's body, at most ``most`` bytes; None when it is larger or broke off."""
    if scope["method"] in BODILESS:
        return receive
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > most:
            return None
        if not message.get("more_body", False):
            return _again(bytes(body), receive)


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()  # the end of the connection, when it comes
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once
