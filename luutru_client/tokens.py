"""The shapes of what is answered about tokens, written by ``scripts/docs`` from the API's document; ``line.py`` asks for them.

- A newer server may tell more; nothing here is ever taken away.

Example: ``def how_long(answer: TokenAnswer) -> int: return answer["expires_in"]``
"""

from __future__ import annotations

from typing import TypedDict


class TokenAnswer(TypedDict):
    """An access token. ``expires_in``: seconds."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class TokenRefusal(TypedDict):
    """Why there is no token: invalid_request, invalid_client, unsupported_grant_type or invalid_scope."""

    error: str
    error_description: str
