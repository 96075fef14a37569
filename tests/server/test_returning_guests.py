"""A returning guest is recalled at the house where they agreed to it, and nowhere and never else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from desk_parts import declare, opened, scan
from server_parts import World, csrf_of
from sqlalchemy import select, update

from registry import tables
from registry.stays import stays_at

NUMBER = "001095000117"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"), session_idle=timedelta(days=800), session_absolute=timedelta(days=800))
    yield made
    made.close()


@pytest.fixture(scope="module")
def clerk(world):
    return world.client("clerk")


def recall(clerk, number=NUMBER, premises="htl-sao-mai"):
    return clerk.post("/desk/recall", data={"csrf": csrf_of(clerk), "number": number, "premises_id": premises})


def stay(clerk, **more):
    """Declare the guest by card for one night of their own; returns the receipt's page."""
    return declare(clerk, scan(clerk), reason="visit", unit="201", **more)


def evidence(world):
    with world.registry.reading() as connection:
        return [each.evidence_level for each in stays_at(connection, "htl-sao-mai")]


def test_who_did_not_agree_is_nobody_and_who_agreed_is_filled_in_without_the_number(world, clerk):
    stay(clerk)
    nobody = recall(clerk)
    assert (nobody.status_code, "Nobody with this number" in nobody.text) == (422, True)
    assert "Trần Văn An" not in nobody.text

    world.clock.pass_time(days=3)
    stay(clerk, recall="yes")
    world.clock.pass_time(days=3)
    page = recall(clerk)
    assert 'value="Trần Văn An"' in page.text
    assert NUMBER not in page.text
    with world.registry.reading() as connection:
        looks = connection.scalars(select(tables.access_records.c.about)).all()
    assert "htl-sao-mai" in looks  # the guest sees who was shown it

    answer = declare(clerk, opened(page), reason="visit", unit="202", recall="yes")
    assert "/desk/receipts/" in str(answer.url), re.findall(r"error-summary__list.*?</ul>", answer.text, re.DOTALL)
    assert evidence(world)[0] == 0  # nothing of the card was checked this time


def test_another_number_and_another_house_find_nobody(world, clerk):
    assert recall(clerk, "001095999999").status_code == 422
    assert recall(clerk, premises="blk-hoa-binh").status_code == 403
    made_up = opened(clerk.get("/desk/declare")) | {"recalled": "019f4ad3-7580-7a6a-b480-a1caa003aeb4", "full_name": "Ai Đó"}
    assert "/desk/receipts/" not in str(declare(clerk, made_up).url)


def test_the_guest_takes_it_back_and_so_does_the_desk(world, clerk):
    assert recall(clerk).status_code == 200
    with world.registry.writing() as connection:
        guest = stays_at(connection, "htl-sao-mai")[0].person_id
        mine = tables.accounts.c.account_id == "acc-resident"
        connection.execute(update(tables.accounts).where(mine).values(person_id=guest))
    resident = world.client("resident")
    assert "Khách sạn Sao Mai" in resident.get("/me").text
    resident.post("/me/recall", data={"csrf": csrf_of(resident), "premises_id": "htl-sao-mai"})
    assert recall(clerk).status_code == 422

    world.clock.pass_time(days=3)
    stay(clerk, recall="yes")
    assert recall(clerk).status_code == 200
    with world.registry.reading() as connection:
        newest = stays_at(connection, "htl-sao-mai")[0].stay_id
    page = clerk.get(f"/desk/stays/{newest}").text
    assert f"/desk/stays/{newest}/forget" in page
    clerk.post(f"/desk/stays/{newest}/forget", data={"csrf": csrf_of(clerk)})
    assert recall(clerk).status_code == 422


def test_after_a_year_the_consent_is_over(world, clerk):
    world.clock.pass_time(days=3)
    stay(clerk, recall="yes")
    assert recall(clerk).status_code == 200
    world.clock.pass_time(days=366)
    assert recall(clerk).status_code == 422
