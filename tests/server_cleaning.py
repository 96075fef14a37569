"""A register that disagrees with itself, for pages: a hotel with more people than it holds, found by the real run, and one decision."""

from __future__ import annotations

import secrets
from datetime import timedelta

from server_parts import COMMUNE
from sqlalchemy import update

from registry import tables
from registry.cleaning.deciding import Choice, Reason, decide, preview
from registry.cleaning.passing import run_passes
from registry.scoreboard.counting import keep_day
from residence.cleaning.rules import CleaningChoices
from residence.places.premises import PremisesKind


def find(world) -> None:
    """Let every hotel want an owner and hold nobody; then run."""
    with world.registry.writing() as connection:
        connection.execute(update(tables.premises).where(tables.premises.c.premises_id == "htl-sao-mai").values(capacity=0))
    choices = CleaningChoices(owned_kinds=(PremisesKind.HOTEL,))
    run_passes(world.registry, choices=choices, now=world.clock.now(), random_bytes=secrets.token_bytes, whole=True)


def leave_disagreeing(world) -> None:
    """Items that wait, a decision that may be taken back, and three days of the scoreboard."""
    find(world)
    for days in (2, 1, 0):
        keep_day(world.registry, now=world.clock.now() - timedelta(days=days))
    choice = Choice(commune_code=COMMUNE, rule="premises_no_owner")
    reason = Reason(account_id="acc-officer", words="the owner is a company")
    with world.registry.writing() as connection:
        looked_at = (choice, preview(connection, choice).token)
        decide(connection, looked_at, "accepted", reason=reason, now=world.clock.now(), random_bytes=secrets.token_bytes)
