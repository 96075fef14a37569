"""The front desk's evening: a guest declared by card or by typing, all problems at once, corrected, checked out, receipted."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from factories import make_declaration, make_person
from server_parts import World, csrf_of, fields_of
from sqlalchemy import func, select

from registry import tables
from registry.stays import stays_at
from residence.clock import rfc3339

CARD = "001095000117|012345678|Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
TYPED = {
    "full_name": "Trần Văn An",
    "birth": "1/2/1995",
    "sex": "male",
    "nationality": "VNM",
    "personal_number": "001095000117",
    "document_kind": "cccd-2021",
    "document_number": "001095000117",
    "unit": "201",
    "arrival": "2026-07-10T14:00",
    "planned_departure": "2026-07-12T12:00",
    "reason": "visit",
}


@pytest.fixture
def clerk(world):
    return world.client("clerk")


def form_for(client, **changes):
    return fields_of(client.get("/desk/declare").text) | TYPED | changes


def count(world: World, table):
    with world.registry.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def only_stay(world):
    with world.registry.reading() as connection:
        (stay,) = stays_at(connection, "htl-sao-mai")
    return stay


def test_a_typed_guest_gets_a_receipt_and_stands_on_tonights_list(world, clerk):
    answer = clerk.post("/desk/declare", data=form_for(clerk))
    assert answer.url.path.startswith("/desk/receipts/"), answer.text
    assert "Accepted by the registry" in answer.text
    assert "<svg" in answer.text
    assert "Trần Văn An" not in answer.text
    tonight = clerk.get("/desk").text
    assert "Trần Văn An" in tonight
    assert 'datetime="2026-07-10T16:00:00+00:00" data-countdown' in tonight


def test_sending_the_same_form_twice_declares_once(world, clerk):
    form = form_for(clerk)
    first, second = (clerk.post("/desk/declare", data=form) for _ in range(2))
    assert first.url.path == second.url.path
    assert count(world, tables.declarations) == 1
    assert count(world, tables.quarantine) == 0


def test_all_problems_come_at_once_beside_their_fields_and_nothing_is_recorded(world, clerk):
    page = clerk.post(
        "/desk/declare", data=form_for(clerk, full_name="", birth="yesterday", personal_number="12", unit="", arrival="noon")
    )
    assert page.status_code == 422
    for field in ("full_name", "birth", "personal_number", "unit", "arrival"):
        assert f'href="#{field}"' in page.text, field
        assert f'id="{field}-error"' in page.text, field
    assert 'value="yesterday"' in page.text  # nothing typed is lost
    assert count(world, tables.declarations) == 0


def test_a_warning_is_shown_once_and_sending_again_declares(world, clerk):
    first = clerk.post("/desk/declare", data=form_for(clerk, sex="female"))
    assert first.status_code == 422
    assert "Declare anyway" in first.text
    again = clerk.post("/desk/declare", data=form_for(clerk, sex="female") | fields_of(first.text))
    assert again.url.path.startswith("/desk/receipts/")


def test_a_pasted_card_fills_the_form_in_and_its_evidence_is_card_text(world, clerk):
    page = clerk.post("/desk/read", data={"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai", "card_text": CARD})
    assert "Card read" in page.text
    assert 'value="Trần Văn An"' in page.text
    hidden = {name: html.unescape(value) for name, value in fields_of(page.text).items()}
    form = TYPED | hidden | {"birth": "01/02/1995", "document_kind": "", "document_number": ""}
    clerk.post("/desk/declare", data=form)
    assert only_stay(world).evidence_level == 1


@pytest.mark.parametrize(
    ("changes", "level"), [({}, 1), ({"full_name": "Trần Văn Bình"}, 0), ({"attested": "yes"}, 6), ({"card_text": ""}, 0)]
)
def test_the_evidence_level_is_what_was_checked_and_never_what_the_form_says(world, clerk, changes, level):
    form = form_for(clerk, card_text=CARD, birth="01/02/1995", document_kind="", document_number="") | changes
    page = clerk.post("/desk/declare", data=form)
    if page.status_code == 422:
        page = clerk.post("/desk/declare", data=form | {"seen_warnings": fields_of(page.text)["seen_warnings"]})
    assert page.url.path.startswith("/desk/receipts/"), page.text
    assert only_stay(world).evidence_level == level


@pytest.mark.parametrize("text", ["https://example.org/", "", "000201010211|", "x" * 3000])
def test_a_code_that_is_no_card_says_so_and_keeps_the_form(clerk, text):
    page = clerk.post("/desk/read", data={"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai", "card_text": text, "unit": "201"})
    assert "This code was not used" in page.text
    assert 'value="201"' in page.text


def test_a_guest_without_papers_is_declared_like_anybody_else(world, clerk):
    form = form_for(clerk, personal_number="", document_kind="none", document_number="", birth="1995")
    page = clerk.post("/desk/declare", data=form)
    if page.status_code == 422:
        assert "Nothing is recorded yet" not in page.text
        page = clerk.post("/desk/declare", data=form | {"seen_warnings": fields_of(page.text)["seen_warnings"]})
    assert "Accepted by the registry" in page.text


def test_a_number_without_its_kind_of_document_is_asked_about_and_not_dropped(world, clerk):
    page = clerk.post("/desk/declare", data=form_for(clerk, personal_number="", document_kind="", document_number="C01X00T47"))
    assert page.status_code == 422
    assert "without the kind of document" in page.text
    assert 'value="C01X00T47"' in page.text


def test_correcting_shows_no_number_and_keeps_it(world, clerk):
    clerk.post("/desk/declare", data=form_for(clerk))
    stay = only_stay(world)
    page = clerk.get(f"/desk/stays/{stay.stay_id}/correct").text
    assert "001095000117" not in page
    assert "•••••••••117" in page
    form = fields_of(page) | TYPED | {"personal_number": "", "document_number": "", "unit": "202", "birth": "01/02/1995"}
    answer = clerk.post(f"/desk/stays/{stay.stay_id}/correct", data=form)
    assert "Accepted by the registry" in answer.text, answer.text
    corrected = only_stay(world)
    assert (corrected.unit, corrected.person_id) == ("202", stay.person_id)
    with world.registry.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.persons)).scalar_one() == 1


def test_checking_out_ends_the_stay_with_a_receipt_of_its_own(world, clerk):
    clerk.post("/desk/declare", data=form_for(clerk))
    stay = only_stay(world)
    page = clerk.get(f"/desk/stays/{stay.stay_id}").text
    world.clock.pass_time(hours=20)
    clerk = world.client("clerk")
    form = fields_of(page) | {"csrf": csrf_of(clerk), "left_at": "2026-07-11T09:30"}
    first = clerk.post(f"/desk/stays/{stay.stay_id}/check-out", data=form)
    second = clerk.post(f"/desk/stays/{stay.stay_id}/check-out", data=form)
    assert first.url.path == second.url.path
    ended = only_stay(world)
    assert ended.status == "ended"
    assert f"{ended.ended_at:%H:%M}" == "02:30"
    assert count(world, tables.declarations) == 2


def test_somebody_seen_and_not_declared_is_counted_with_the_deadline_and_the_fine_band(world, clerk):
    world.see_somebody(premises_id="htl-sao-mai", unit="202")
    page = clerk.get("/desk").text
    assert "Somebody seen, not declared" in page
    assert "Phạm Thị Thử Nghiệm" not in page
    assert "fine band" in page


def test_the_polled_part_names_nobody_and_asks_for_a_reload_when_a_guest_came(world, clerk):
    clerk.post("/desk/declare", data=form_for(clerk))
    page = clerk.get("/desk").text
    known = page.split("known=")[1].split('"')[0]
    looks = count(world, tables.access_records)
    part = clerk.get(f"/desk/states?premises=htl-sao-mai&known={known}")
    assert part.status_code == 200
    assert "hx-swap-oob" in part.text
    assert "Trần" not in part.text
    assert count(world, tables.access_records) == looks
    world.declare_guest(
        unit="202", person=make_person(full_name="Lê Thị Mai", personal_number="001195000333", sex="female", document=None)
    )
    assert clerk.get(f"/desk/states?premises=htl-sao-mai&known={known}").headers["hx-refresh"] == "true"


def test_every_name_on_the_list_is_a_recorded_look(world, clerk):
    clerk.post("/desk/declare", data=form_for(clerk))
    clerk.get("/desk")
    with world.registry.reading() as connection:
        looks = connection.execute(select(tables.access_records)).all()
    assert [(each.account_id, each.purpose, each.fields) for each in looks] == [("acc-clerk", "declare-guest", ["full-name"])]


@pytest.mark.parametrize("path", ["/desk?premises=blk-hoa-binh", "/desk/declare?premises=blk-hoa-binh", "/desk?premises=nowhere"])
def test_another_premises_and_no_premises_answer_alike(clerk, path):
    answer = clerk.get(path)
    assert answer.status_code == 403
    assert "server.not_allowed" in answer.text


def test_a_clerk_cannot_declare_for_or_look_at_somebody_elses_premises(world, clerk):
    other = world.record(make_declaration())  # at blk-hoa-binh
    with world.registry.reading() as connection:
        (stay,) = stays_at(connection, "blk-hoa-binh")
    assert clerk.post("/desk/declare", data=form_for(clerk, premises_id="blk-hoa-binh")).status_code == 403
    assert clerk.get(f"/desk/stays/{stay.stay_id}").status_code == 403
    assert clerk.get(f"/desk/receipts/{other.declaration_id}").status_code == 403
    csrf = csrf_of(clerk)
    assert clerk.post(f"/desk/stays/{stay.stay_id}/check-out", data={"csrf": csrf, "declaration_id": "x"}).status_code == 403


def test_a_form_that_is_too_large_is_refused(clerk):
    answer = clerk.post("/desk/declare", data=form_for(clerk, note="x" * 70_000))
    assert answer.status_code == 413


def test_a_body_sent_in_pieces_without_a_length_is_limited_too(world):
    async def pieces():
        for _ in range(100):
            yield b"x" * 1000

    for path in ("/desk/declare", "/api/v1/declarations"):
        headers = world.bearer("clerk") | {"content-type": "application/x-www-form-urlencoded"}
        answer = world.client("clerk").post(path, content=pieces(), headers=headers)
        assert answer.status_code == 413, path


def test_a_guest_declared_ahead_is_expected_and_neither_in_the_house_nor_due_tonight(world, clerk):
    world.see_somebody(premises_id="htl-sao-mai", unit="202")
    seen = clerk.get("/desk").text
    ahead = {"arrival": "2026-07-13T14:00:00+07:00", "planned_departure": "2026-07-15T12:00:00+07:00"}
    assert world.declare_guest(**ahead).receipt.state == "accepted"
    page = clerk.get("/desk").text
    assert ">Expected</strong>" in page
    assert ">Staying</strong>" not in page
    assert "<strong>0</strong><span>in the house" in page
    assert "<strong>1</strong><span>expected later" in page
    assert page.count("data-countdown") == seen.count("data-countdown")
    assert "Expected" in world.client("officer").get("/police/premises/htl-sao-mai").text
    counts = world.client("officer").get("/police/premises").text
    assert re.search(r"Sao Mai.*?luutru-due\">0 ", counts, re.DOTALL)
    world.clock.pass_time(days=3, hours=1)
    assert "<strong>1</strong><span>in the house" in clerk_again(world).get("/desk").text


def test_a_refused_statement_about_later_is_not_counted_against_tonight(world, clerk):
    refused = world.declare_guest(unit=None, arrival="2026-07-13T14:00:00+07:00", planned_departure="2026-07-15T12:00:00+07:00")
    assert refused.receipt.state == "refused"
    page = clerk.get("/desk").text
    assert "<strong>0</strong><span>still to be declared" in page
    assert "To put right before they arrive" in page


def test_a_stay_declared_ahead_does_not_cover_who_is_seen_today(world, clerk):
    person = make_person()
    world.see_somebody(premises_id="htl-sao-mai", unit="201", person=person)
    ahead = {"arrival": "2026-07-13T14:00:00+07:00", "planned_departure": "2026-07-15T12:00:00+07:00"}
    world.declare_guest(person=person, **ahead)
    world.see_somebody(premises_id="htl-sao-mai", unit="201", person=person)
    assert count(world, tables.presences) == 2
    assert "<strong>1</strong><span>still to be declared" in clerk.get("/desk").text


def clerk_again(world):
    return world.client("clerk")


def test_the_summary_of_an_empty_form_names_every_field(clerk):
    page = clerk.post("/desk/declare", data=fields_of(clerk.get("/desk/declare").text) | {"nationality": ""}).text
    summary = page[page.index("govuk-error-summary") : page.index("</ul>", page.index("govuk-error-summary"))]
    told = re.findall(r'<a href="#(\w+)">\s*([^<]+?)\s*</a>', summary)
    assert ("full_name", "Full name: Fill this in.") in {(name, text[:24]) for name, text in told}
    assert all(": " in text for _, text in told), told


def test_the_account_page_names_its_premises(clerk):
    page = clerk.get("/account").text
    assert "Khách sạn Sao Mai" in page
    assert "htl-sao-mai" not in page


def test_somebody_seen_is_declared_in_one_step_with_room_and_time_filled_in(world, clerk):
    world.see_somebody(premises_id="htl-sao-mai", unit="201")
    link = html.unescape(re.search(r'href="(/desk/declare\?[^"]*arrival[^"]*)"', clerk.get("/desk").text)[1])
    page = clerk.get(link).text
    assert re.search(r'name="unit"[^>]*value="201"', page)
    assert re.search(r'name="arrival"[^>]*value="2026-07-10T', page)


def answer(client, **changes):
    page = client.get("/desk").text
    form = re.search(r'<form method="post" action="/desk/seen".*?</form>', page, re.DOTALL)
    return client.post("/desk/seen", data=fields_of(form[0]) | changes)


def test_somebody_said_to_be_a_visitor_is_no_work_any_more_and_who_said_so_is_kept(world, clerk):
    world.see_somebody(premises_id="htl-sao-mai", unit="201")
    assert "Somebody seen, not declared" in clerk.get("/desk").text
    page = answer(clerk).text
    assert "Somebody seen, not declared" not in page
    assert "Visitors, as this house says" in page
    with world.registry.reading() as connection:
        (notice,) = connection.execute(select(tables.notices)).all()
    assert (notice.answer, notice.answered_by is not None) == ("visitor", True)


def test_a_visitor_found_at_night_is_work_again(world, clerk):
    world.see_somebody(premises_id="htl-sao-mai", unit="201")
    answer(clerk)
    world.clock.instant += timedelta(minutes=20)
    world.see_somebody(premises_id="htl-sao-mai", unit="201", kind="night_check", seen_at=rfc3339(world.clock.instant))
    assert "Somebody seen, not declared" in clerk.get("/desk").text


@pytest.mark.parametrize(("field", "value", "code"), [("who", "00" * 16, 403), ("premises_id", "blk-hoa-binh", 403)])
def test_nobody_answers_for_whom_the_house_has_not_seen(world, clerk, field, value, code):
    world.see_somebody(premises_id="htl-sao-mai", unit="201")
    assert answer(clerk, **{field: value}).status_code == code
    assert count(world, tables.notices) == 0
