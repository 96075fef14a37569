"""Many houses of one clerk at a glance; a house tried from end to end; nothing is told to nobody in silence."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from server_parts import COMMUNE, World, csrf_of
from sqlalchemy import delete, func, select, update

from gateway.credential_endings import tell_endings
from luutru.system import random_bytes
from registry import accounts, tables
from registry.authority_lines import LineState, write_line
from registry.authority_links import Binding, bind
from registry.kiosks import add_key
from registry.sessions import BEARER, Beginning, open_session
from residence.wire.keyring import AUTHORITY, KeyEntry

HOTEL = "htl-sao-mai"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    long = timedelta(days=400)
    made = World(tmp_path_factory.mktemp("world"), session_idle=long, session_absolute=long)
    with made.registry.writing() as connection:
        mine = tables.accounts.c.account_id == "acc-clerk"
        connection.execute(update(tables.accounts).where(mine).values(areas=["blk-hoa-binh", HOTEL]))
    made.declare_guest()
    made.see_somebody(premises_id=HOTEL, unit="202")
    yield made
    made.close()


@pytest.fixture(scope="module")
def clerk(world):
    return world.client("clerk")


def tried(clerk):
    """Return part -> how it went."""
    page = clerk.post("/desk/check", data={"csrf": csrf_of(clerk), "premises_id": HOTEL}).text
    rows = re.findall(
        r"<li><span><strong>([^<]+)</strong>.*?<strong class=\"govuk-tag [^\"]*\">([^<]+)</strong></li>", page, re.DOTALL
    )
    return dict(rows)


def trust_the_server(world):
    key = KeyEntry(
        key_id=world.signer.key_id, use="receipt", owner=AUTHORITY, public_key=world.signer.public_key, valid_from="2026-01-01T00:00:00Z"
    )  # fmt: skip
    with world.registry.writing() as connection:
        add_key(connection, key, commune_code=COMMUNE)


def counted(world):
    with world.registry.reading() as connection:
        return {
            name: connection.scalar(select(func.count()).select_from(table)) for name, table in tables.metadata.tables.items()
        }


def test_the_house_with_somebody_to_declare_stands_first_and_names_nobody(clerk):
    page = clerk.get("/desk/houses").text
    names = re.findall(r'<a class="govuk-link" href="/desk\?premises=([^"]+)"', page)
    assert names == [HOTEL, "blk-hoa-binh"]
    assert "to none: nothing is set up" in page
    assert "Trần" not in page


def test_a_synthetic_guest_goes_the_whole_way_and_leaves_nothing(world, clerk):
    assert tried(clerk)["The receipt is signed and can be verified"] == "does not work"  # nobody knows the key yet
    trust_the_server(world)
    before = counted(world)
    found = tried(clerk)
    assert counted(world) == before
    assert found["A guest is checked and recorded"] == "works"
    assert found["The receipt is signed and can be verified"] == "works"
    assert found["The connection to other authorities"] == "not set up"
    assert found["The kiosks of this house"] == "not set up"


def test_a_silent_kiosk_a_shut_line_and_a_stay_without_a_record_are_said(world, clerk):
    world.enrol_kiosks()
    now = world.clock.now()
    shut = {"state": "shut", "code": "authority.unreachable", "failures": 5, "shut_until": now, "changed_at": now}
    with world.registry.writing() as connection:
        bind(connection, Binding(premises_id=HOTEL, authority="kbtt", facility="sao-mai"), now=now, random_bytes=random_bytes)
        write_line(connection, LineState(authority="kbtt", facility="sao-mai", **shut))
    found = tried(clerk)
    assert found["The kiosks of this house"] == "does not work"
    assert found["The authority takes in what kiosks send"] == "does not work"
    assert found["The connection to other authorities"] == "does not work"
    assert "Stays that no other authority is told of" not in found
    with world.registry.writing() as connection:
        connection.execute(delete(tables.authority_records))  # as if recording had forgotten it
    assert tried(clerk)["Stays that no other authority is told of"] == "does not work"
    assert "stays told to nobody: 1" in clerk.get("/desk/houses").text


def test_a_token_is_told_of_thirty_fifteen_seven_days_and_one_day_before_it_ends(world, clerk):
    now = world.clock.now()
    with world.registry.writing() as connection:
        account = accounts.find_account(connection, "le-tan")
        open_session(connection, account, "t" * 40, beginning=Beginning(method=BEARER), now=now, lifetime=timedelta(days=90))
    ends, told = now + timedelta(days=90), []
    for days in (31, 30, 29, 16, 15, 8, 7, 2, 1, 0):
        moment = ends - timedelta(days=days)
        if tell_endings(world.registry, now=moment, random_bytes=random_bytes):
            told.append(days)
    assert told == [30, 15, 7, 1]
    assert "A token of your hotel software" not in tried(clerk)
    world.clock.pass_time(days=70)
    assert tried(clerk)["A token of your hotel software"] == "please look"
    world.clock.pass_time(days=21)
    assert tried(clerk)["A token of your hotel software"] == "does not work"
    with world.registry.writing() as connection:
        open_session(
            connection, account, "u" * 40, beginning=Beginning(method=BEARER), now=world.clock.now(), lifetime=timedelta(days=90)
        )
    assert "A token of your hotel software" not in tried(clerk)  # there is a newer one


@pytest.mark.parametrize("role", ["officer", "operator", "resident"])
def test_houses_and_their_check_are_for_their_own_clerks(world, role):
    client = world.client(role)
    assert client.get("/desk/houses").status_code == 403
    assert client.get(f"/desk/check?premises={HOTEL}").status_code == 403


def test_rights_differ_by_house_and_change_at_once(world, clerk):
    def give(right):
        with world.registry.writing() as connection:
            accounts.give_rights(connection, accounts.find_account(connection, "le-tan"), HOTEL, right=right)

    give("read")
    page = clerk.get(f"/desk?premises={HOTEL}").text
    assert "You look here and declare nothing" in page
    assert clerk.get(f"/desk/declare?premises={HOTEL}").status_code == 403
    assert clerk.get("/desk/declare?premises=blk-hoa-binh").status_code == 200
    give("none")
    assert clerk.get(f"/desk?premises={HOTEL}").status_code == 403
    give("declare")
    assert clerk.get(f"/desk/declare?premises={HOTEL}").status_code == 200
