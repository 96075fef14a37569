"""Kills at random points of a kiosk's work, a short run of the campaign: declarations, receipts and door events that were confirmed are there."""

from tests.faults.random_kills import run
from tests.faults.verdict import Campaign, Verdict


def test_killed_at_random_points_nothing_confirmed_is_lost_and_the_control_is_found_out():
    campaign = Campaign(name="short", seed=20261128, minimum={"kill": 25})
    campaign.subjects.append(run(Verdict("kiosk"), count=25, seed=20261128))
    campaign.controls.append(run(Verdict("promises early"), count=6, seed=20261128, early=True))
    assert campaign.complaints() == []
