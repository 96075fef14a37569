"""What one web process holds, handed in once by ``create_app``: nothing in ``server/`` makes its own clock, key or connection.

- ``server_of(request)`` is the only way a page reaches it.
- Counters of attempts live here because they belong to the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import msgspec
from fastapi import Request

from registry.database import Registry
from residence.clock import Clock
from residence.credentials.card_qr import CardPolicy
from residence.stays.rules import RuleBook
from residence.wire.signing import SigningKey
from server.limits import AttemptCounter
from server.policy import Policy
from server.settings import ServerSettings


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of one web process."""

    registry: Registry
    rules: RuleBook
    signer: SigningKey
    clock: Clock
    random_bytes: Callable[[int], bytes]
    settings: ServerSettings
    card_policy: CardPolicy
    policy: Policy
    sign_in_attempts: AttemptCounter
    receipt_attempts: AttemptCounter


def server_of(request: Request) -> Server:
    """Return the parts of the process that answers this request."""
    return cast("Server", request.app.state.server)


def caller_address(request: Request) -> str:
    """Return the address attempts are counted under."""
    return request.client.host if request.client else "unknown"
