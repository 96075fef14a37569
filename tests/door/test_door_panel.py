"""The door's page at the kiosk: what it says, the challenge, the PIN, and who may post one."""

import re

import pytest
from door_parts import Kiosk, Ticked, entry, listing
from server_parts import Client
from starlette.applications import Starlette

from edge_agent.door.panel import DoorPanel

HERE = "http://testserver"


@pytest.fixture
def door(tmp_path):
    return Kiosk(tmp_path, papers=[listing(entry("an", pin="204966"), entry("binh"))], least="token-and-pin")


@pytest.fixture
def browser(door):
    panel = DoorPanel(door.keeper, random_bytes=lambda length: bytes(range(length)))
    client = Client(Starlette(routes=panel.routes()))
    yield client
    client.close()


def post_pin(browser, pin, *, origin=HERE, token=None):
    page = browser.get("/door").text
    given = token or re.search(r'name="token" value="([0-9a-f]+)"', page)[1]
    return browser.post("/door/pin", data={"token": given, "pin": pin}, headers={"origin": origin}, follow_redirects=False)


def turn_what_waits(door):
    while not door.keeper._queue.empty():
        door.keeper.turn(door.keeper._queue.get())


def test_a_pin_is_asked_for_taken_and_answered(door, browser):
    assert 'name="pin"' not in browser.get("/door").text
    door.show("an")
    assert post_pin(browser, "204966").status_code == 303
    turn_what_waits(door)
    assert door.relay.driven
    page = browser.get("/door").text
    assert "Mời vào" in page
    assert "Please come in" in page


def test_a_refusal_says_no_and_never_why(door, browser):
    door.show("nobody")
    unknown = browser.get("/door").text
    door.show("an")
    post_pin(browser, "000000")
    turn_what_waits(door)
    assert browser.get("/door").text == unknown
    assert "✗" in unknown


@pytest.mark.parametrize("wrong", [{"origin": "http://elsewhere.example"}, {"token": "0" * 64}])
def test_only_the_page_itself_may_post(door, browser, wrong):
    door.show("an")
    assert post_pin(browser, "204966", **wrong).status_code == 403
    assert door.keeper._queue.empty()


def test_the_challenge_is_shown_only_while_the_clock_is_unconfirmed(door, browser, tmp_path):
    door.keeper.turn(Ticked())
    assert not re.search(r"<strong>\d{6}</strong>", browser.get("/door").text)
    (tmp_path / "other").mkdir()
    unsure = Kiosk(tmp_path / "other", synced=False)
    unsure.keeper.turn(Ticked())
    panel = DoorPanel(unsure.keeper, random_bytes=lambda length: bytes(range(length)))
    client = Client(Starlette(routes=panel.routes()))
    assert re.search(r"<strong>\d{6}</strong>", client.get("/door").text)
    client.close()
