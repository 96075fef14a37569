"""Maintenance: alarms of a kiosk or a site are silent for some hours, by whom and why is said, and nothing else is silent."""

from __future__ import annotations

import html
import re

import pytest
from factories import make_id
from server_operators import put_aside
from server_parts import COMMUNE, csrf_of
from sqlalchemy import insert

from luutru.metrics import read_metrics
from registry import tables
from registry.kiosk_counts import Counted, look_through
from registry.kiosk_mutes import NewMute, mute
from registry.kiosks import keep_state
from residence.clock import rfc3339
from residence.errors import Refused
from residence.wire.state import KioskState
from server.operators.fleet import Patience

SITE, LOBBY = "htl-sao-mai", "kiosk-lobby-1"
DARK = "<strong>1</strong><span>sites where every kiosk is lost"


def say(world, kiosk_id, **changes):
    now = world.clock.now()
    with world.registry.writing() as connection:
        keep_state(
            connection,
            KioskState(kiosk_id=kiosk_id, session=9, online=True, at=rfc3339(now), time_state="synced", **changes),
            now=now,
        )


def ask(operator, **changes):
    fields = {"csrf": csrf_of(operator), "subject": f"site:{SITE}", "hours": "4", "reason": "power works"}
    return operator.post("/operators/mutes", data=fields | changes)


def figures(world):
    text = read_metrics(world.registry, now=world.clock.now(), patience=Patience())
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    }


def named(figure, **labels):
    told = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f'luutru_{figure}{{commune="{COMMUNE}",site="{SITE}"{"," if told else ""}{told}}}'


@pytest.fixture
def dark(world):
    """A town in which one site has been lost for half an hour, with something in its outbox, and a dead letter waits."""
    world.enrol_kiosks()
    say(world, "kiosk-desk-1", outbox_depth=3, oldest_unsent_at=rfc3339(world.clock.now()))
    put_aside(world)
    world.clock.pass_time(minutes=30)
    say(world, LOBBY)
    return world


def test_a_muted_site_raises_no_alarm_and_hides_nothing_until_its_hours_are_over(dark):
    operator = dark.client("operator")
    assert DARK in operator.get("/operators/kiosks").text
    assert figures(dark)[named("site_dark")] == 1
    assert ask(operator).status_code == 200
    page = operator.get("/operators/kiosks").text
    assert (DARK in page, "A power cut, or its line." in page) == (False, False)
    assert ("kiosk-desk-1" in page, re.search(r"muted by van-hanh until [^<]*: power works", page) is not None) == (True, True)
    assert '<strong>1</strong><span><a class="govuk-link" href="/operators/dead-letters' in page
    told = figures(dark)
    assert named("site_dark") not in told
    assert (told[named("kiosks", state="muted")], named("kiosks", state="lost") in told) == (1, False)
    assert (told[named("outbox_rows")], told[named("outbox_oldest_seconds")]) == (3, 0)
    assert told[f'luutru_dead_letters{{commune="{COMMUNE}"}}'] == 1
    dark.clock.pass_time(hours=4)
    operator = dark.client("operator")
    assert DARK.replace("1", "2", 1) in operator.get("/operators/kiosks").text, (
        "it has ended by itself, and the other site is lost by now"
    )
    assert "power works" in operator.get("/operators/mutes").text, "who and why stay on the record"


def test_it_is_ended_by_hand_once_and_that_is_on_the_record(dark):
    operator = dark.client("operator")
    ask(operator)
    assert ask(operator, hours="72").status_code == 422, "one at a time"
    path = re.search(r'action="(/operators/mutes/[^"]+)"', operator.get("/operators/mutes").text)[1]
    again = {"csrf": csrf_of(operator)}
    assert (operator.post(path, data=again).status_code, operator.post(path, data=again).status_code) == (200, 409)
    assert "ended by van-hanh" in operator.get("/operators/mutes").text
    assert DARK in operator.get("/operators/kiosks").text


def test_one_muted_kiosk_that_lives_shows_that_its_site_is_not_dark(world):
    world.enrol_kiosks()
    say(world, LOBBY, unread=9)
    operator = world.client("operator")
    assert "<strong>1</strong><span>kiosks that hear no card" in operator.get("/operators/kiosks").text
    assert ask(operator, subject=f"kiosk:{LOBBY}").status_code == 200
    page = operator.get("/operators/kiosks").text
    assert ("<strong>0</strong><span>kiosks that hear no card" in page, "seems to hear no card" in page) == (True, True)
    assert LOBBY in operator.get("/operators/kiosks?state=muted").text


WRONG = {
    "no hour at all": {"hours": "0"},
    "longer than three days": {"hours": "73"},
    "hours that are no number": {"hours": "²"},
    "no reason": {"reason": " \u200b\n "},
    "a reason without end": {"reason": "x" * 201},
    "a site of elsewhere": {"subject": "site:htl-elsewhere"},
    "a kind nobody knows": {"subject": "commune:demo-01"},
    "nothing": {"subject": ""},
}


