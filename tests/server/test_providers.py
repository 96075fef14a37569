"""Signing in by an OpenID provider, against one of another project: there and back, and everything an attacker would put in between."""

from __future__ import annotations

import re
import secrets
import socket
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from openid_parts import Browser, Provider, query_of
from server_own import bind_resident
from server_parts import ACCOUNTS, World, free_address
from sqlalchemy import delete, select, update

from luutru.system import system_clock
from registry import accounts, identities, tables
from server.settings import Allowance

MANY = Allowance(times=1000, per=timedelta(minutes=5), together=5000)


@pytest.fixture(scope="module")
def provider_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def town(tmp_path_factory, provider_port):
    ours = free_address()
    provider = Provider(provider_port, ours)
    made = World(
        tmp_path_factory.mktemp("world"),
        base_url=ours,
        issuers=(provider.issuer(number_claim="vn_number", scopes=("openid", "number")),),
        sign_in_allowance=MANY,
        receipt_allowance=MANY,
        token_allowance=MANY,
    )
    made.provider = provider
    made.resident = bind_resident(made)
    made.clock.instant = system_clock().now()
    with made.serving():
        yield made
    made.close()
    provider.stop()


@pytest.fixture
def world(town):
    """Everything as it was: nobody signed in, the officer bound to ``binh`` at the provider."""
    town.clock.instant = system_clock().now()
    with town.registry.writing() as connection:
        for table in (tables.identities, tables.sessions, tables.sign_in_audit):
            connection.execute(delete(table))
        officer = accounts.find_account(connection, ACCOUNTS["officer"][0])
        bind(town, connection, officer, "binh")
    town.browsers = []
    yield town
    for each in town.browsers:
        each.http.close()


def bind(world, connection, account, subject):
    index = world.vault.identity_index(world.provider.address, subject)
    identities.bind(connection, account, index, provider="eid", now=world.clock.now())


def browser(world):
    world.browsers.append(Browser(world.settings.base_url))
    return world.browsers[-1]


def is_in(guest, path="/police/queue/all"):
    return guest.get(path).status_code == 200


def live_sessions(world):
    query = select(tables.sessions).where(tables.sessions.c.ended_at.is_(None))
    with world.registry.reading() as connection:
        return connection.execute(query).all()


def code_of(answer):
    return re.search(r"server\.[a-z_]+|account\.[a-z_]+", answer.text)[0]


def test_an_officer_signs_in_and_out_by_their_identity_and_the_cookie_is_new(world):
    officer = browser(world)
    officer.get("/sign-in")
    planted = officer.http.cookies["luutru"]
    address = officer.leave(next="/police/premises")
    asked = query_of(address)
    assert (asked["code_challenge_method"], asked["acr_values"]) == ("S256", "high low")
    assert planted not in address
    assert "premises" not in address  # where somebody goes is nobody else's business
    answer = officer.get(officer.sign_in_there(address, "binh"))
    assert answer.headers["location"] == "/police/premises"
    assert is_in(officer)
    assert officer.http.cookies["luutru"] != planted
    (session,) = live_sessions(world)
    assert (session.method, session.provider, session.device) == ("provider", "eid", "Firefox, Linux")
    assert officer.post("/sign-out").headers["location"] == "/signed-out?by=eid"
    assert live_sessions(world) == []
    page = officer.get("/signed-out?by=eid").text
    there = re.search(r'href="(http://127[^"]+)"', page)[1].replace("&amp;", "&")
    assert query_of(there)["post_logout_redirect_uri"] == f"{world.settings.base_url}/signed-out"
    assert officer.get(there).status_code == 200  # the provider asks whether to end its own session


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"state": "x"}, "server.provider_failed", id="a state nobody made"),
        pytest.param({"iss": "https://other.example"}, "server.provider_failed", id="another provider's answer (mix-up)"),
        pytest.param({"iss": None}, "server.provider_failed", id="an answer that does not say whose it is"),
        pytest.param({"code": "x" * 43}, "server.provider_failed", id="a code the provider never gave"),
        pytest.param({"code": None}, "server.provider_failed", id="no code"),
        pytest.param({"code": "x" * 5000}, "server.provider_failed", id="a code of five thousand characters"),
    ],
)
def test_an_answer_that_was_tampered_with_opens_nothing(world, changed, code):
    officer = browser(world)
    back = officer.sign_in_there(officer.leave(), "binh")
    fields = {name: value for name, value in (query_of(back) | changed).items() if value is not None}
    answer = officer.get(f"/sign-in/with/eid/back?{urlencode(fields)}")
    assert (answer.status_code, code_of(answer)) == (401, code)
    assert live_sessions(world) == []


def test_an_answer_is_good_in_one_browser_once_and_for_ten_minutes(world):
    attacker, victim = browser(world), browser(world)
    victim.get("/sign-in")
    back = attacker.sign_in_there(attacker.leave(), "binh")
    assert code_of(victim.get(back)) == "server.provider_failed"  # signing somebody in as oneself (login CSRF)
    assert victim.get(back).status_code == 401
    assert attacker.get(back).status_code == 303
    assert code_of(attacker.get(back)) == "server.provider_failed"  # the cookie is new, and the code is spent
    late = browser(world)
    back = late.sign_in_there(late.leave(), "binh")
    world.clock.pass_time(minutes=11)
    assert code_of(late.get(back)) == "server.provider_failed"


