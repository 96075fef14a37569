"""A kiosk made worthless while everything runs: the registry first, then each fence at the broker, and a plain account of which stand.

- Order: keys in the registry (the only fence that decides), access rules, revocation list, a new start of the broker, the live session, and then the
  moment until no gateway can still hold something it had read before.
- A fence that cannot be raised is said with its code and stops none of the others; saying it again changes nothing and tries those again.
- What waits in queues, or comes over a connection that was not cut, is refused by the gateway all the same.

Example: ``revoke_kiosk("kiosk-lobby-1", registry=registry, fences=fences, clock=clock, pause=time.sleep).problems == []``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.cutting import CutLine, cut_session
from luutru.broker_access import BrokerAccess, put
from luutru.certificates import check_revocations
from registry.database import Registry
from registry.key_changes import retire
from residence.clock import Clock
from residence.errors import Refused
from residence.wire.topics import access_edition

HOLDS_AFTER: Final = timedelta(
    seconds=1
)  # until then a gateway may still answer; it records nothing any more (registry/kiosks.py)
RESTART_SECONDS: Final = 30.0


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """Which fences stand. ``problems`` are error codes of those that do not."""

    kiosk_id: str
    changed: bool  # False: it was revoked before
    rules: bool  # written into the broker's folder
    certificate: bool  # on the broker's revocation list
    in_force: bool  # the broker goes by both
    session_ended: bool  # whatever connection and session there was
    problems: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fences:
    """How to reach one broker: its folder, if it is here, its address, and who writes its revocation list."""

    access: BrokerAccess
    line: CutLine
    revocations: Callable[[str], bytes | None]  # kiosk id -> the new list, or None when nobody here can write one


def revoke_kiosk(
    kiosk_id: str, *, registry: Registry, fences: Fences, clock: Clock, pause: Callable[[float], None]
) -> Revocation:
    """Revoke a kiosk's keys and shut it out. ``Refused("kiosk.unknown")`` for a kiosk the registry does not know."""
    began = clock.now()
    with registry.writing() as connection:
        changed = retire(connection, kiosk_id, now=began)
    problems: list[str] = []
    rules, certificate = _write_rules(kiosk_id, fences, problems, began)
    in_force, session_ended = _put_in_force(kiosk_id, fences, problems, rules=rules)
    pause(max(0.0, _left(began, clock.now())))
    return Revocation(
        kiosk_id=kiosk_id,
        changed=changed,
        rules=rules,
        certificate=certificate,
        in_force=in_force,
        session_ended=session_ended,
        problems=problems,
    )


def _write_rules(kiosk_id: str, fences: Fences, problems: list[str], now: datetime) -> tuple[bool, bool]:
    if not fences.access.rules.exists():
        problems.append("broker.folder_unknown")
        return False, False
    revocations = None
    try:
        revocations = fences.revocations(kiosk_id)
        if revocations is None:
            problems.append("broker.certificate_holds")
        else:
            check_revocations(revocations, authority=fences.line.ca.read_bytes(), now=now)
            # The gateway sees its own folder only, and is to say when the list ends.
            put(fences.line.ca.with_name(fences.access.revocations.name), revocations)
    except Refused as error:
        problems.append(error.code)
        revocations = None
    fences.access.shut_out(kiosk_id)
    fences.access.write(revocations=revocations)
    return True, revocations is not None


def _put_in_force(kiosk_id: str, fences: Fences, problems: list[str], *, rules: bool) -> tuple[bool, bool]:
    """Have the broker begin anew, which ends every connection, and wait until it goes by the rules."""
    begins = rules and fences.access.begin_anew()
    proof = access_edition(fences.access.edition)
    try:
        cut = cut_session(fences.line, kiosk_id, proof=proof, patience=RESTART_SECONDS if begins else 0.0)
    except OSError:
        problems.append("broker.unreachable")
        return False, False
    if rules and not cut.in_force:
        problems.append("broker.not_restarted")
    return rules and cut.in_force, cut.ended


def _left(began: datetime, now: datetime) -> float:
    return (began + HOLDS_AFTER - now).total_seconds()
