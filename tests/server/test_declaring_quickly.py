"""What a desk is given as text, and what its form offers before anything is typed."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from factories import make_id, make_person
from server_parts import csrf_of

from residence.clock import VIETNAM
from residence.credentials.mrz_layout import check_digit
from server.desk.card_text import read_card_text, zone_lines
from server.desk.free_units import checking_out

NOW = datetime(2026, 7, 10, 14, tzinfo=VIETNAM)


def passport(number="B1234567<", nationality="FRA", birth="900215", expiry="310101"):
    """Return an invented passport's two lines with their check digits."""
    name = "P<FRAMUSTER<<CLAIRE".ljust(44, "<")
    body = f"{number}{check_digit(number)}{nationality}{birth}{check_digit(birth)}F{expiry}{check_digit(expiry)}" + "<" * 14 + "<"
    composite = body[0:10] + body[13:20] + body[21:43]
    return f"{name}\r\n{body}{check_digit(composite)}"


def test_a_passports_zone_pasted_fills_the_form_in_and_is_worth_what_a_zone_is(world):
    clerk = world.client("clerk")
    page = clerk.post("/desk/read", data={"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai", "card_text": passport()}).text
    assert "Card read" in page
    for value in ("MUSTER CLAIRE", "15/02/1990", "B1234567", "FRA"):
        assert f'value="{value}"' in page, value
    reading = read_card_text(passport(), now=NOW).reading
    assert (reading.evidence.level, reading.evidence.source) == (1, "mrz")


def test_a_zone_with_a_wrong_digit_is_not_used(world):
    clerk = world.client("clerk")
    wrong = passport().replace("900215", "900216")
    page = clerk.post("/desk/read", data={"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai", "card_text": wrong}).text
    assert "This code was not used" in page


@pytest.mark.parametrize("text", ["", "P<FRA", "hello world", "|" * 6, "A" * 44, "A" * 44 + "\n" + "b|" * 22])
def test_what_is_no_zone_is_not_taken_for_one(text):
    assert zone_lines(text) == ()


def test_only_rooms_nobody_stays_in_are_offered_and_others_can_still_be_written(world):
    clerk = world.client("clerk")
    offered = lambda: re.findall(r'data-room="([^"]+)"', clerk.get("/desk/declare").text)  # noqa: E731
    assert offered() == ["201", "202"]
    world.declare_guest(unit="201")
    assert offered() == ["202"]
    world.declare_guest(
        declaration_id=make_id(), unit="202", arrival="2026-07-12T14:00:00+07:00", planned_departure="2026-07-13T12:00:00+07:00",
        person=make_person(full_name="Nguyễn Thị Thu Hà", personal_number="001195000333", sex="female", document=None),
    )  # fmt: skip
    assert offered() == ["202"]  # declared ahead: free until then


@pytest.mark.parametrize(("now", "leaves"), [((10, 14), 11), ((10, 23), 11), ((11, 1), 11), ((11, 7), 12)])
def test_one_night_is_offered_and_after_midnight_it_is_the_night_already_begun(now, leaves):
    day, hour = now
    assert checking_out(datetime(2026, 7, day, hour, tzinfo=VIETNAM), 12) == datetime(2026, 7, leaves, 12, tzinfo=VIETNAM)


def test_only_the_page_that_reads_cards_may_ask_for_the_camera(world):
    clerk = world.client("clerk")
    assert "camera=(self)" in clerk.get("/desk/declare").headers["permissions-policy"]
    assert "camera=()" in clerk.get("/desk").headers["permissions-policy"]


def usual(client, reason, premises_id="htl-sao-mai"):
    return client.post("/desk/usual", data={"csrf": csrf_of(client), "premises_id": premises_id, "reason": reason})


def chosen(client):
    """Return the reason a new form begins with."""
    return re.search(r'<option value="([^"]+)" selected>[^<]+</option>', client.get("/desk/declare").text.split('id="reason"')[1])


def test_a_house_says_what_its_forms_begin_with_and_no_other_house_does(world):
    clerk, stranger = world.client("clerk"), world.client("officer")
    assert chosen(clerk) is None  # nothing is presumed of a house that said nothing
    assert usual(clerk, "work").url.path == "/desk/declare"
    assert chosen(clerk)[1] == "work"
    assert [usual(clerk, wrong).status_code for wrong in ("other", "holiday")] == [422, 422]  # one needs words, one is none
    assert (usual(stranger, "visit").status_code, usual(clerk, "visit", "blk-hoa-binh").status_code) == (403, 403)
    assert chosen(clerk)[1] == "work"
    usual(clerk, "")
    assert chosen(clerk) is None
