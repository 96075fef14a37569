"""What other authorities are told, on the operator's page and at the stay: states in words, no person, counting back."""

from __future__ import annotations

import pytest
from server_parts import csrf_of
from sqlalchemy import select, update

from luutru.system import random_bytes
from registry import tables
from registry.authority_catalogues import Catalogue, keep
from registry.authority_content import seal_words
from registry.authority_links import Binding, bind

PAGE = "/operators/authorities"
TOLD = {"start": "2026-07-10T07:00:00Z", "until": "2026-07-12T05:00:00Z", "who": "w", "ended": False, "sure": "probably"}


def bound(world, premises_id="htl-sao-mai", **changes):
    """A premises with one declared guest, told to the ministry as the changes say; returns the record's id."""
    with world.registry.writing() as connection:
        binding = Binding(premises_id=premises_id, authority="kbtt", facility=f"at-{premises_id}")
        bind(connection, binding, now=world.clock.now(), random_bytes=random_bytes)
    world.declare_guest(premises_id=premises_id, unit="201" if premises_id == "htl-sao-mai" else "1")
    records = tables.authority_records
    with world.registry.writing() as connection:
        row = connection.execute(select(records).where(records.c.premises_id == premises_id)).one()
        subject = connection.scalar(select(tables.declarations.c.subject_id))
        words = seal_words(connection, row.record_id, "Trần Văn An đã có", subject_id=subject, vault=world.vault)
        values = {"words_sealed": words, "subject_id": subject, **changes}
        connection.execute(update(records).where(records.c.record_id == row.record_id).values(values))
    return row.record_id


def record(world, record_id):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.authority_records).where(tables.authority_records.c.record_id == record_id)).one()


def press(client, path, **fields):
    return client.post(path, data={"csrf": csrf_of(client, "/account"), **fields})


def test_a_refusal_is_told_in_words_and_names_nobody(world):
    bound(
        world, state="refused", code="authority.refused", problems=[{"code": "authority.sex_missing", "pointer": "/person/sex"}]
    )
    page = world.client("operator").get(PAGE).text
    assert "Not taken, to be mended" in page
    assert "The authority refused this declaration." in page
    assert "The sex is missing." in page
    assert "Trần" not in page


def test_what_is_strange_in_the_authoritys_lists_is_shown_as_text(world):
    bound(world)
    content = {"1": "Du lịch", "21": "Chữa bệnh", "22": "<b>Điều dưỡng</b>"}
    with world.registry.writing() as connection:
        keep(
            connection,
            "kbtt",
            Catalogue(name="reasons", content=content, fetched_at=world.clock.now(), fresh_until=world.clock.now()),
        )
    page = world.client("operator").get(PAGE).text
    assert "to be looked at: 19" in page  # one unknown, eighteen without an entry
    assert 'Unknown here: <span class="luutru-code">22</span> &lt;b&gt;' in page


def test_the_desk_of_the_stay_sees_the_authoritys_own_words(world):
    own_id = bound(world, state="refused", code="authority.refused")
    stay_id = record(world, own_id).stay_id
    assert "The authority says: Trần Văn An đã có" in world.client("clerk").get(f"/desk/stays/{stay_id}").text


def test_a_record_is_tried_again(world):
    own_id = bound(world, state="refused", code="authority.refused")
    press(world.client("operator"), f"{PAGE}/{own_id}", action="retry")
    assert record(world, own_id).state == "due"


ANSWERS = {"there": "confirmed", "missing": "due"}


@pytest.mark.parametrize(("said", "state"), ANSWERS.items())
def test_what_is_probably_there_is_settled_by_looking(world, said, state):
    own_id = bound(world, state="probably", told=TOLD, day="2026-07-10")
    press(world.client("operator"), f"{PAGE}/{own_id}", action=said)
    assert record(world, own_id).state == state


def test_a_count_that_is_the_same_confirms_and_another_shows_what_to_compare(world):
    own_id = bound(world, state="accepted", told=TOLD, day="2026-07-10")
    operator = world.client("operator")
    count = {"facility": "at-htl-sao-mai", "day": "2026-07-10"}
    other = press(operator, f"{PAGE}/count", theirs="0", **count).text
    assert "0 there, 1 here" in other
    assert own_id in other
    assert record(world, own_id).state == "accepted"
    assert "the same number" in press(operator, f"{PAGE}/count", theirs="1", **count).text
    assert record(world, own_id).state == "confirmed"


@pytest.mark.parametrize("wrong", [{"theirs": "-1"}, {"theirs": "many"}, {"day": "10/07"}, {"facility": "at-htl-xa"}], ids=str)
def test_a_count_that_cannot_be_meant_is_not_taken(world, wrong):
    bound(world, state="accepted", told=TOLD, day="2026-07-10")
    fields = {"facility": "at-htl-sao-mai", "day": "2026-07-10", "theirs": "1", **wrong}
    answer = press(world.client("operator"), f"{PAGE}/count", **fields)
    assert answer.status_code == 422
    assert "The count was not taken" in answer.text


def test_another_communes_records_are_neither_seen_nor_settled(world):
    own_id = bound(world, "htl-xa", state="refused", code="authority.refused")
    operator = world.client("operator")
    assert "No premises of this commune" in operator.get(PAGE).text
    assert press(operator, f"{PAGE}/{own_id}", action="retry").status_code == 403
    assert record(world, own_id).state == "refused"


@pytest.mark.parametrize("role", ["clerk", "officer", "resident"])
def test_nobody_else_sees_or_settles(world, role):
    client = world.client(role)
    assert client.get(PAGE).status_code == 403
    assert press(client, PAGE).status_code == 403