def test_one_sign_ins_code_does_not_answer_another_sign_in(world):
    """Code injection: the attacker's own state with a code made for somebody else; PKCE and the nonce both stand in the way."""
    victim, attacker = browser(world), browser(world)
    stolen = query_of(victim.sign_in_there(victim.leave(), "binh"))["code"]
    mine = query_of(attacker.sign_in_there(attacker.leave(), "nobody"))
    answer = attacker.get(f"/sign-in/with/eid/back?{urlencode(mine | {'code': stolen})}")
    assert code_of(answer) == "server.provider_failed"
    assert live_sessions(world) == []


def test_an_identity_that_is_nobodys_and_a_stop_at_the_provider_open_nothing(world):
    stranger = browser(world)
    assert code_of(stranger.sign_in("stranger")) == "server.identity_unknown"
    address = browser_stop(stranger, stranger.leave())
    assert code_of(stranger.get(address)) == "server.provider_declined"
    assert live_sessions(world) == []


def browser_stop(guest, address):
    guest.http.cookies.clear(domain="127.0.0.1")
    answer = guest.get(address)
    answer = guest.get(f"{answer.url.join(answer.headers['location'])}/stop")
    while not answer.headers["location"].startswith(guest.ours):
        answer = guest.get(str(answer.url.join(answer.headers["location"])))
    return answer.headers["location"]


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_provider_never_leads_off_this_server(world, target):
    assert browser(world).sign_in("binh", next=target).headers["location"] == "/police/queue"


def test_the_providers_keys_may_change_at_any_time(world):
    world.app.state.server.providers["eid"]._keys = None  # so that they are fetched now, whatever ran before
    assert browser(world).sign_in("binh").status_code == 303
    world.provider.renew_keys()
    late = browser(world)
    assert code_of(late.sign_in("binh")) == "server.provider_failed"  # fetched just now: nobody makes us ask all the time
    world.clock.pass_time(seconds=31)
    assert late.sign_in("binh").status_code == 303


def test_a_session_ends_when_the_provider_says_so(world):
    officer, other = browser(world), browser(world)
    officer.sign_in("binh")
    with world.registry.writing() as connection:
        link = secrets.token_urlsafe(32)
        accounts.add_link(
            connection, accounts.find_account(connection, "cong-an"), link, now=world.clock.now(), lifetime=timedelta(hours=1)
        )
    other.post("/sign-in/link", token=link)
    assert is_in(officer)
    page = officer.get(re.search(r'href="(http://127[^"]+)"', officer.get("/signed-out?by=eid").text)[1].replace("&amp;", "&"))
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text)) | {"logout": "yes"}
    ended = officer.http.post(re.search(r'action="([^"]+)"', page.text)[1], data=form)
    assert ended.headers["location"] == f"{world.settings.base_url}/signed-out"
    assert not is_in(officer)
    assert is_in(other)  # it came another way


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 20_000])
def test_a_logout_nobody_signed_ends_nothing(world, token):
    officer = browser(world)
    officer.sign_in("binh")
    answer = officer.http.post(f"{world.settings.base_url}/api/providers/eid/ended", data={"logout_token": token})
    assert answer.status_code == 400
    assert is_in(officer)


def test_a_sensitive_act_wants_the_provider_sure_and_fresh_and_the_same_person(world):
    officer = browser(world)
    officer.sign_in("binh")
    world.clock.pass_time(minutes=11)
    assert officer.post("/account/passkeys/remove", credential_id="x").headers["location"] == "/sign-in/again?next=/"
    world.clock.instant = system_clock().now()
    with world.registry.writing() as connection:
        long_ago = world.clock.now() - timedelta(minutes=20)
        connection.execute(update(tables.sessions).values(proved_at=long_ago))
        bind(world, connection, accounts.find_account(connection, "cu-dan"), "lan")
    again = {"again": "yes", "next": "/account"}
    assert "max_age=0" in officer.leave(**again)
    assert code_of(officer.sign_in("binh", acr="low", **again)) == "server.provider_unsure"
    assert code_of(officer.sign_in("lan", acr="high", **again)) == "server.proved_by_another"
    before = officer.http.cookies["luutru"]
    assert officer.sign_in("binh", acr="high", **again).headers["location"] == "/account"
    assert officer.post("/account/passkeys/remove", credential_id="x").headers["location"] == "/account"
    assert officer.http.cookies["luutru"] != before
    assert len(live_sessions(world)) == 1  # the copied cookie is worth nothing now


def test_an_identity_is_bound_by_the_accounts_holder_and_opens_no_second_account(world):
    officer = browser(world)
    officer.sign_in("binh", acr="high")
    back = officer.sign_in_there(officer.leave("/account/identities/eid"), "binh-moi", "high")
    assert code_of(browser(world).get(back)) == "server.provider_failed"
    assert officer.get(back).headers["location"] == "/account"
    assert "Test eID" in officer.get("/account").text
    assert browser(world).sign_in("binh-moi").status_code == 303
    back = officer.sign_in_there(officer.leave("/account/identities/eid"), "binh", "high")
    assert code_of(officer.get(back)) == "account.identity_known"


def test_a_person_comes_in_by_the_number_their_provider_vouches_for_and_nobody_else_does(world):
    with world.registry.writing() as connection:
        mine = tables.accounts.c.account_id == "acc-resident"
        connection.execute(update(tables.accounts).where(mine).values(person_id=None))
    person = browser(world)
    assert person.sign_in("001095000117").headers["location"] == "/me"
    assert is_in(person, "/me")
    first = live_sessions(world)[0].account_id
    assert first != "acc-resident"  # an account of their own was made
    assert browser(world).sign_in("001095000117").status_code == 303
    assert {each.account_id for each in live_sessions(world)} == {first}
    assert code_of(browser(world).sign_in("001195999999")) == "server.identity_unknown"
