"""What the nights deleted is shown to operators and to nobody else: counts by class, and a night that was broken off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import StandingClock

from registry.deletions import carry_out
from registry.retention_policy import read_policy

PAGE = "/operators/deletions"


def test_a_night_and_what_it_deleted_by_class(world):
    world.see_somebody()
    operator = world.client("operator")
    assert "No night has been carried out yet." in operator.get(PAGE).text
    carry_out(
        world.registry,
        read_policy(),
        clock=StandingClock(world.clock.now() + timedelta(days=15)),
        by="gateway",
        night="2026-07-25",
    )
    page = operator.get(PAGE).text
    assert "Sightings: 1" in page
    assert "broken off" not in page


def test_a_night_that_was_broken_off_says_so(world):
    clock = StandingClock(world.clock.now())
    carry_out(world.registry, read_policy(), clock=clock, by="gateway", night="2026-07-10", go_on=lambda: False)
    page = world.client("operator").get(PAGE).text
    assert "broken off" in page
    assert "nothing was due" in page


@pytest.mark.parametrize("role", ["clerk", "officer", "resident"])
def test_nobody_else_sees_it(world, role):
    assert world.client(role).get(PAGE).status_code == 403
