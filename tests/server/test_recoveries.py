"""A way back in by paper: two officers, or a wait with a word to the person and a way to stop it; never for who knows a number."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

import pytest
from mail_parts import mail_server
from server_own import bind_resident, live_at_home
from server_parts import COMMUNE, csrf_of
from sqlalchemy import select, update

from gateway.mailing import send_due
from registry import accounts, tables
from registry.accounts import KnownAccount, Passkey
from registry.contact_points import AddressGiven, confirm_address, give_address

HOME = "an@example.org"


@pytest.fixture
def person_id(world):
    return bind_resident(world)


@pytest.fixture
def colleague(world):
    with world.registry.writing() as connection:
        accounts.add_account(connection, KnownAccount(account_id="acc-second", commune_code=COMMUNE, sign_in_name="cong-an-2", role="officer", areas=(), created_at=world.clock.now()))  # fmt: skip
        accounts.add_link(connection, accounts.find_account(connection, "cong-an-2"), "second-link", now=world.clock.now(), lifetime=timedelta(days=1))  # fmt: skip
    client = world.client()
    client.post("/sign-in/link", data={"csrf": csrf_of(client), "token": "second-link"})
    return client


def with_address(world, person_id):
    given = AddressGiven(subject_kind="person", subject_id=person_id, commune_code=COMMUNE, address=HOME, language="en", account_id="acc-resident")  # fmt: skip
    with world.registry.writing() as connection:
        contact_id = give_address(connection, given, vault=world.vault, now=world.clock.now(), random_bytes=secrets.token_bytes)
        confirm_address(connection, contact_id, now=world.clock.now())


def begin(officer, person_id, **form):
    sent = {"csrf": csrf_of(officer), "paper": "cccd-2021", "compared": "yes"} | form
    return officer.post(f"/police/numbers/{person_id}/way-in", data=sent)


def code_in(page):
    return re.search(r"((?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})", page.text)[1]


def second(officer, person_id):
    return officer.post(f"/police/numbers/{person_id}/way-in/second", data={"csrf": csrf_of(officer), "compared": "yes"})


def use(world, code, **form):
    client = world.client()
    return client.post("/sign-in/paper", data={"csrf": csrf_of(client, "/sign-in/paper"), "code": code} | form)


def test_two_officers_open_it_at_once_and_what_was_lost_opens_nothing_afterwards(world, person_id, colleague):
    thief, officer = world.client("resident"), world.client("officer")
    lost = Passkey(credential_id="lost", account_id="acc-resident", commune_code=COMMUNE, public_key=b"k", sign_count=0, label="phone", created_at=world.clock.now())  # fmt: skip
    with world.registry.writing() as connection:
        accounts.add_passkey(connection, lost)
    code = code_in(begin(officer, person_id))
    assert "recovery.too_early" not in thief.get("/me").text
    early = use(world, code)
    assert (early.status_code, "opens on the day" in early.text) == (403, True)
    assert second(officer, person_id).status_code == 422  # the same officer is no second one
    assert second(colleague, person_id).status_code == 200
    back = use(world, code.lower().replace("-", " "))
    assert str(back.url).endswith("/account")
    assert "by a paper from the commune police" in back.text
    assert "phone" not in back.text
    assert str(thief.get("/me").url).endswith("/sign-in?next=/me")
    assert use(world, code).status_code == 403  # once
    with world.registry.reading() as connection:
        assert connection.scalars(select(tables.passkeys.c.credential_id)).all() == []
        kept = repr(connection.execute(select(tables.recoveries)).all())
    assert code not in kept


def test_whoever_lost_nothing_keeps_what_they_have_and_sees_who_opened_it(world, person_id, colleague):
    me = world.client("resident")
    code = code_in(begin(world.client("officer"), person_id))
    assert "Somebody showed your paper" in me.get("/me").text
    second(colleague, person_id)
    assert use(world, code, keep="yes").status_code == 200
    assert "second officer" in me.get("/me").text


def test_without_a_second_it_waits_is_told_by_mail_and_is_stopped_by_the_link_or_on_ones_own_page(world, person_id):
    with_address(world, person_id)
    officer = world.client("officer")
    with mail_server() as (mailbox, settings):
        code = code_in(begin(officer, person_id))
        send_due(world.registry, settings=settings, clock=world.clock)
        (told,) = [each for each in mailbox.bodies(HOME) if "Somebody showed your paper" in each]
    link = re.search(r"/n/[\w-]+/[0-9a-f]+", told)[0]
    world.clock.pass_time(days=2)
    assert use(world, code).status_code == 403
    stranger = world.client()
    stopped = stranger.post(link, data={"csrf": csrf_of(stranger, link)})
    assert "Stopped. The code that was given opens nothing." in stopped.text
    world.clock.pass_time(days=2)
    assert use(world, code).status_code == 403
    again = code_in(begin(world.client("officer"), person_id, paper="passport"))
    me = world.client("resident")
    me.post("/me/way-in/stop", data={"csrf": csrf_of(me, "/me")})
    world.clock.pass_time(days=4)
    assert use(world, again).status_code == 403
    third = code_in(begin(world.client("officer"), person_id))
    world.clock.pass_time(days=3)
    assert use(world, third).status_code == 200
    assert (
        "The code was used and cannot be stopped" not in stranger.get(link).text
    )  # that link is of the first, and stopped that one


def test_nobody_who_hears_of_nothing_is_taken_over_by_one_officer_alone(world, person_id):
    page = begin(world.client("officer"), person_id)
    assert "It opens when a second officer has seen you." in page.text
    world.clock.pass_time(days=13)
    assert use(world, code_in(page)).status_code == 403


@pytest.mark.parametrize(("form", "said"), [({"compared": ""}, "Confirm that you compared"), ({"paper": ""}, "To know a number is not enough"), ({"paper": "none"}, "To know a number")])  # fmt: skip
def test_a_number_alone_is_never_enough(world, person_id, form, said):
    refused = begin(world.client("officer"), person_id, **form)
    assert (refused.status_code, said in refused.text) == (422, True)
    with world.registry.reading() as connection:
        assert connection.execute(select(tables.recoveries)).all() == []


def test_no_officer_opens_their_own_or_their_familys_page_nor_one_of_another_commune_and_no_other_role_any(
    world, person_id, colleague
):
    with world.registry.writing() as connection:
        own = tables.accounts.c.account_id == "acc-officer"
        connection.execute(update(tables.accounts).where(own).values(person_id=person_id))
    assert "Nobody does this for themselves" in begin(world.client("officer"), person_id).text
    begin(colleague, person_id)
    assert "Nobody does this for themselves" in second(world.client("officer"), person_id).text
    for role in ("clerk", "operator", "resident", "inspector"):
        assert begin(world.client(role), person_id).status_code == 403
    with world.registry.writing() as connection:
        connection.execute(update(tables.persons).values(commune_code="demo-02"))
    assert begin(colleague, person_id).status_code == 403
    assert begin(colleague, "nobody").status_code == 403


def test_one_waits_at_a_time_and_a_person_without_an_account_gets_one(world, colleague):
    world.declare_guest()
    with world.registry.reading() as connection:
        person_id = connection.scalar(select(tables.stays.c.person_id))
    live_at_home(world, person_id)
    officer = world.client("officer")
    code = code_in(begin(officer, person_id))
    assert begin(officer, person_id).status_code == 422
    second(colleague, person_id)
    client = world.client()
    client.post("/sign-in/paper", data={"csrf": csrf_of(client, "/sign-in/paper"), "code": code})
    assert "Trần Văn An" in client.get("/me").text
