"""Subscriptions as the API and the page of a house's programs make and change them: one way for both.

- A house is told of only where whoever asks may list its stays and, a program, read there; asked for none, all of them are meant.
- A step is one of few words; each may be said again without harm but ``rotate`` and ``test``, which the API asks a key for.
- ``replay`` goes back at most ``FURTHEST``, as far as messages are kept.

Example: ``take_step(server, owner, hook_id, Replay(since="2026-07-10T00:00:00+07:00"))``
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection

from registry.webhook_deliveries import add_test, send_again
from registry.webhooks import Hook, HookGiven, HookOwner, add_hook, change_state, end_hook, hook_of, renew_key, tell_again
from residence.clock import parse_instant
from residence.errors import Refused
from residence.wire.stay_events import EventType
from residence.wire.webhooks import Signing
from server.policy import Account, PremisesResource
from server.wiring import Server

FURTHEST: Final = timedelta(days=30)


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription that is asked for. ``premises_ids`` left out: all the caller reads of; ``types`` left out: all."""

    url: str
    signing: Signing = "hmac"
    premises_ids: tuple[str, ...] = ()
    types: tuple[EventType, ...] = ()


class Rotate(msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="rotate"):
    """A new key; the one before signs beside it for a day."""


class TryOut(msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="test"):
    """Send a message that says nothing."""


class Pause(msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="pause"):
    """Tell nothing for now; nothing is lost."""


class Resume(msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="resume"):
    """Go on from where it stopped, also after a 410."""


class Replay(msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="replay"):
    """Tell again everything since an instant, at most 30 days back."""

    since: str


class Resend(msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="resend"):
    """Send one message again."""

    delivery_id: str


class End(msgspec.Struct, frozen=True, kw_only=True, tag_field="step", tag="end"):
    """Delete the subscription, its keys and its messages."""


HookStep = Rotate | TryOut | Pause | Resume | Replay | Resend | End


def may_read(server: Server, account: Account, premises_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return these premises when the policy lets the account list the stays of each, or raise ``Refused("server.not_allowed")``."""
    for each in premises_ids:
        place = PremisesResource(premises_id=each, commune=account.commune_code)
        server.policy.require(account, "list_stays", resource=place)
    if not premises_ids:
        raise Refused("server.not_allowed")
    return premises_ids


def make_webhook(server: Server, asked: Webhook, *, owner: HookOwner, commune_code: str, hook_id: str) -> Hook:
    """Keep a subscription whose premises were allowed, or raise ``Malformed``, ``Refused`` or ``Conflict`` (``webhook.*``)."""
    server.webhook_reach.check(asked.url)
    given = HookGiven(
        owner=owner,
        commune_code=commune_code,
        url=asked.url,
        premises=tuple(sorted(set(asked.premises_ids))),
        types=tuple(sorted(set(asked.types))),
        signing=asked.signing,
    )
    vault, now = server.registry.vault, server.clock.now()
    with server.registry.writing() as connection:
        add_hook(connection, given, hook_id=hook_id, vault=vault, now=now, random_bytes=server.random_bytes)
        return hook_of(connection, hook_id, owner, vault=vault)


def take_step(server: Server, owner: HookOwner, hook_id: str, step: HookStep) -> Hook | None:
    """Take one step; returns the subscription as it stands then, None when it was ended."""
    with server.registry.writing() as connection:
        hook = hook_of(connection, hook_id, owner, vault=server.registry.vault)
        if isinstance(step, End):
            end_hook(connection, hook)
            return None
        _take(server, connection, hook, step)
        return hook_of(connection, hook_id, owner, vault=server.registry.vault)


def _take(server: Server, connection: Connection, hook: Hook, step: Rotate | TryOut | Pause | Resume | Replay | Resend) -> None:
    now, vault = server.clock.now(), server.registry.vault
    match step:
        case Rotate():
            renew_key(connection, hook, vault=vault, now=now, random_bytes=server.random_bytes)
        case TryOut():
            add_test(connection, hook.hook_id, hook.commune_code, now=now, random_bytes=server.random_bytes)
        case Pause():
            change_state(connection, hook, "paused")
        case Resume():
            change_state(connection, hook, "active")
        case Replay():
            tell_again(connection, hook, since=max(parse_instant(step.since, "/since"), now - FURTHEST))
        case Resend():
            if not send_again(connection, hook.hook_id, step.delivery_id, now=now):
                raise Refused("server.not_found", "/delivery_id")
