"""What residents and operators see: a receipt by its code and no name; machines and no person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import EVENING, make_declaration
from server_parts import World, csrf_of

from registry.kiosks import KioskOnList
from registry.quarantine import DeadLetter, set_aside
from residence.wire.state import KioskState
from server.operators.kiosk_health import health_of
from server.settings import Allowance


def ask(client, code):
    return client.post("/receipts", data={"csrf": csrf_of(client), "code": code})


def test_a_receipt_is_found_by_its_code_however_it_is_typed_and_names_nobody(world):
    code = world.declare_guest().receipt.code
    client = world.client()
    for typed in (code, code.lower().replace("-", " "), f"  {code.replace('-', '')} "):
        page = ask(client, typed)
        assert "This receipt is in the registry" in page.text
        assert "Accepted by the registry" in page.text
        assert "Khách sạn Sao Mai" in page.text
        assert "Trần Văn An" not in page.text


def test_a_homes_address_is_not_shown_to_whoever_holds_a_code(world):
    code = world.record(make_declaration()).receipt.code
    page = ask(world.client(), code).text
    assert "This receipt is in the registry" in page
    assert "Hòa Bình" not in page


@pytest.mark.parametrize("code", ["", "ABC", "UUUUUUUUUUUU", "7K3D-9QXM-2VHT"])
def test_a_wrong_code_says_what_to_do(world, code):
    page = ask(world.client(), code)
    assert page.status_code == 422
    assert "error-summary" in page.text


def test_a_kiosks_address_fills_the_code_in_and_shows_nothing_yet(world):
    code = world.declare_guest().receipt.code
    page = world.client().get(f"/receipts?code={code}").text
    assert f'value="{code}"' in page
    assert "Accepted" not in page


def test_guessing_codes_is_counted_on_page_and_api_together(tmp_path):
    world = World(tmp_path, receipt_allowance=Allowance(times=2, per=timedelta(minutes=1)))
    client = world.client()
    assert [ask(client, "7K3D9QXM2VHT").status_code for _ in range(3)] == [422, 422, 429]
    assert client.get("/api/v1/receipts/7K3D9QXM2VHT").status_code == 429
    world.close()


def test_operators_see_machines_those_that_need_a_hand_first_and_no_person(world):
    world.enrol_kiosks()
    world.declare_guest()
    page = world.client("operator").get("/operators/kiosks").text
    assert page.index("kiosk-desk-1") < page.index("kiosk-lobby-1")
    for words in (
        "Has never reported",
        "Declarations wait in its outbox",
        "A reader is not well",
        "Synchronised",
        "oldest unsent",
    ):
        assert words in page, words
    assert "Trần Văn An" not in page


def test_dead_letters_of_the_own_commune_and_of_nobody_are_counted_by_code_and_never_shown(world):
    for code, commune in (("envelope.sealed", "demo-01"), ("envelope.malformed", "-"), ("sign1.algorithm", "demo-02")):
        letter = DeadLetter(code=code, payload=b"Secret of " + code.encode(), received_at=world.clock.now(), commune_code=commune)
        with world.registry.writing() as connection:
            set_aside(connection, [letter], vault=world.vault, now=world.clock.now())
    operator = world.client("operator")
    page = operator.get("/operators/dead-letters").text
    assert "envelope.sealed" in page
    assert "envelope.malformed" in page
    assert "sign1.algorithm" not in page
    assert "Secret" not in page
    assert "<strong>2</strong>" in operator.get("/operators/kiosks").text


HEALTH = {
    "never heard of": ({"seen_at": None}, "lost", ("never_seen",)),
    "says goodbye": ({"online": False}, "lost", ("offline",)),
    "silent": ({"seen_at": EVENING - timedelta(minutes=11)}, "lost", ("silent",)),
    "retired": ({"retired_at": EVENING}, "lost", ("retired",)),
    "well": ({}, "ok", ()),
    "waiting a moment": ({"outbox_depth": 1, "oldest_unsent_at": EVENING - timedelta(minutes=1)}, "ok", ()),
    "waiting long": ({"outbox_depth": 1, "oldest_unsent_at": EVENING - timedelta(minutes=6)}, "degraded", ("outbox",)),
    "no clock": ({"time_state": "unset"}, "degraded", ("clock",)),
    "the only reader gone": ({"readers": {"camera": "lost:unplugged"}}, "degraded", ("deaf", "reader")),
    "all at once": (
        {"time_state": "jumped", "readers": {"a": "degraded"}, "oldest_unsent_at": EVENING - timedelta(hours=1)},
        "degraded",
        ("outbox", "clock", "reader"),
    ),
}


@pytest.mark.parametrize("case", HEALTH)
def test_a_kiosks_health_names_every_reason(case):
    changes, state, reasons = HEALTH[case]
    values = dict.fromkeys(KioskOnList.__struct_fields__) | {
        "kiosk_id": "k", "premises_id": "p", "commune_code": "c", "profile": "lobby", "enrolled_at": EVENING, "online": True,
        "seen_at": EVENING, "time_state": "synced", "readers": {"camera": "ok"}, "outbox_depth": 0,
    }  # fmt: skip
    health = health_of(KioskOnList(**values | changes), now=EVENING, silent_after=timedelta(minutes=10))
    assert (health.state, health.reasons) == (state, reasons)


def test_a_state_of_the_wire_reaches_the_operators_page(world):
    world.enrol_kiosks()
    assert KioskState.__struct_fields__  # the page shows what this struct carries
    assert "2" in world.client("operator").get("/operators/kiosks").text


def ask_from(client, csrf, forwarded):
    return client.post(
        "/receipts", data={"csrf": csrf, "code": "7K3D9QXM2VHT"}, headers={"x-forwarded-for": forwarded}
    ).status_code


def test_what_a_caller_writes_before_the_proxys_address_does_not_count(world):
    client = world.client()
    csrf = csrf_of(client)
    answers = [ask_from(client, csrf, f"203.0.113.{number}, 198.51.100.7") for number in range(26)]
    assert answers == [422] * 20 + [429] * 6


def test_addresses_of_one_ipv6_network_are_one_caller(world):
    client = world.client()
    csrf = csrf_of(client)
    assert [ask_from(client, csrf, f"2001:db8:1:2::{number:x}") for number in range(22)] == [422] * 20 + [429] * 2


def test_everybody_together_meets_the_second_wall(tmp_path):
    world = World(tmp_path, receipt_allowance=Allowance(times=2, per=timedelta(minutes=1), together=5))
    client = world.client()
    csrf = csrf_of(client)
    assert [ask_from(client, csrf, f"203.0.113.{number}") for number in range(7)] == [422] * 5 + [429] * 2
    world.close()
