"""A card held up at the desk's kiosk: offered to the clerk's page, filled in by what the purpose releases, declared as read."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import make_id, make_person
from server_parts import World, csrf_of, fields_of
from sqlalchemy import select

from registry import tables
from registry.stays import stays_at
from residence.people.person import Document, DocumentKind

NUMBER = "001195000222"
GUEST = make_person(
    full_name="Phạm Thị Thử Nghiệm",
    personal_number=NUMBER,
    sex="female",
    document=Document(kind=DocumentKind.CARD_2021, number=NUMBER, issued="2021-08-15"),
)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, live_for=timedelta(0))
    yield made
    made.close()


@pytest.fixture
def clerk(world):
    return world.client("clerk")


def hold_up(world, **changes):
    """A card at the desk's kiosk, as its gateway records it; returns the id."""
    return world.see_somebody(
        **({"premises_id": "htl-sao-mai", "unit": None, "for_desk": True, "person": GUEST} | changes)
    ).declaration_id


def cards_told(clerk, premises="htl-sao-mai"):
    return re.findall(r"event: card\ndata: (\S+)", clerk.get(f"/desk/live?premises={premises}").text)


def form_for(clerk, card, **typed):
    """The form the page fills in from a card, and what the clerk types besides."""
    page = clerk.get(f"/desk/declare?shown={card}").text
    values = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', page))
    shown = {name: values[name] for name in ("full_name", "birth", "arrival", "planned_departure", "nationality")}
    return shown | fields_of(page) | {"document_kind": "cccd-2021", "sex": "female", "reason": "visit", "unit": "201"} | typed


def stays(world):
    with world.registry.reading() as connection:
        return stays_at(connection, "htl-sao-mai")


def test_a_card_is_told_to_the_open_page_and_named_by_nothing_but_its_id(world, clerk):
    assert cards_told(clerk) == []
    card = hold_up(world)
    assert cards_told(clerk) == [card]
    assert f"shown={card}" in clerk.get("/desk").text
    assert "Phạm" not in clerk.get("/desk").text


def test_it_fills_the_form_in_and_what_the_purpose_does_not_release_is_declared_as_read(world, clerk):
    card = hold_up(world)
    page = clerk.get(f"/desk/declare?shown={card}").text
    assert "Phạm Thị Thử Nghiệm" in page
    assert NUMBER not in page
    answer = clerk.post("/desk/declare", data=form_for(clerk, card), follow_redirects=False)
    assert answer.status_code == 303, re.findall(r"error-summary__list.*?</ul>", answer.text, re.DOTALL)
    (stay,) = stays(world)
    assert (stay.evidence_level, stay.unit) == (1, "201")
    assert cards_told(clerk) == []  # declared: nothing waits, and nobody is undeclared
    assert 'id="to-do"' not in clerk.get("/desk").text


def test_a_name_typed_over_what_was_read_is_a_typed_name(world, clerk):
    clerk.post("/desk/declare", data=form_for(clerk, hold_up(world), full_name="Phạm Thị Khác"))
    assert [each.evidence_level for each in stays(world)] == [0]


def test_the_look_at_a_card_is_on_the_record(world, clerk):
    card = hold_up(world)
    clerk.get(f"/desk/declare?shown={card}")
    with world.registry.reading() as connection:
        looks = connection.execute(select(tables.access_records)).all()
    assert [(each.account_id, each.purpose, "full-name" in each.fields) for each in looks] == [
        ("acc-clerk", "declare-guest", True)
    ]


OTHERS = {
    "never read": lambda _world: make_id(),
    "read at another house": lambda world: hold_up(world, premises_id="blk-hoa-binh"),
    "seen at a door": lambda world: hold_up(world, for_desk=False),
}


@pytest.mark.parametrize("which", OTHERS)
def test_only_a_card_read_for_this_desk_can_be_opened_here(world, clerk, which):
    page = clerk.get(f"/desk/declare?shown={OTHERS[which](world)}").text
    assert "no longer here" in page
    assert "Phạm" not in page


def test_another_house_is_not_listened_to(world, clerk):
    assert clerk.get("/desk/live?premises=blk-hoa-binh").status_code == 403
    assert world.client("officer").get("/desk/live?premises=htl-sao-mai").status_code == 403


def test_a_child_of_somebody_declared_still_comes_up_and_who_is_declared_does_not(world, clerk):
    world.declare_guest()
    assert cards_told(clerk) == []
    hold_up(world, person=make_person())  # the very guest, again
    assert cards_told(clerk) == []
    hold_up(world, person=make_person(full_name="Trần Bé Thử", personal_number="001315000011", document=None))
    assert len(cards_told(clerk)) == 1


def test_after_a_while_a_card_is_offered_no_more_and_its_holder_is_still_to_be_declared(world, clerk):
    card = hold_up(world)
    world.clock.pass_time(minutes=21)
    assert cards_told(clerk) == []
    assert f"shown={card}" in clerk.get("/desk").text
    assert "Card shown at this desk" in clerk.get("/desk").text


def test_a_form_kept_without_a_connection_is_declared_by_the_card(world, clerk):
    form = form_for(clerk, hold_up(world)) | {"csrf": csrf_of(clerk)}
    answer = clerk.post("/desk/queued", data=form)
    assert answer.json()["state"] == "accepted", answer.text
    assert [each.evidence_level for each in stays(world)] == [1]
