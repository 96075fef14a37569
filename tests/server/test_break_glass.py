"""Breaking the glass: one case of another commune, for a reason, for three hours, and the person reads it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from server_parts import csrf_of
from server_police import officer_named
from sqlalchemy import select, update

from registry import tables
from registry.accounts import KnownAccount, add_account

NAME = "Phạm Thị Thử Nghiệm"
REASON = "Người nhà báo mất tích tại xã chúng tôi"


@pytest.fixture
def stranger(world):
    """An officer of another commune."""
    account = KnownAccount(
        account_id="acc-far", commune_code="demo-02", sign_in_name="xa", role="officer", areas=(), created_at=world.clock.now()
    )
    with world.registry.writing() as connection:
        add_account(connection, account)
    return officer_named(world, "xa")


def open_elsewhere(client, case_id, reason=REASON):
    return client.post("/police/elsewhere", data={"csrf": csrf_of(client), "case": case_id, "reason": reason})


def looks(world):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.access_records)).all()


def test_a_case_elsewhere_is_seen_for_a_reason_for_three_hours_and_the_person_reads_why(world, stranger):
    case_id = world.open_case()
    assert stranger.get(f"/police/cases/{case_id}").status_code == 403
    assert stranger.get(f"/police/elsewhere/{case_id}").status_code == 403
    assert looks(world) == []
    for reason in ("", "vì cần", "x" * 501):
        assert open_elsewhere(stranger, case_id, reason).status_code == 422
    shown = open_elsewhere(stranger, case_id)
    assert shown.status_code == 200
    assert NAME in shown.text
    assert "001195000222" not in shown.text
    assert "0222" not in shown.text.replace("2026", "")
    (look,) = looks(world)
    assert (look.account_id, look.purpose, look.commune_code) == ("acc-far", "break-glass", "demo-01")
    assert set(look.fields) == {"full-name", "birth-date", "sex"}
    assert stranger.get(f"/police/cases/{case_id}").status_code == 403  # and nothing can be done with it
    world.clock.instant += timedelta(hours=2, minutes=59)
    assert NAME in officer_named(world, "xa").get(f"/police/elsewhere/{case_id}").text
    world.clock.instant += timedelta(minutes=2)
    over = officer_named(world, "xa").get(f"/police/elsewhere/{case_id}")
    assert over.status_code == 403
    assert "its time is over" in over.text
    assert len(looks(world)) == 2
    person_reads(world, look)


def person_reads(world, look):
    world.declare_guest()
    with world.registry.writing() as connection:
        person_id = connection.scalar(select(tables.persons.c.person_id))
        connection.execute(
            update(tables.access_records).values(person_id=person_id)
        )  # known by now, as the register would have it
        resident = tables.accounts.c.account_id == "acc-resident"
        connection.execute(update(tables.accounts).where(resident).values(person_id=person_id))
    page = world.client("resident").get("/me").text
    assert "A case of another commune, opened for a reason" in page
    assert REASON in page


def test_the_own_commune_a_number_that_is_none_and_other_roles_break_no_glass(world, stranger):
    case_id = world.open_case()
    assert open_elsewhere(world.client("officer"), case_id).status_code == 403
    assert open_elsewhere(stranger, "no-such-case").status_code == 403
    for role in ("clerk", "operator", "resident"):
        assert open_elsewhere(world.client(role), case_id).status_code == 403
        assert world.client(role).get("/police/elsewhere").status_code == 403
    assert looks(world) == []
