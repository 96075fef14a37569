"""A ward's morning for tests of police pages: officers, and as many cases as wanted, some of last night and the rest with time to go."""

from __future__ import annotations

from datetime import timedelta

from factories import make_id
from server_parts import ACCOUNTS, COMMUNE

from luutru.system import random_bytes
from registry.accounts import KnownAccount, add_account
from registry.cases import open_case
from residence.cases.undeclared import Undeclared

PLACES = (("blk-hoa-binh", "1203"), ("blk-hoa-binh", "1204"), ("htl-sao-mai", "201"), ("htl-sao-mai", "202"))


def file_cases(world, count, *, fresh=0, premises=None) -> list[str]:
    """Open cases as the sweep would, of nobody the registry knows; the first ``fresh`` by a night check a few hours ago."""
    now, found = world.clock.now(), []
    with world.registry.writing() as connection:
        for number in range(count):
            place, unit = PLACES[number % len(PLACES)] if premises else ("blk-hoa-binh", str(1000 + number))
            night = number < fresh
            seen = now - (timedelta(hours=9) if night else timedelta(hours=30, minutes=number % 600))
            undeclared = Undeclared(
                who=f"{number:064x}", premises_id=place, unit=unit, step="case", rule="night_check" if night else "late_entries",
                first_seen=seen - timedelta(days=1), last_seen=seen, due=seen, rule_set="stay-2026-07-01", article="Residence Law Art. 30",
                presence_ids=(make_id(seen),), explanations_tried=("stay_here", "resident_here"), notice_id=None,
            )  # fmt: skip
            found.append(open_case(connection, undeclared, commune_code=COMMUNE, now=now, random_bytes=random_bytes))
    return found


def add_officer(world, account_id, name, *, person_id=None, connection=None) -> str:
    """Add an officer of the commune; returns the sign-in name."""
    account = KnownAccount(
        account_id=account_id, commune_code=COMMUNE, sign_in_name=name, role="officer", areas=(), created_at=world.clock.now(), person_id=person_id
    )  # fmt: skip
    if connection is not None:
        add_account(connection, account)
    else:
        with world.registry.writing() as own:
            add_account(own, account)
    return name


def officer_named(world, name):
    """Return a client signed in as this officer."""
    ACCOUNTS[name] = (name, ())
    try:
        return world.client(name)
    finally:
        del ACCOUNTS[name]
