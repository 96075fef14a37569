"""Forms a desk's page kept without a connection: declared once, with the card read now, and what is wrong said to the page."""

from __future__ import annotations

from base64 import b64decode

import pytest
from server_parts import csrf_of, fields_of
from sqlalchemy import func, select

from registry import tables
from registry.declarations import matching_declarations, open_declaration
from registry.stays import stays_at

CARD = "001095000117|012345678|Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"


@pytest.fixture
def clerk(world):
    return world.client("clerk")


def kept(clerk, **changes):
    """Return what the page of a clerk who scanned a card without a connection sends later."""
    form = fields_of(clerk.get("/desk/declare").text) | {
        "arrival": "2026-07-10T14:00", "planned_departure": "2026-07-11T12:00", "reason": "visit", "unit": "201", "nationality": "VNM",
        "card_text": CARD, "kept_at": "2026-07-10T07:01:00.000Z", "full_name": "", "birth": "",
    }  # fmt: skip
    return form | changes


def send(clerk, form):
    return clerk.post("/desk/queued", data=form, headers={"x-csrf-token": csrf_of(clerk)})


def declarations(world):
    with world.registry.reading() as connection:
        rows = matching_declarations(connection, tables.declarations.c.kind == "arrival")
        keys = world.vault.load_keys(connection, [each.subject_id for each in rows])
        return [open_declaration(each, keys=keys, vault=world.vault).declaration for each in rows]


def test_a_kept_card_is_read_when_it_comes_and_declared_once_however_often_it_is_sent(world, clerk):
    form = kept(clerk)
    world.clock.pass_time(minutes=20)
    first, second = (send(clerk, form) for _ in range(2))
    assert first.json()["state"] == "accepted"
    assert first.json()["code"] == second.json()["code"]
    (said,) = declarations(world)
    assert (said.person.full_name, said.evidence.level, said.unit) == ("Trần Văn An", 1, "201")
    assert said.declared_at.startswith("2026-07-10T07:01:00")  # when the clerk pressed the button, advisory
    with world.registry.reading() as connection:
        assert len(stays_at(connection, "htl-sao-mai")) == 1


@pytest.mark.parametrize(
    ("kept_at", "declared_at"),
    [("", "2026-07-10T07:00"), ("soon", "2026-07-10T07:00"), ("2027-01-01T00:00:00Z", "2026-07-10T07:00")],
)
def test_a_time_that_cannot_be_is_not_believed(world, clerk, kept_at, declared_at):
    send(clerk, kept(clerk, kept_at=kept_at))
    assert declarations(world)[0].declared_at.startswith(declared_at)


def test_what_was_typed_stands_before_the_card_and_makes_it_typed(world, clerk):
    send(clerk, kept(clerk, full_name="Trần Văn Bình", birth="1/2/1995"))
    (said,) = declarations(world)
    assert (said.person.full_name, said.evidence.level) == ("Trần Văn Bình", 0)


def test_an_error_is_told_with_its_field_and_nothing_is_recorded(world, clerk):
    answer = send(clerk, kept(clerk, unit="", card_text="not a card"))
    assert answer.status_code == 422
    assert {"/unit", "/person/full_name"} <= {each["pointer"] for each in answer.json()["problems"]}
    with world.registry.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.declarations)).scalar_one() == 0


def test_a_kept_form_needs_the_session_and_the_house_of_its_clerk(world, clerk):
    assert send(clerk, kept(clerk, premises_id="blk-hoa-binh")).status_code == 403
    assert clerk.post("/desk/queued", data=kept(clerk) | {"csrf": "0" * 64}).status_code == 403
    stranger = world.client()
    assert stranger.post("/desk/queued", data={"csrf": csrf_of(stranger)}).status_code == 401


def test_the_key_is_the_accounts_own_and_the_same_in_every_session(world):
    def key_on(client):
        return client.get("/desk/declare").text.split('data-key="')[1].split('"')[0].replace("&#43;", "+").replace("&#61;", "=")

    one, again = key_on(world.client("clerk")), key_on(world.client("clerk"))
    assert one == again
    assert len(b64decode(one)) == 32
    assert b64decode(one) != world.vault.desk_key("acc-somebody-else")
