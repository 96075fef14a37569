"""A webhook of the clerk's, with messages in every state, for pages and tests."""

from __future__ import annotations

from datetime import timedelta

from luutru.system import random_bytes
from registry.webhook_deliveries import Sent, add_test, due_deliveries, settle, take

URL = "https://pms.example/luutru/house/htl-sao-mai"


def make_hook(world, *, headers=None, key="make-a-hook", **changes):
    """Make a webhook by the API; returns the answer."""
    asked = {"url": URL} | changes
    told = (headers or world.bearer("clerk")) | {"idempotency-key": key}
    return world.client().post("/api/v1/webhooks", json=asked, headers=told)


def told_of(world) -> str:
    """Make a webhook with one message taken, one refused and one waiting; returns its id."""
    hook = make_hook(world).json()["hook_id"]
    now = world.clock.now()
    outcomes = [Sent(fault=None, http_status=204), Sent(fault="webhook.refused", http_status=500), None]
    with world.registry.writing() as connection:
        for outcome in outcomes:
            add_test(connection, hook, "demo-01", now=now, random_bytes=random_bytes)
            if outcome is not None:
                (due,) = due_deliveries(connection, now=now)
                take(connection, due, now=now)
                settle(connection, due, outcome, now=now + timedelta(seconds=1))
    return hook
