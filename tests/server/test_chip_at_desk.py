"""What a front desk sees of a chip its house's kiosk read: the level with a sign, every check in words; and what it says anew claims no chip."""

from __future__ import annotations

import html
import re

import chip_parts as chips
import pytest
from chip_parts import Citizen, lying, pki, store_of
from factories import EVENING
from server_parts import csrf_of, fields_of
from sqlalchemy import select
from town_with_chips import HOUSE, Town, shown

from luutru.system import random_bytes
from registry import tables
from registry.kiosks import keep_state
from residence.clock import rfc3339, uuid7_text
from residence.wire.state import CHIP_TRUST, KioskState


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture
def town(tmp_path, country):
    made = Town(tmp_path, store_of(country, version=4))
    yield made
    made.close()


def step(town, clerk, name, **fields):
    (stay,) = town.stays()
    page = clerk.get(f"/desk/stays/{stay.stay_id}").text
    ids = dict(re.findall(rf'action="/desk/stays/{stay.stay_id}/([\w-]+)">\s*<[^>]+><input[^>]*name="declaration_id" value="([^"]+)"', page))  # fmt: skip
    town.clock.pass_time(minutes=1)
    answer = clerk.post(f"/desk/stays/{stay.stay_id}/{name}", data={"csrf": csrf_of(clerk), "declaration_id": ids[name]} | fields)
    assert answer.status_code == 200, answer.text


def levels(town):
    """The level of each declaration as it counts, oldest first."""
    columns = tables.declarations.c
    with town.registry.reading() as connection:
        return list(connection.scalars(select(columns.evidence_level).order_by(columns.declaration_id)))


def test_what_a_desk_says_anew_of_a_guest_never_counts_for_more_than_the_chip_showed(town, country):
    town.declare(chips.cloned(country).card(), tell=lying)
    clerk = town.client(HOUSE)
    step(town, clerk, "extend", until="2026-07-13T12:00")
    (stay,) = town.stays()
    assert stay.evidence_level == 4
    assert levels(town)[-1] == 1
    page = clerk.get(f"/desk/stays/{stay.stay_id}/correct").text
    town.clock.pass_time(minutes=1)
    clerk.post(f"/desk/stays/{stay.stay_id}/correct", data=fields_of(page) | {"reason": "visit"})
    (stay,) = town.stays()
    assert stay.evidence_level == 4


CARD_FORM = {
    "card_text": chips.QR,
    "full_name": "Nguyễn Hoàng Minh Khôi",
    "birth": "25/12/1995",
    "sex": "male",
    "nationality": "VNM",
    "personal_number": chips.NUMBER,
    "unit": "0101",
    "arrival": "2026-07-10T14:00",
    "planned_departure": "2026-07-12T12:00",
    "reason": "visit",
}
ASKED = "lay the card on this house's kiosk"


def alive(town, **readers):
    """The house's kiosk says how it is."""
    said = KioskState(kiosk_id=town.gateway.kiosk().kiosk_id, session=1, online=True, at=rfc3339(EVENING), readers=readers)
    with town.registry.writing() as connection:
        assert keep_state(connection, said, now=town.clock.now())


def declared_at_desk(clerk):
    page = clerk.post("/desk/declare", data=fields_of(clerk.get("/desk/declare").text) | CARD_FORM)
    assert page.url.path.startswith("/desk/receipts/"), page.text
    return html.unescape(page.text)


def test_a_guest_declared_at_the_desk_lays_the_card_on_the_kiosk_and_the_open_page_shows_every_check(town, country):
    alive(town, camera="ok", **{CHIP_TRUST: "ok"})
    clerk = town.client(HOUSE)
    receipt = declared_at_desk(clerk)
    assert ASKED in receipt
    (part,) = re.findall(r'hx-get="(/desk/stays/[^"]+/chip)" hx-trigger="every 3s"', receipt)
    assert ASKED in shown(clerk, part)

    town.clock.pass_time(minutes=1)
    town.declare(Citizen(country).card(), declaration_id=uuid7_text(town.clock.now(), random_bytes(10)))
    (stay,) = town.stays()  # one stay of one guest, whoever declared it first
    assert (part, stay.evidence_level) == (f"/desk/stays/{stay.stay_id}/chip", 5)
    read = shown(clerk, part)
    assert "Chip present: verified, and not a copy" in read
    assert "luutru-level--5" in read
    assert "hx-get" not in read  # nothing more to wait for
    for words in (
        "What the chip says is exactly what was signed",
        "The chip signed our question",
        "Signed by an issuer we trust",
    ):
        assert re.search(rf"{words}.*?govuk-tag--green", read)
    page = shown(clerk, f"/desk/stays/{stay.stay_id}")
    assert read[read.index("<section") : read.index("</section>")] in page
    assert re.search(r"luutru-level--5.*?Chip present", shown(clerk, f"/desk?premises={stay.premises_id}"), re.DOTALL)


def test_a_copy_is_shown_to_its_house_alone_and_what_the_kiosk_said_to_nobody_there(town, country):
    town.declare(chips.cloned(country).card(), tell=lying)
    clerk = town.client(HOUSE)
    page = shown(clerk, f"/desk/stays/{town.stays()[0].stay_id}")
    assert "Chip verified: signed by a trusted issuer" in page
    assert re.search(r"The chip holds its key, so it is no copy.*?govuk-tag--red", page)
    assert "it may be a copy" in page
    assert "luutru-level--doubted" in page
    for each in (page, shown(clerk, "/desk")):
        assert "The kiosk claims" not in each  # the authority's matter
        assert "Disputed" not in each
    for role in ("clerk", "resident"):  # of another house, and nobody's
        assert town.client(role).get(f"/desk/stays/{town.stays()[0].stay_id}/chip").status_code == 403


def test_where_no_kiosk_reads_chips_nothing_is_waited_for(town):
    alive(town, camera="ok")
    receipt = declared_at_desk(town.client(HOUSE))
    assert ASKED not in receipt
    assert "hx-get" not in receipt