def test_what_will_not_do_is_said_and_mutes_nothing(world):
    world.enrol_kiosks()
    operator = world.client("operator")
    for case, changes in WRONG.items():
        answer = ask(operator, **changes)
        assert (case, answer.status_code, "govuk-error-summary" in answer.text) == (case, 422, True)
    assert "No alarm is muted." in operator.get("/operators/mutes").text
    assert operator.post("/operators/mutes", data={"subject": f"site:{SITE}", "hours": "4", "reason": "x"}).status_code == 403, (
        "no token"
    )
    clerk = world.client("clerk")
    assert (clerk.get("/operators/mutes").status_code, ask(clerk).status_code) == (403, 403)


def test_another_communes_site_cannot_be_muted(world):
    world.enrol_kiosks()
    new = NewMute(commune_code="elsewhere", kind="site", subject=SITE, hours="4", reason="x", by="a")
    with pytest.raises(Refused, match=r"mute\.subject_unknown"), world.registry.writing() as connection:
        mute(connection, new, mute_id="m", now=world.clock.now())


def test_numbers_withheld_for_longer_than_the_patience_are_an_alarm_with_the_numbers_until_they_come(world):
    world.enrol_kiosks()
    say(world, LOBBY)
    counted = Counted(COMMUNE, LOBBY, "epoch-1")
    receive(world, counted, 1, 5)
    operator = world.client("operator")
    asked = "/operators/kiosks?state=withheld"
    assert "No kiosk fits the filter." in operator.get(asked).text, "a gap usually fills"
    world.clock.pass_time(minutes=61)
    say(world, LOBBY)
    operator = world.client("operator")
    page = operator.get(asked).text
    assert "though later ones came: 2–4 since" in html.unescape(page)
    assert (
        '<strong>1</strong><span><a class="govuk-link" href="/operators/kiosks?state=withheld">kiosks that withhold numbers'
        in page
    )
    assert figures(world)[named("kiosks_withholding").replace(SITE, "blk-hoa-binh")] == 1
    ask(operator, subject=f"kiosk:{LOBBY}")
    muted = operator.get("/operators/kiosks?state=muted").text
    assert ("2–4" in muted, figures(world)[named("kiosks_withholding").replace(SITE, "blk-hoa-binh")]) == (True, 0)
    receive(world, counted, 2, 3, 4)
    assert "2–4" not in operator.get("/operators/kiosks").text


NUMBERS = f"/operators/kiosks/{LOBBY}/numbers"


def call_lost(operator, numbers, reason="memory card died", path=NUMBERS):
    return operator.post(path, data={"csrf": csrf_of(operator), "numbers": numbers, "reason": reason})


def test_numbers_that_are_lost_for_good_are_closed_with_a_reason_and_what_comes_after_all_is_said(world):
    world.enrol_kiosks()
    say(world, LOBBY)
    counted = Counted(COMMUNE, LOBBY, "epoch-1")
    receive(world, counted, 1, 5, 7)
    world.clock.pass_time(minutes=61)
    say(world, LOBBY)
    operator = world.client("operator")
    alarm = named("kiosks_withholding").replace(SITE, "blk-hoa-binh")
    assert "epoch-1:2-4" in operator.get(NUMBERS).text
    for numbers, reason in (
        ("epoch-1:2-4", " "),
        ("epoch-1:2-4", "x" * 201),
        ("epoch-1:2-5", "x"),
        ("other:2-4", "x"),
        ("²", "x"),
        ("", "x"),
    ):
        assert (call_lost(operator, numbers, reason).status_code, figures(world)[alarm]) == (422, 1)
    assert "Choose the numbers that are lost." in call_lost(operator, "").text
    page = call_lost(operator, "epoch-1:2-4").text
    assert "called lost by van-hanh" in page
    assert "memory card died" in page
    assert figures(world)[alarm] == 1, "the other gap is an alarm as before"
    assert "2–4" not in html.unescape(operator.get("/operators/kiosks?state=withheld").text)
    assert call_lost(operator, "epoch-1:2-4").status_code == 422, "nobody closes what is closed"
    assert call_lost(operator, "epoch-1:6-6").status_code == 200
    assert figures(world)[alarm] == 0
    receive(world, counted, 9)
    world.clock.pass_time(minutes=61)
    say(world, LOBBY)
    assert figures(world)[alarm] == 1, "a later gap is an alarm of its own"
    receive(world, counted, 3)
    operator = world.client("operator")
    assert "Came after all</strong>" not in (page := operator.get(NUMBERS).text)
    assert re.search(r"2–4</strong> <strong[^>]*>Came after all: 1<", html.unescape(page)), "it was kept, and its closing says so"
    assert "Called lost, and came after all" in operator.get("/operators/kiosks").text
    clerk = world.client("clerk")
    assert (clerk.get(NUMBERS).status_code, call_lost(clerk, "epoch-1:8-8").status_code) == (403, 403)
    assert operator.get("/operators/kiosks/nobody/numbers").status_code == 403


def receive(world, counted, *numbers):
    """Let numbers of a kiosk's count be committed, and a gateway look through it."""
    rows = [
        {
            "commune_code": counted.commune_code, "declaration_id": make_id(), "code": f"CODE{number:08}", "schema": "x", "state": "accepted",
            "body_digest": b"d", "kiosk_id": counted.kiosk_id, "epoch": counted.epoch, "sequence": number, "receipt_bytes": b"r", "issued_at": world.clock.now(),
        }
        for number in numbers
    ]  # fmt: skip
    with world.registry.writing() as connection:
        connection.execute(insert(tables.receipts), rows)
        look_through(connection, counted, now=world.clock.now())
