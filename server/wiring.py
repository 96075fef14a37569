"""What one web process holds, handed in once by ``create_app``: nothing in ``server/`` makes its own clock, key or connection.

- ``server_of(request)`` is the only way a page reaches it.
- Counters of attempts live here because they belong to the process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, cast

import msgspec
from fastapi import Request

from registry.database import Registry
from residence.cases.offices import Office
from residence.cases.queues import Queue
from residence.cases.triage import CaseTimes
from residence.clock import Clock
from residence.credentials.card_qr import CardPolicy
from residence.credentials.chip.trust_store import TrustStore
from residence.stays.rules import RuleBook
from residence.wire.signing import SigningKey
from residence.wire.webhook_reach import Reach
from server.limits import AttemptCounter
from server.paper_signature import PaperKey
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
    case_times: CaseTimes
    queues: tuple[Queue, ...]
    offices: tuple[Office, ...]
    policy: Policy
    chip_trust: Callable[[datetime], TrustStore]
    paper_key: PaperKey | None  # signs the PDFs themselves; None: they go unsigned
    door_signer: SigningKey | None  # signs what a phone shows at a door; None: no pass is shown
    webhook_reach: Reach  # where programs may be told of events
    sign_in_attempts: AttemptCounter
    receipt_attempts: AttemptCounter
    person_attempts: AttemptCounter
    api_attempts: AttemptCounter
    token_attempts: AttemptCounter
    providers: Mapping[str, Any]  # name -> server.accounts.provider_line.ProviderLine, in the order of the file
    kiosk_attempts: AttemptCounter


def server_of(request: Request) -> Server:
    """Return the parts of the process that answers this request."""
    return cast("Server", request.app.state.server)


def caller_address(request: Request) -> str:
    """Return the address attempts are counted under: the peer's, or the one our own proxy appended when the peer is this machine.

    Only the right-most entry of ``X-Forwarded-For`` is the proxy's; whatever stands before it, the caller may have written.
    """
    peer = request.client.host if request.client else "unknown"
    appended = ",".join(request.headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
    return _counted(appended) or peer if appended and _is_this_machine(peer) else _counted(peer) or peer


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _counted(host: str) -> str | None:
    """Return an address as it is counted, or None: whoever holds one IPv6 address holds its whole /64."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
